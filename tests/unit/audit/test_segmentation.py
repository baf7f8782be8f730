"""Where an audit stands decides what it can say of what passes between LANs; what it cannot say is unknown, with the reason."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Network
from typing import Any

import paramiko
import pytest

from wizara.audit.facts import DeclaredFlow, DeclaredHost, DeclaredLan, LanFacts
from wizara.audit.job import Job, Station
from wizara.audit.mandate import Mandate
from wizara.audit.observation import Observation, Target
from wizara.audit.orders import FAST
from wizara.audit.rule import judge
from wizara.errors import Unreachable
from wizara.report.words import Catalogue
from wizara.tree import load

collectors, matrix = load("audits.segmentation.collectors"), load("audits.segmentation.matrix")
RULES = load("audits.segmentation.rules").RULES
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKYcw0NvDafAMP9PFyQpZv3pLDDMxreqK3Ps7VtQvrFS"
FACTS = LanFacts(
    site="hq", networks=(IPv4Network("127.40.1.0/24"),), segmentation=True,
    lans=tuple(DeclaredLan(name=f"lan{one}", network=f"127.40.{one}.0/24") for one in (1, 2, 3)),
    hosts=tuple(DeclaredHost(name=f"server{one}", site="hq", lan=f"lan{one}", address=f"127.40.{one}.10", role="server", services=("tcp/22",))
                for one in (1, 2, 3)),
    flows=(DeclaredFlow(sources=("127.40.1.0/24",), targets=("127.40.2.10/32",), services=("tcp/443",)),
           DeclaredFlow(sources=("127.40.1.7/32",), targets=("127.40.2.10/32",), services=("tcp/8080",))),
)  # fmt: skip
MANDATE = Mandate.model_validate(
    {"commissioner": "t", "reference": "t", "date": "2026-01-01", "perimeter": ["127.40.0.0/16"], "exclusions": ["127.40.3.0/24"],
     "from": "2020-01-01", "to": "2099-01-01", "hours": ["00:00-24:00"], "operators": ["t"], "contact": "t"}
)  # fmt: skip


def looked(*stands: str, station: Station | None = None) -> list[Observation]:
    async def all_of() -> list[Observation]:
        job = Job(
            run="r", facts=FACTS, mandate=MANDATE, pace=FAST, stands=stands, station=station, networks=FACTS.networks
        )
        return [one async for one in collectors.collect(job)]

    return asyncio.run(all_of())


def outcomes(seen: list[Observation]) -> set[tuple[str, str, str]]:
    return {(one.text("source"), one.text("target"), one.text("outcome")) for one in seen}


def reasons(seen: list[Observation]) -> dict[str, str | None]:
    told = [one for one in judge(RULES, seen, FACTS) if one.outcome == "unknown" and not one.subject.service]
    return {one.subject.name: one.reason for one in told}


def test_only_from_where_it_stands_something_is_tried_and_an_excluded_lan_is_not() -> None:
    seen = looked("lan1")
    assert outcomes(seen) == {("lan1", "lan2", "closed"), ("lan1", "lan3", "outside-perimeter")}
    assert reasons(seen) == {
        "lan1 → lan3": "outside-perimeter", "lan2 → lan1": "not-tested", "lan2 → lan3": "not-tested", "lan3 → lan1": "not-tested",
        "lan3 → lan2": "not-tested",
    }  # fmt: skip


def test_who_stands_in_two_lans_says_nothing_of_what_passes_between_them() -> None:
    seen = looked("lan1", "lan2")
    assert not [one for one in seen if {one.text("source"), one.text("target")} == {"lan1", "lan2"} and one.target.port]
    assert {name for name, reason in reasons(seen).items() if reason == "stands-in-both"} == {
        "lan1 → lan2",
        "lan2 → lan1",
    }


class Node:
    """A node that lets connections through as it is told."""

    address, alive = "127.40.1.2", True

    def __init__(self, answer: Callable[[int], None]) -> None:
        self.answer = answer

    def through(self, ip: str, port: int, seconds: float) -> Any:
        try:
            self.answer(port)
        except paramiko.SSHException as fault:
            raise OSError(str(fault)) from fault
        return contextlib.closing(self)

    def close(self) -> None:
        return


def by(monkeypatch: pytest.MonkeyPatch, answer: Callable[[int], None], *, alive: bool = True) -> list[Observation]:
    node = Node(answer)
    node.alive = alive

    @contextlib.contextmanager
    def reached(station: Station) -> Iterator[Node]:
        yield node

    monkeypatch.setattr(collectors, "reached", reached)
    return looked("lan1", station=Station(name="scout", address="127.40.1.2", host_key=KEY, user="wizara"))


def fails(code: int) -> Callable[[int], None]:
    def answer(port: int) -> None:
        raise paramiko.ChannelException(code, "no")

    return answer


def slow(port: int) -> None:
    raise paramiko.SSHException("Timeout opening channel.")


@pytest.mark.parametrize(
    ("answer", "outcome"), [(fails(2), "closed"), (fails(1), "node-forbids"), (slow, "silent")], ids=["failed", "forbidden", "slow"]
)  # fmt: skip
def test_a_node_tells_what_came_of_it(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[int], None], outcome: str
) -> None:
    seen = by(monkeypatch, answer)
    assert {told for source, target, told in outcomes(seen) if target == "lan2"} == {outcome}
    if outcome == "node-forbids":
        assert reasons(seen)["lan1 → lan2"] == "node-forbids"


def test_a_node_that_is_gone_shows_nothing_of_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unreachable):
        by(monkeypatch, slow, alive=False)


def saw(port: int, outcome: str) -> Observation:
    facts = {"purpose": "segmentation", "source": "lan1", "target": "lan2", "name": "server2", "outcome": outcome}
    return Observation.model_validate(
        {"run": "r", "time": datetime(2026, 11, 21, tzinfo=UTC), "collector": "segmentation", "vantage": "v", "kind": "reachability", "data": facts,
         "target": Target(site="hq", ip="127.40.2.10", port=port, proto="tcp")}
    )  # fmt: skip


@pytest.mark.parametrize(("port", "permitted"), [(443, "all"), (8080, "some"), (22, "none")])
@pytest.mark.parametrize("outcome", ["open", "silent"])
def test_a_flow_of_some_machines_is_no_promise_to_the_others(port: int, permitted: str, outcome: str) -> None:
    assert matrix.permits(FACTS, "lan1", "127.40.2.10", port) == permitted
    told = [
        (one.rule, one.outcome, one.reason) for one in judge(RULES, [saw(port, outcome)], FACTS) if one.subject.service
    ]
    assert (
        told
        == {
            ("all", "open"): [("SEG-002", "holds", None)],
            ("all", "silent"): [("SEG-002", "unknown", "nothing-listens")],
            ("some", "open"): [("SEG-001", "unknown", "partly-declared")],
            ("some", "silent"): [("SEG-001", "unknown", "partly-declared")],
            ("none", "open"): [("SEG-001", "broken", None)],
            ("none", "silent"): [("SEG-001", "holds", None)],
        }[permitted, outcome]
    )


def test_every_reason_has_words() -> None:
    for language in ("en", "fr", "ar"):
        assert {
            "not-tested", "no-target", "stands-in-both", "outside-perimeter", "node-forbids", "left-alone", "partly-declared",
        } <= set(Catalogue(language).reasons)  # fmt: skip
