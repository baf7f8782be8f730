"""Walks the columns of an agent's tables, within bounds of rows, octets and time: what an agent answers is hostile."""

from __future__ import annotations

import time
from dataclasses import dataclass

from audits.devices.agent import Agent, Oid, Unanswered, Value

_MANY = 25
"""Rows asked for at once: what fits into a datagram of 1,500 octets, or nearly."""


@dataclass(frozen=True)
class Bounds:
    """The most that is taken of one agent."""

    rows: int = 20_000
    """Of one column."""
    octets: int = 8 << 20
    """Of all its answers."""
    seconds: float = 120.0
    """For all of it."""


class Walk:
    """One reading of an agent."""

    def __init__(self, agent: Agent, bounds: Bounds | None = None) -> None:
        self._agent, self._bounds = agent, bounds or Bounds()
        self._ends = time.monotonic() + self._bounds.seconds
        self._answered = False
        self.cut: list[str] = []
        """The columns that were not read to their end."""

    async def column(self, name: str, oid: Oid) -> dict[Oid, Value]:
        """Return index → value of the column at *oid*; what is out of order or out of bounds ends it, and *name* is kept as cut.

        Raises Unanswered when nothing at all was answered yet; later the column is cut, and after a silence all others, too.
        """
        found: dict[Oid, Value] = {}
        at = oid
        while True:
            if time.monotonic() > self._ends or self._agent.octets > self._bounds.octets:
                return self._cut(name, found)
            try:
                told = await self._agent.after(at, _MANY)
            except Unanswered as fault:
                if not self._answered:
                    raise
                self._ends = 0.0 if fault.reason == "snmp-silent" else self._ends
                return self._cut(name, found)
            self._answered = True
            for where, value in told or [((), 0)]:
                if where[: len(oid)] != oid:
                    return found
                if where <= at or len(found) >= self._bounds.rows:
                    return self._cut(name, found)
                found[where[len(oid) :]] = value
                at = where

    def _cut(self, name: str, found: dict[Oid, Value]) -> dict[Oid, Value]:
        self.cut.append(name)
        return found
