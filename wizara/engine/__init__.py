"""Carries plans to nodes and results back."""
