"""Reads what a ministry declares into frozen models; every fault has its place."""
