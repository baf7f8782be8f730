"""An audit that is taken up again does what was left undone, once, and as gently as it had begun."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Interface, ip_network
from typing import Any

import pytest

from wizara.audit.facts import LanFacts
from wizara.audit.job import DeviceLogin, Job
from wizara.audit.mandate import Mandate
from wizara.audit.observation import Observation, Target
from wizara.audit.orders import POLITE, Sighting
from wizara.audit.resume import done_by
from wizara.tree import load

collectors, door, syn, wire = (load(f"audits.lan.{name}") for name in ("collectors", "door", "wire.syn", "wire.ports"))
MANDATE = Mandate.model_validate(
    {"commissioner": "t", "reference": "t", "date": "2026-01-01", "perimeter": ["127.0.0.0/8"], "from": "2020-01-01", "to": "2099-01-01",
     "hours": ["00:00-24:00"], "operators": ["t"], "contact": "t"}
)  # fmt: skip
RUN = "20260101T000000Z-audit-x-0000"
SERVER, SWITCH, PRINTER = "127.77.1.1", "127.77.1.2", "127.77.1.3"


def kept(kind: str, data: dict[str, Any], ip: str | None = None, collector: str | None = None) -> Observation:
    return Observation.model_validate(
        {"run": RUN, "time": datetime(2026, 1, 1, tzinfo=UTC), "collector": collector or kind, "vantage": "this computer", "kind": kind,
         "data": data, "target": Target(site="hq", ip=ip, port=22 if ip else None, proto="tcp")}
    )  # fmt: skip


def again(monkeypatch: pytest.MonkeyPatch, *earlier: Observation) -> list[tuple[str, str | None, Any]]:
    """Return what is told after the scan of a run that had seen *earlier*, whose scan had come to its end."""
    monkeypatch.setattr(collectors.methods, "look", lambda *_told: {"methods": ["password"]})
    monkeypatch.setattr(collectors.reader, "look", lambda *_told: {"platform": "cisco_ios"})
    switch = DeviceLogin(name="sw", address=IPv4Address(SWITCH), platform="cisco_ios", username="audit")
    job = Job(
        run=RUN, facts=LanFacts(networks=(ip_network("127.77.1.0/29"),)), mandate=MANDATE, devices=(switch,),
        done=done_by(earlier, "this computer"),
    )  # fmt: skip

    async def nothing() -> AsyncIterator[Sighting]:
        for _none in ():
            yield _none

    async def run() -> list[Observation]:
        guarded = door.Door(job.orders())
        return [one async for one in collectors._and_devices(job, nothing(), guarded.blocking, guarded)]

    told = asyncio.run(run())
    return sorted((one.kind, one.target.ip, one.data.get("answer")) for one in told)


MET = (
    kept("ssh", {"kex": ["x"]}, SERVER),
    kept("progress", {"ports": {SWITCH: {"open": [22]}}}),
    kept("progress", {"looked": [f"ssh {SERVER} tcp/22"]}),
)
READ, ASKED = ("config", SWITCH, None), ("login", SERVER, None)


@pytest.mark.parametrize(
    ("further", "left"),
    [
        ((), [READ, ASKED]),
        ((kept("login", {"methods": ["publickey"]}, SERVER, "methods"),), [READ]),
        ((kept("login", {"open": False}, SERVER, "login"),), [READ, ASKED]),
        ((kept("config", {"answer": False, "reason": "silent"}, SWITCH, "switch"),), [READ, ASKED]),
        ((kept("config", {"answer": False, "reason": "refused"}, SWITCH, "switch"),), [ASKED]),
        ((kept("config", {"platform": "cisco_ios"}, SWITCH, "switch"),), [ASKED]),
    ],
    ids=["nothing", "logins", "another-login", "silent", "refused", "read"],
)
def test_servers_and_devices_met_before_the_kill_are_asked_once(
    monkeypatch: pytest.MonkeyPatch, further: tuple[Observation, ...], left: list[tuple[str, str, None]]
) -> None:
    assert again(monkeypatch, *MET, *further) == left


@pytest.mark.parametrize(("opened", "rate"), [(631, 10.0), (80, POLITE.host_per_second)])
def test_a_printer_keeps_its_budget_when_its_ports_are_known(opened: int, rate: float) -> None:
    orders = Job(run=RUN, facts=LanFacts(networks=(ip_network("127.77.1.0/29"),)), mandate=MANDATE).orders()
    guarded = door.Door(orders)
    port = wire.Port("lo", IPv4Interface("127.77.1.6/29"), bytes(6))
    finished: list[Any] = []
    sweep = syn.SynSweep(port, guarded, lambda *_told: None, finished.append)
    tried = [80, *syn.TELLING]
    aim = syn.Aim(PRINTER, "02:00:00:00:00:03", tried, states=dict.fromkeys(tried, "closed") | {opened: "open"})
    assert sweep._begin(aim, 0) is None
    assert finished == [aim]
    assert guarded.host(PRINTER).bucket.per_second == rate


def test_a_host_whose_ssh_servers_hang_is_left_and_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def hanging(_connect: object, ip: str, *_details: object) -> dict[str, Any]:
        time.sleep(0.1 if ip == SERVER else 0.0)
        return {"methods": ["password"]}

    monkeypatch.setattr(collectors.methods, "look", hanging)
    monkeypatch.setattr(collectors, "_PATIENT", 0.25)
    job = Job(run=RUN, facts=LanFacts(networks=(ip_network("127.77.1.0/29"),)), mandate=MANDATE)
    servers = [*((SERVER, port) for port in range(2200, 2220)), (PRINTER, 22)]

    async def scanned() -> AsyncIterator[Sighting]:
        for ip, port in servers:
            yield Sighting("ssh", "ssh", {"kex": ["x"]}, ip, port, "tcp")

    async def run() -> list[Observation]:
        guarded = door.Door(job.orders())
        return [one async for one in collectors._and_devices(job, scanned(), guarded.blocking, guarded)]

    told = [one for one in asyncio.run(run()) if one.kind == "login"]
    assert [one.target.ip for one in told].index(PRINTER) <= 1  # it waited for nobody
    slow = [one for one in told if one.data.get("reason") == "slow"]
    assert (len(told), {one.target.ip for one in slow}) == (21, {SERVER})
    assert 15 <= len(slow) <= 19  # three fit into its time, fewer where the computer is busy
