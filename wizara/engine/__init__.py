"""Carries plans to nodes and results back: the worker, its connector, and the CLI's end of it."""
