"""Pairs of observations that differ in one fact alone: read from ``pairs/<topic>.toml``, as ``wizara audit new-rule`` writes them."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wizara.audit.observation import Observation, Target

FOLDER = Path(__file__).with_name("pairs")
HERE = "10.20.20.11"
Pair = tuple[list[Observation], list[Observation]]


def read_pairs(folder: Path = FOLDER) -> dict[str, Pair]:
    """Return the pair of each rule; ValueError when the twins differ in more than one fact."""
    pairs: dict[str, Pair] = {}
    for path in sorted(folder.glob("*.toml")):
        for rule, told in tomllib.loads(path.read_text(encoding="utf-8")).items():
            bad, good = told["broken"], told["harmless"]
            if rule in pairs or len(bad) != 1 or set(bad) != set(good) or bad == good:
                raise ValueError(rule)
            pairs[rule] = ([_observation(told, bad)], [_observation(told, good)])
    return pairs


def _observation(told: dict[str, Any], fact: dict[str, Any]) -> Observation:
    target = Target(site="hq", ip=HERE, port=told["port"], proto=told.get("proto", "tcp"))
    return Observation.model_validate(
        {"run": "r", "time": datetime(2026, 11, 21, 12, tzinfo=UTC), "collector": told.get("collector", told["kind"]), "vantage": "v",
         "target": target, "kind": told["kind"], "data": told.get("shared", {}) | fact}
    )  # fmt: skip
