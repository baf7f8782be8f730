"""CVSS 3.1 base scores (FIRST, specification §7) and the severity that follows from one."""

from __future__ import annotations

import re
from typing import Literal

Severity = Literal["critical", "high", "medium", "low", "info"]
#: Most severe first.
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")

_WEIGHTS: dict[str, dict[str, float]] = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_PRIVILEGES = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}
_VECTOR = re.compile(
    r"CVSS:3\.1/AV:(?P<AV>[NALP])/AC:(?P<AC>[LH])/PR:(?P<PR>[NLH])/UI:(?P<UI>[NR])/S:(?P<S>[UC])/C:(?P<C>[HLN])/I:(?P<I>[HLN])/A:(?P<A>[HLN])"
)


def base_score(vector: str) -> float:
    """Return the base score (0.0 to 10.0) of a CVSS 3.1 *vector*; ValueError when it is none."""
    match = _VECTOR.fullmatch(vector)
    if match is None:
        raise ValueError(f"not a CVSS 3.1 base vector: {vector}")
    chosen = match.groupdict()
    weight = {name: table[chosen[name]] for name, table in _WEIGHTS.items()}
    changed = chosen["S"] == "C"
    loss = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    impact = 7.52 * (loss - 0.029) - 3.25 * (loss - 0.02) ** 15 if changed else 6.42 * loss
    if impact <= 0:
        return 0.0
    ease = 8.22 * weight["AV"] * weight["AC"] * _PRIVILEGES[chosen["S"]][chosen["PR"]] * weight["UI"]
    return _round_up(min((1.08 if changed else 1.0) * (impact + ease), 10.0))


def severity(vector: str) -> Severity:
    """Return the severity band of *vector* (specification §5): none is ``info``."""
    score = base_score(vector)
    bands: tuple[tuple[float, Severity], ...] = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))
    return next((name for floor, name in bands if score >= floor), "info")


def at_least(found: Severity, floor: Severity) -> bool:
    """Say whether *found* is as severe as *floor*, or more."""
    return SEVERITIES.index(found) <= SEVERITIES.index(floor)


def _round_up(value: float) -> float:
    """Round up to one decimal as Appendix A of the specification does, free of floating-point surprises."""
    whole = round(value * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10
