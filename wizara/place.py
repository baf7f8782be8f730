"""Where in a person's file something stands, and what he may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Place:
    """A position in an input file: 1-based line and column, and the path of keys that leads there."""

    file: str
    line: int = 1
    column: int = 1
    path: str = ""

    @classmethod
    def nowhere(cls) -> Place:
        """Return the place that sorts before all others."""
        return cls("", 0, 0)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" + (f": {self.path}" if self.path else "")


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return the word of *known* that is nearest to *word*, or None when none is near."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)), None)
