"""A change is told by the operation that made it, and is on the way to the node when a unit there puts it in force."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from wizara.operations import change
from wizara.operations.change import Change, mark_reaching, record, take, take_by_operation


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand in for pyinfra's host: the keys of the operations made so far, the one being made included."""
    keys: list[str] = []
    monkeypatch.setattr(change, "host", SimpleNamespace(op_hash_order=keys))
    take("n")
    return keys


def test_changes_are_told_by_the_place_of_their_operation(made: list[str]) -> None:
    made.append("first")
    record("n", Change("file", "create", "/a"))
    made.append("second")
    made.append("third")
    record("n", Change("unit", "enable", "u"))
    record("n", Change("unit", "start", "u"))
    found = take_by_operation("n")
    assert {place: [one.kind for one in changes] for place, changes in found.items()} == {
        0: ["create"],
        2: ["enable", "start"],
    }
    assert take("n") == ()


def test_a_unit_on_the_way_to_the_node_takes_its_files_along(made: list[str]) -> None:
    made.append("first")
    record("n", Change("file", "create", "/a"))
    record("n", Change("file", "create", "/b"))
    record("other", Change("file", "create", "/a"))
    mark_reaching("n", ("/a", "/c"))
    assert [(one.subject, one.reaches_node) for one in take("n")] == [("/a", True), ("/b", False)]
    assert [one.reaches_node for one in take("other")] == [False]
