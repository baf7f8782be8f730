"""The one tree of faults that wizara reports to a person.

    WizaraError                      1  internal fault, when nothing narrower fits
    ├── UsageFault                   2  the command or its input is wrong; nothing was contacted
    │   └── InventoryFaults          2  every fault of an inventory at once
    ├── Refusal                      6  refused for safety
    ├── Unfinished                   3  could not finish; what was begun was put back or is healed by the next run
    ├── Unreachable                  5  hosts did not answer
    └── Interrupted                130  stopped or declined by a person

Each carries a message, where there is one a place, and where there is one a hint.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum

from wizara.place import Place


class ExitCode(IntEnum):
    """What a wizara process tells its caller."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    UNFINISHED = 3
    PENDING = 4
    UNREACHABLE = 5
    REFUSED = 6
    INTERRUPTED = 130


#: When several codes apply, the first of these wins.
PRECEDENCE = (
    ExitCode.INTERRUPTED,
    ExitCode.INTERNAL,
    ExitCode.USAGE,
    ExitCode.REFUSED,
    ExitCode.UNFINISHED,
    ExitCode.UNREACHABLE,
    ExitCode.PENDING,
    ExitCode.DONE,
)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the code that wins among *codes*; ``DONE`` for none."""
    return min(codes, key=PRECEDENCE.index, default=ExitCode.DONE)


class WizaraError(Exception):
    """A fault told in one line: where, what, and what to do about it."""

    code = ExitCode.INTERNAL

    def __init__(self, message: str, *, place: Place | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.hint = hint

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.message}" + (f" — {self.hint}" if self.hint else "")


class UsageFault(WizaraError):
    """The command or its input is wrong; nothing was contacted."""

    code = ExitCode.USAGE


class InventoryFaults(UsageFault):
    """Every fault of an inventory, sorted by place."""

    def __init__(self, faults: Sequence[WizaraError]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.place or Place.nowhere(), fault.message)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class Refusal(WizaraError):
    """Refused for safety; the hint says what would allow it."""

    code = ExitCode.REFUSED


class Unfinished(WizaraError):
    """An operation failed; the next run heals what it left."""

    code = ExitCode.UNFINISHED


class Unreachable(WizaraError):
    """A host did not answer."""

    code = ExitCode.UNREACHABLE


class Interrupted(WizaraError):
    """A person stopped or declined the run."""

    code = ExitCode.INTERRUPTED
