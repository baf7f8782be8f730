"""Derives, purely, all that follows from a ministry: addresses, names, zones, links and permitted traffic."""

from wizara.blueprint.derive import derive
from wizara.blueprint.models import Blueprint, NodePlan

__all__ = ["Blueprint", "NodePlan", "derive"]
