"""Lines to machines of the loopback, and what is said over them, for tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
from delay import Delay
from farm import PORT, Farm

from wizara.engine.carrier import Way
from wizara.engine.shell import Command

__all__ = ["PORT", "Delay", "Farm", "sh", "way", "whole"]


def way(farm: Farm, number: int = 0, **settings: object) -> Way:
    values = {
        "address": farm.addresses[number],
        "user": "root",
        "pin": farm.host_key,
        "port": farm.port,
        "key_file": str(farm.key),
    }
    return Way(**{**values, **settings})  # type: ignore[arg-type]


def sh(script: str, *arguments: str, stdin: str | None = None, long: bool = False) -> Command:
    return Command(script, arguments, stdin, long=long)


def whole(script: str, stdin: str | None = None) -> Command:
    return Command(script, None, stdin)
