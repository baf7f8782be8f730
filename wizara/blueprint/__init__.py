"""Derives, purely, all that follows from a ministry."""
