"""The brake, the budgets of devices that break easily, the breaker, and what a door refuses."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from ipaddress import ip_network

import pytest

from wizara.audit.limits import Limits
from wizara.audit.orders import CAPPED, FAST, POLITE, Orders, Pace
from wizara.errors import Refusal
from wizara.tree import load

breaker, budget, door, pace, ports = (
    load(f"audits.lan.{name}") for name in ("breaker", "budget", "door", "pace", "ports")
)


def orders(perimeter: str = "127.0.0.0/8", **changes: object) -> Orders:
    networks = tuple(map(ip_network, perimeter.split()))
    limits = Limits(
        "r",
        "c",
        networks,
        (),
        date(2020, 1, 1),
        date(2099, 1, 1),
        ("00:00-24:00",),
        spoken_to=changes.pop("spoken_to", ()),  # type: ignore[arg-type]
    )
    return Orders(networks, {}, limits, datetime(2026, 1, 1, 12, tzinfo=UTC), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [200, 2000])
def test_no_more_leaves_than_the_profile_says_and_hardly_less(rate: int) -> None:
    async def run() -> float:
        bucket, began = pace.Bucket(rate), time.monotonic()
        for _each in range(rate // 2):
            await bucket.let_pass()
        return time.monotonic() - began

    assert 0.42 <= asyncio.run(run()) < 0.75  # half a second, less the little that may come at once


def test_a_restrained_bucket_is_slower_from_then_on() -> None:
    bucket = pace.Bucket(1000)
    assert bucket.claim() == 0
    bucket.restrain(10)
    waits = [bucket.claim() for _each in range(4)]
    assert waits[-1] - waits[-2] == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize(
    ("role", "opened", "expected"),
    [
        ("printer", (), "printer"), ("controller", (), "controller"), ("camera", (), "camera"), ("cisco_ios", (), "network"),
        ("node", (), ""), ("workstation", {631}, ""), (None, {631, 80}, "printer"), (None, {502}, "controller"),
        (None, {44818, 80}, "controller"), (None, {554}, "camera"), (None, {5060}, "phone"), (None, {22}, ""), (None, (), ""),
    ],
)  # fmt: skip
def test_a_device_is_classed_by_its_declaration_or_by_what_was_seen_first(
    role: str | None, opened: set[int], expected: str
) -> None:
    assert budget.class_of(role, opened) == expected


@pytest.mark.parametrize("kind", [*budget.GENTLE, ""])
def test_no_class_gets_more_than_the_profile_allows(kind: str) -> None:
    for profile in (POLITE, FAST, CAPPED):
        own = budget.budget(profile, kind)
        assert own.per_second <= profile.host_per_second
        assert own.sockets <= profile.sockets_per_host
    assert (POLITE.lan_per_second, POLITE.host_per_second, POLITE.sockets_per_host) == (1000, 50, 4)
    if kind:
        assert budget.budget(POLITE, kind).per_second < 50


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([0.001] * 20, None),
        ([0.001] * 4 + [0.01] * 20, None),  # ten times slower, and still nothing
        ([0.001] * 4 + [0.2, 0.001, 0.001, 0.001] * 5, None),  # now and then
        ([0.05] * 4 + [0.2] * 4, "latency"),
        ([0.05] * 4 + [0.12] * 20, None),
        ([0.001] * 4 + [0.05] * 4, "latency"),
        ([0.3] * 3, None),
    ],
)
def test_a_host_that_grows_slower_is_left_alone(times: list[float], expected: str | None) -> None:
    one = breaker.Breaker()
    for seconds in times:
        one.heard("h", seconds)
    assert one.tripped("h") == expected


def test_a_host_whose_open_services_vanish_is_left_alone() -> None:
    one = breaker.Breaker()
    for _each in range(2):
        one.missed("h")
    one.heard("h", 0.001)
    one.missed("h")
    assert one.tripped("h") is None
    for _each in range(3):
        one.missed("h")
    assert one.tripped("h") == "vanished"


def test_the_door_stays_shut_once_the_breaker_has_tripped() -> None:
    guarded = door.Door(orders())
    guarded.check("127.0.0.1", 80)
    for _each in range(3):
        guarded.missed("127.0.0.1")
    with pytest.raises(door.LeftAlone):
        guarded.check("127.0.0.1", 80)
    with pytest.raises(door.LeftAlone):
        guarded.check_frame("127.0.0.1", 80)
    guarded.check("127.0.0.2", 80)


def test_two_addresses_of_one_machine_share_its_budget_and_its_breaker() -> None:
    guarded = door.Door(orders("10.0.0.0/24 fd00::/64"))
    guarded.same("fd00::1", "10.0.0.1")
    assert guarded.host("fd00::1") is guarded.host("10.0.0.1")
    guarded.breaker.vanished("10.0.0.1")
    with pytest.raises(door.LeftAlone):
        guarded.check("fd00::1", 80)


@pytest.mark.parametrize("ip", ["fe80::1", "fe80::1%other0", "2001:db8::1", "2a00::1", "ff02::1"])
def test_no_door_opens_to_an_ipv6_address_outside(ip: str) -> None:
    guarded = door.Door(orders("10.0.0.0/24 fd00::/64"))
    guarded.plug("lan0", guarded.orders.networks)
    guarded.check("fe80::1%lan0", 80)
    guarded.check("fd00::1", 80)
    with pytest.raises(Refusal):
        guarded.check(ip, 80)


@pytest.mark.parametrize("port", [9100, 515])
def test_no_frame_is_let_out_to_a_printing_port(port: int) -> None:
    guarded = door.Door(orders())
    guarded.check_frame("127.0.0.1", 80)
    with pytest.raises(Refusal, match="never touched"):
        guarded.check_frame("127.0.0.1", port)


def test_the_hours_are_watched_all_along() -> None:
    limits = Limits("r", "c", (ip_network("127.0.0.0/8"),), (), date(2020, 1, 1), date(2099, 1, 1), ("08:00-18:00",))
    late = Orders((ip_network("127.0.0.0/8"),), {}, limits, datetime(2026, 1, 1, 17, 59, 59, 500000, tzinfo=UTC))
    guarded = door.Door(late)
    guarded.check_frame("127.0.0.1", 80)
    time.sleep(1.1)
    with pytest.raises(Refusal, match="08:00-18:00 only"):
        guarded.check_frame("127.0.0.1", 80)


@pytest.mark.parametrize(("named", "heard"), [((), b""), (("127.0.0.1",), b"hello")])
@pytest.mark.parametrize("port", [502, 631])
def test_a_controller_is_sent_no_byte_unless_the_mandate_names_it(
    monkeypatch: pytest.MonkeyPatch, port: int, named: tuple[str, ...], heard: bytes
) -> None:
    got: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.read(100))
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        own = server.sockets[0].getsockname()[1]
        monkeypatch.setattr(door, "HUSHED", frozenset({own}))
        guarded = door.Door(orders(spoken_to=named))
        try:
            async with guarded.tcp("127.0.0.1", own) as talk:
                await talk.say(b"hello")
                await asyncio.sleep(0.05)
        finally:
            await asyncio.sleep(0.05)
            server.close()

    if named:
        asyncio.run(run())
    else:
        with pytest.raises(Refusal, match="no byte"):
            asyncio.run(run())
    assert b"".join(got) == heard
    assert {502, 631} <= ports.HUSHED


def test_a_declared_controller_is_not_even_knocked_at() -> None:
    roles = {"127.0.0.5": "controller", "127.0.0.6": "server"}
    assert door.Door(orders(roles=roles)).spared("127.0.0.5") == ports.CONTROLLER
    assert door.Door(orders(roles=roles)).spared("127.0.0.6") == frozenset()
    assert door.Door(orders(roles=roles, spoken_to=("127.0.0.5",))).spared("127.0.0.5") == frozenset()


def test_a_host_gets_few_sockets_at_once_and_few_frames_a_second() -> None:
    most, now = 0, 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await reader.read(1)
        now -= 1
        writer.close()

    async def run() -> float:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        guarded, began = door.Door(orders()), time.monotonic()

        async def visit() -> None:
            async with guarded.tcp("127.0.0.1", port):
                await asyncio.sleep(0.1)

        await asyncio.gather(*(visit() for _each in range(15)))
        server.close()
        return time.monotonic() - began

    seconds = asyncio.run(run())
    assert most <= 4
    assert seconds > 15 * 2 / 50 - 0.1  # each connection takes room for two frames at least


def test_the_time_of_a_handshake_is_the_kernels() -> None:
    async def run() -> float:
        server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
        _reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        time.sleep(0.2)  # noqa: ASYNC251 - this program stutters
        return float(door._round_trip(writer))

    assert 0 < asyncio.run(run()) < 0.1
    assert socket.TCP_INFO


def test_a_pace_that_nobody_meant_is_refused() -> None:
    for changes in ({"lan_per_second": 0}, {"host_per_second": 10**7}, {"gentle": 0}, {"sockets_per_host": 100}):
        with pytest.raises(ValueError, match="pace"):
            Pace(**changes)  # type: ignore[arg-type]


async def fragments(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An rpcbind whose answer consists of empty fragments for ever."""
    with contextlib.suppress(OSError):
        while not writer.is_closing():
            writer.write(bytes(4096))
            await writer.drain()


