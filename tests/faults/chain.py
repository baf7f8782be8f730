"""What a killed apply had acknowledged, and whether its journal still holds all of it in a whole chain."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ground import Ground

from wizara.engine.heads import HEADS
from wizara.record.folder import recorded
from wizara.record.journal import Entry, Journal
from wizara.record.run import Head

#: A step that has begun; the wait for a rollback is told with the number of the last one.
_SHOWN = re.compile(r": (\d+)/\d+ (?!waiting until)")


@dataclass(frozen=True)
class Acknowledged:
    """The journal right after a fault, and which steps the run had shown as done by then."""

    entries: tuple[Entry, ...]
    steps: frozenset[int]
    lost: frozenset[int]

    @classmethod
    def after(cls, ground: Ground, shown: str) -> Acknowledged:
        """Read the journal of *ground*; a step is acknowledged when the run has *shown* that it began a later one."""
        entries = _read(ground)
        intents = [entry for entry in entries if entry.kind == "intent"]
        last = max(map(int, _SHOWN.findall(shown)), default=0)
        if not intents:
            assert last == 0, "a step was begun and its intent is not in the journal"
            return cls(entries, frozenset(), frozenset())
        run = intents[-1].run
        steps = frozenset(int(step["number"]) for step in intents[-1].told["steps"] if int(step["number"]) < last)
        told = {entry.told["number"] for entry in entries if (entry.run, entry.kind) == (run, "step")}
        return cls(entries, steps, frozenset(steps - told))

    def still_there(self, ground: Ground) -> str:
        """Return ``LOST of ALL`` acknowledged things: steps that were never written, entries that are not there any more."""
        later = {entry.hash for entry in _read(ground)}
        gone = [entry for entry in self.entries if entry.hash not in later]
        return f"{len(self.lost) + len(gone)} of {len(self.steps) + len(self.entries)}"


def _read(ground: Ground) -> tuple[Entry, ...]:
    """Return the journal, whose chain must be whole, also by what the machine and the runs' own records have seen of it."""
    words = (line.split() for line in ground.sh(f"cat {HEADS} 2>/dev/null; true").splitlines())
    heads = [Head(journal=one[0], seq=int(one[1]), hash=one[2], kept="machine") for one in words]
    with Journal.open(ground.runs) as journal:
        assert journal.faults(heads, (run.head for run in recorded(ground.runs) if run.head)) == ()
        return tuple(journal.entries())
