"""A change is on the way to the node when a unit there puts it in force, whatever step it belongs to."""

from __future__ import annotations

import pytest
from pyinfra.api.host import Host

from wizara.engine.companion import Party, Pending, reaching
from wizara.errors import Refusal
from wizara.operations.change import Change, mark_reaching, take_reaching

STEPS = (
    Pending(1, "k1", "Rules", (Change("file", "create", "/a"), Change("file", "create", "/b"))),
    Pending(2, "k2", "Other", (Change("file", "create", "/c", reaches_node=True),)),
)


def test_a_unit_on_the_way_to_the_node_takes_its_files_along() -> None:
    mark_reaching("n", ("/a", "/x"))
    mark_reaching("other", ("/b",))
    found = reaching(STEPS, take_reaching("n"))
    assert [(one.subject, one.reaches_node) for step in found for one in step.changes] == [
        ("/a", True),
        ("/b", False),
        ("/c", True),
    ]
    assert take_reaching("n") == frozenset()
    assert take_reaching("other") == {"/b"}


class Told:
    """A companion that notes what it is told, and may refuse."""

    def __init__(self, name: str, notes: list[str], refuses: bool = False) -> None:
        self.name, self.notes, self.refuses = name, notes, refuses

    def begin(self, _host: Host, _steps: tuple[Pending, ...]) -> None:
        self.notes.append(f"{self.name} begin")
        if self.refuses:
            raise Refusal("no")

    def before(self, _host: Host, step: Pending) -> None:
        self.notes.append(f"{self.name} before {step.number}")

    def after(self, _host: Host, step: Pending, _done: tuple[Change, ...]) -> None:
        self.notes.append(f"{self.name} after {step.number}")

    def end(self, _host: Host, failure: str) -> str:
        self.notes.append(f"{self.name} end {failure}")
        return failure + self.name


def test_companions_are_told_in_order_and_of_the_end_in_reverse() -> None:
    notes: list[str] = []
    party = Party((Told("a", notes), Told("b", notes)))
    host: Host = None  # type: ignore[assignment]
    party.begin(host, STEPS)
    party.before(host, STEPS[0])
    party.after(host, STEPS[0], ())
    assert party.end(host, "x") == "xba"
    assert notes == ["a begin", "b begin", "a before 1", "b before 1", "a after 1", "b after 1", "b end x", "a end xb"]


def test_the_first_who_refuses_ends_it() -> None:
    notes: list[str] = []
    with pytest.raises(Refusal):
        Party((Told("a", notes, refuses=True), Told("b", notes))).begin(None, STEPS)  # type: ignore[arg-type]
    assert notes == ["a begin"]
