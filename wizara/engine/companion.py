"""Who goes along with the apply of a node: told of every step before and after, and able to stop it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from pyinfra.api.host import Host

from wizara.operations.change import Change


@dataclass(frozen=True)
class Pending:
    """One operation of a node, and what its check said that it would change."""

    number: int
    """Its place among the node's operations, from 1."""
    key: str
    """What the engine knows it by."""
    name: str
    changes: tuple[Change, ...] = ()

    @property
    def reaches_node(self) -> bool:
        """Tell whether a mistake in it could cut the way to the node."""
        return any(change.reaches_node for change in self.changes)


def reaching(steps: tuple[Pending, ...], subjects: Collection[str]) -> tuple[Pending, ...]:
    """Return *steps* with every change of one of *subjects* marked as reaching the node."""
    return tuple(
        replace(
            step,
            changes=tuple(
                replace(one, reaches_node=one.reaches_node or one.subject in subjects) for one in step.changes
            ),
        )
        for step in steps
    )


class Companion(Protocol):
    """Told of the apply of each node; a WizaraError raised by begin or before ends that node before the step."""

    def begin(self, host: Host, steps: tuple[Pending, ...]) -> None:
        """Prepare for *steps* on *host*; nothing was changed yet."""

    def before(self, host: Host, step: Pending) -> None:
        """Be told that *step* is about to run."""

    def after(self, host: Host, step: Pending, done: tuple[Change, ...]) -> None:
        """Be told that *step* has run, and what it changed."""

    def end(self, host: Host, failure: str) -> str:
        """Conclude the node, *failure* being empty when all steps ran; return the failure that stands in the end."""


class Party:
    """All companions of an apply, told in order, and at the end in reverse."""

    def __init__(self, companions: Iterable[Companion] = ()) -> None:
        self._companions = tuple(companions)

    def begin(self, host: Host, steps: tuple[Pending, ...]) -> None:
        """Tell all; the first who refuses ends it."""
        for one in self._companions:
            one.begin(host, steps)

    def before(self, host: Host, step: Pending) -> None:
        """Tell all."""
        for one in self._companions:
            one.before(host, step)

    def after(self, host: Host, step: Pending, done: tuple[Change, ...]) -> None:
        """Tell all."""
        for one in self._companions:
            one.after(host, step, done)

    def end(self, host: Host, failure: str) -> str:
        """Tell all, the last one first; each sees the failure that stands."""
        for one in reversed(self._companions):
            failure = one.end(host, failure)
        return failure
