"""Tables of switches are walked within bounds, read from several MIBs, and hold only harmless text; nothing is ever set."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from bisect import bisect_right
from datetime import UTC, date, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from wizara.audit.job import SnmpLogin
from wizara.audit.limits import Limits
from wizara.audit.orders import Orders, Pace
from wizara.errors import Refusal
from wizara.tree import load

sys.path.insert(0, str(Path(__file__).parents[2] / "lab"))
import agents

agent, mib, walk = (load(f"audits.devices.{name}") for name in ("agent", "mib", "walk"))
Oid = tuple[int, ...]


class Fake:
    """An agent in memory that tells at most *at_once* objects."""

    def __init__(self, objects: dict[Oid, int | bytes], at_once: int = 7) -> None:
        self.objects, self.order, self.at_once = objects, sorted(objects), at_once
        self.octets = self.asked = 0

    async def after(self, oid: Oid, count: int) -> list[tuple[Oid, int | bytes]]:
        self.asked += 1
        at = bisect_right(self.order, oid)
        found = [(one, self.objects[one]) for one in self.order[at : at + min(count, self.at_once)]]
        self.octets += sum(len(value) if isinstance(value, bytes) else 4 for _oid, value in found)
        return found


def planted(switch: agents.Planted) -> Fake:
    def value(kind: str, told: object) -> int | bytes:
        if kind == "integer":
            assert isinstance(told, int)
            return told
        return bytes.fromhex(str(told)) if kind == "octets" else str(told).encode()

    return Fake({tuple(map(int, oid.split("."))): value(*one) for oid, one in switch.objects().items()})


def told(fake: Fake, **bounds: Any) -> dict[str, Any]:
    found: dict[str, Any] = asyncio.run(mib.read(walk.Walk(fake, walk.Bounds(**bounds))))
    return found


def switch(**changes: Any) -> agents.Planted:
    known: dict[str, Any] = {"name": "core", "chassis": "02:00:00:00:01:00", "ports": ("Gi0/1", "Gi0/2", "Po1")}
    return agents.Planted(**(known | changes))


@pytest.mark.parametrize("manner", ["lldp", "lldp-v2", "alias"])
def test_neighbours_are_told_with_the_names_of_the_ports(manner: str) -> None:
    neighbour = ("Gi0/2", "02:00:00:00:02:00", "access", "Gi0/24", "uplink")
    found = told(planted(switch(manner=manner, neighbours=[neighbour], addresses={"Gi0/2": "10.0.0.9"})))
    (row,) = found["neighbours"]
    assert row["address"] == "10.0.0.9"
    assert (row["port"], row["neighbour"], row["chassis"], row["far_port"]) == (
        "Gi0/2",
        "access",
        "02:00:00:00:02:00",
        "Gi0/24",
    )
    assert row["source"] == ("lldp-v2" if manner == "lldp-v2" else "lldp")
    assert (found["name"], found["chassis"], found["cut"]) == ("core", "02:00:00:00:01:00", [])


def test_cdp_bundles_and_address_tables_are_told() -> None:
    found = told(
        planted(
            switch(
                cdp=[("Gi0/1", "router.example", "GigabitEthernet0/0")],
                bundles={"Gi0/1": "Po1", "Gi0/2": "Po1"},
                macs=[("02:aa:00:00:00:01", "Gi0/2", 20), ("02:aa:00:00:00:02", "Gi0/2", 30)],
                arp={"10.0.0.7": "02:aa:00:00:00:01"},
            )
        )
    )
    assert [(one["source"], one["port"], one["neighbour"], one["far_port"]) for one in found["neighbours"]] == [
        ("cdp", "Gi0/1", "router.example", "GigabitEthernet0/0")
    ]
    assert found["bundles"] == [{"port": "Gi0/1", "bundle": "Po1"}, {"port": "Gi0/2", "bundle": "Po1"}]
    assert [(one["mac"], one["port"], one["vlan"]) for one in found["macs"]] == [
        ("02:aa:00:00:00:01", "Gi0/2", "20"),
        ("02:aa:00:00:00:02", "Gi0/2", "30"),
    ]
    assert found["arp"] == [{"ip": "10.0.0.7", "mac": "02:aa:00:00:00:01"}]


def test_bundles_without_lacp_are_read_from_the_stack_of_interfaces() -> None:
    objects = planted(switch()).objects
    mib2 = (1, 3, 6, 1, 2, 1)
    objects |= {(*mib2, 2, 2, 1, 3, 1): 6, (*mib2, 2, 2, 1, 3, 3): 161, (*mib2, 31, 1, 2, 1, 3, 3, 1): 1}
    assert told(Fake(objects))["bundles"] == [{"port": "Gi0/1", "bundle": "Po1"}]


def test_what_was_not_learned_and_odd_rows_are_left_out() -> None:
    objects = planted(switch(macs=[("02:aa:00:00:00:01", "Gi0/2", 20)])).objects
    bridge = (1, 3, 6, 1, 2, 1, 17, 7, 1, 2, 2, 1)
    own = (20, 2, 0xAA, 0, 0, 0, 9)
    objects |= {
        (*bridge, 2, *own): 102,
        (*bridge, 3, *own): 4,
        (*bridge, 2, 20, 999, 1): 102,
        (*bridge, 2, 20, 1, 1, 1, 1, 1, 300): 102,
    }
    assert [one["mac"] for one in told(Fake(objects))["macs"]] == ["02:aa:00:00:00:01"]


@pytest.mark.parametrize("said", [b"\x1b[31mred", "a\u202egnp".encode(), b"x\r\nSet-Cookie: y", b"\xff\xfe\x00"])
def test_hostile_names_are_harmless(said: bytes) -> None:
    fake = planted(switch(neighbours=[("Gi0/2", "02:00:00:00:02:00", "SAID", "SAID", "SAID")]))
    fake.objects = {oid: said if value == b"SAID" else value for oid, value in fake.objects.items()}
    (row,) = told(fake)["neighbours"]
    for text in (row["neighbour"], row["far_port"], row["far_description"]):
        assert text
        assert all(character.isprintable() for character in text)


class Endless(Fake):
    """An agent that always has one more object in the column, of a kilobyte."""

    async def after(self, oid: Oid, count: int) -> list[tuple[Oid, int | bytes]]:
        self.asked += 1
        self.octets += 1000 * count
        return [((*oid[:10], (oid[10] if len(oid) > 10 else 0) + at + 1), b"x" * 1000) for at in range(count)]


@pytest.mark.parametrize("bounds", [{"rows": 100}, {"octets": 50_000}, {"seconds": 0.02}])
def test_an_endless_table_ends_at_the_bounds(bounds: dict[str, Any]) -> None:
    fake = Endless({})
    reading = walk.Walk(fake, walk.Bounds(**bounds))
    found = asyncio.run(reading.column("names", (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)))
    assert reading.cut == ["names"]
    assert len(found) < 60_000


class Circle(Fake):
    """An agent that answers with the same object for ever."""

    async def after(self, oid: Oid, count: int) -> list[tuple[Oid, int | bytes]]:
        self.asked += 1
        return [(self.order[0], 1)] * count


def test_an_agent_that_goes_in_circles_is_left() -> None:
    fake = Circle({(1, 3, 6, 1, 5): 1})
    reading = walk.Walk(fake)
    assert asyncio.run(reading.column("names", (1, 3, 6))) == {(1, 5): 1}
    assert (reading.cut, fake.asked) == (["names"], 1)


class Failing(Fake):
    """An agent that answers so many questions, and then fails."""

    def __init__(self, objects: dict[Oid, int | bytes], answers: int, reason: str) -> None:
        super().__init__(objects)
        self.answers, self.reason = answers, reason

    async def after(self, oid: Oid, count: int) -> list[tuple[Oid, int | bytes]]:
        if self.asked >= self.answers:
            self.asked += 1
            raise agent.Unanswered(self.reason)
        return await super().after(oid, count)


def test_what_was_read_before_a_silence_is_kept_and_nothing_more_is_asked() -> None:
    fake = Failing(planted(switch()).objects, 3, "snmp-silent")
    found = told(fake)
    assert (found["name"], [one["name"] for one in found["ports"]]) == ("core", ["Gi0/1", "Gi0/2", "Po1"])
    assert (len(found["cut"]) > 10, fake.asked) == (True, 4)
    with pytest.raises(agent.Unanswered):
        told(Failing({}, 0, "snmp-silent"))


def test_there_is_no_word_of_setting_anything() -> None:
    for name in ("agent", "walk", "mib", "snmp_tables"):
        text = Path(load(f"audits.devices.{name}").__file__).read_text()
        assert not [word for word in ("set_cmd", "SetRequest", "0xA3", "next_cmd") if word in text]


@pytest.mark.parametrize(
    ("login", "security", "complete"),
    [
        ({"version": "2c", "community": "x"}, "community", True),
        ({"version": "2c", "authentication_key": "x"}, "community", False),
        ({"version": "3", "authentication_key": "x"}, "authPriv", False),
        ({"version": "3", "authentication_key": "x", "privacy_key": "y"}, "authPriv", True),
        ({"version": "3", "authentication_key": "x", "privacy": "none"}, "authNoPriv", True),
    ],
)
def test_a_login_knows_its_security_and_what_it_lacks(login: dict[str, str], security: str, complete: bool) -> None:
    made = SnmpLogin.model_validate(login)
    assert (made.security, made.complete) == (security, complete)


def a_door(port: int, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(agent, "PORT", port)
    monkeypatch.setattr(agent, "_PATIENCE", 0.1)
    net = ip_network("127.0.0.0/8")
    limits = Limits("r", "c", (net,), (), date(2020, 1, 1), date(2099, 12, 31), ("00:00-24:00",))
    pace = Pace(host_per_second=1000, timeout=0.1)
    return load("audits.lan.door").Door(Orders((net,), {}, limits, datetime(2026, 11, 26, 12, tzinfo=UTC), pace=pace))


def asked(door: Any, channel: socket.socket) -> list[bytes]:
    """Ask who listens at *channel* for a name, and return the datagrams that came there."""
    login = SnmpLogin.model_validate({"version": "2c", "community": "hunter2"})

    async def ask() -> None:
        one = agent.SnmpAgent(door, "127.0.0.1", login)
        try:
            await one.after((1, 3, 6, 1, 2, 1, 1, 5), 25)
        finally:
            one.close()

    with contextlib.suppress(agent.Unanswered):
        asyncio.run(ask())
    channel.setblocking(False)
    heard = []
    with contextlib.suppress(BlockingIOError):
        while True:
            heard.append(channel.recv(65535))
    return heard


def test_a_silent_agent_is_asked_twice_and_only_questions_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.bind(("127.0.0.1", 0))
        heard = asked(a_door(channel.getsockname()[1], monkeypatch), channel)
    assert len(heard) == 2
    for message in heard:
        ((_sequence, inside),) = agents.parts(message)
        assert agents.parts(inside)[2][0] == 0xA5  # GetBulkRequest (RFC 3416)


def test_a_datagram_that_the_door_refuses_does_not_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.bind(("127.0.0.1", 0))
        door = a_door(channel.getsockname()[1], monkeypatch)

        def shut(*_where: object) -> None:
            raise Refusal("outside")

        monkeypatch.setattr(door, "check", shut)
        with pytest.raises(Refusal, match="outside"):
            asked(door, channel)
        channel.setblocking(False)
        with pytest.raises(BlockingIOError):
            channel.recv(1)