async def hasty(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A web server that sends its page byte by byte, as fast as it can."""
    with contextlib.suppress(OSError):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("script", "look"),
    [(fragments, load("audits.lan.looks.rpc").portmapper), (hasty, load("audits.lan.looks.web").http)],
)
def test_who_answers_without_end_puts_nobody_in_debt(
    script: Callable[..., Awaitable[None]], look: Callable[..., Awaitable[object]]
) -> None:
    async def debts() -> tuple[float, float]:
        slow = Pace(timeout=0.03, host_per_second=50, lan_per_second=1000)
        one = door.Door(orders("127.77.4.0/24", pace=slow))
        async with await asyncio.start_server(script, "127.77.4.1", 8111):
            await look(one, "127.77.4.1", 8111)
        now = time.monotonic()
        return one.host("127.77.4.1").bucket._due - now, one.wire("127.77.4.1")._due - now

    own, all_of_them = asyncio.run(debts())
    assert (own < 0.5, all_of_them < 0.05) == (True, True), (own, all_of_them)


def test_who_waits_for_its_own_host_holds_up_no_other() -> None:
    """A tarpit's connections, of which there are more than the audit may open at all, wait among themselves."""

    async def mute(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)

    async def waited() -> float:
        one = door.Door(orders(pace=Pace(timeout=0.3, host_per_second=5000, sockets=16, sockets_per_host=2)))

        async def listen(ip: str) -> None:
            async with one.tcp(ip, 8111) as talk:
                await talk.hear()

        async with (
            await asyncio.start_server(mute, "127.77.5.1", 8111),
            await asyncio.start_server(mute, "127.77.5.2", 8111),
        ):
            trapped = [asyncio.create_task(listen("127.77.5.1")) for _each in range(40)]
            await asyncio.sleep(0.05)
            began = time.monotonic()
            await listen("127.77.5.2")
            for task in trapped:
                task.cancel()
            await asyncio.gather(*trapped, return_exceptions=True)
        return time.monotonic() - began

    assert asyncio.run(waited()) < 0.6  # its own silence, and not the six seconds of the other
