"""A node that could not be checked has failed for the brake, and as a canary."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from wizara.engine.brake import Brake
from wizara.engine.companion import Pending
from wizara.engine.request import Go
from wizara.engine.runner import Runner
from wizara.operations.change import Change
from wizara.record.progress import Ended

CHANGED = (Pending(1, "key", "step", (Change("file", "modify", "/etc/x"),)),)


class Host:
    """A node of that name, behind no gateway."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.data = SimpleNamespace(wizara_node=SimpleNamespace(is_gateway=False, gateway=None))

    def __str__(self) -> str:
        return self.name


class Checked(Runner):
    """Nodes that were checked, each with one change, but for those that could not be."""

    def __init__(self, nodes: str, sick: str) -> None:
        self.begun: list[str] = []
        self.ended: dict[str, Ended] = {}
        hosts: dict[str, Any] = {name: Host(name) for name in nodes.split()}
        self._state = SimpleNamespace(  # type: ignore[assignment]
            set_stage=lambda _stage: None, is_executing=False, inventory=SimpleNamespace(get_host=hosts.__getitem__)
        )
        self._steps = {name: CHANGED for name in hosts if name not in sick.split()}
        self._began = dict.fromkeys(hosts, 0.0)
        self._unchecked, self._brake = set(), Brake(None)
        self._emit = self._note
        for name in sick.split():
            self._not_checked(hosts[name], "unreachable", "it answers not")

    def _note(self, line: Any) -> None:
        self.ended[line.node] = line

    def _apply_one(self, host: Any, gateway: Any) -> None:
        if self._brake.reason:
            self._end(str(host), "skipped", self._brake.reason)
        else:
            self.begun.append(str(host))


@pytest.mark.parametrize(
    ("sick", "go", "begun", "reason"),
    [
        ("a", Go(nodes=("b", "c"), canary=("a",)), [], "the canary failed: a"),
        ("", Go(nodes=("b", "c"), canary=("a",)), [], "the canary failed: a"),  # it was declined
        ("b", Go(nodes=("a", "c"), canary=("a",)), ["a", "c"], ""),
        ("a", Go(nodes=("b", "c"), max_failures=0), [], "not begun: 1 node has failed"),
        ("a", Go(nodes=("b", "c"), max_failures=1), ["b", "c"], ""),
        ("a b", Go(nodes=("c",), max_failures=1), [], "not begun: 2 nodes have failed"),
    ],
)
def test_who_follows_when_some_could_not_be_checked(sick: str, go: Go, begun: list[str], reason: str) -> None:
    runner = Checked("a b c", sick)
    runner.apply(go)
    assert sorted(runner.begun) == begun
    left = {runner.ended[name].message for name in go.nodes if name not in begun}
    assert left == ({reason} if reason else set())


def test_a_check_that_fails_counts_at_once_where_nobody_waits_for_another() -> None:
    runner = Checked("a b", "")
    runner._brake = Brake(0)
    host: Any = Host("a")
    runner._not_checked(host, "failed", "?")
    assert runner._brake.reason
