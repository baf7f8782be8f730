"""Reads what a ministry declares into frozen models; every fault has its place."""

from wizara.inventory.loader import load, resolve

__all__ = ["load", "resolve"]
