"""One picture of a site's cables, of all that devices tell and say: each once, bundles kept, machines at their ports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from audits.devices.halves import Half, far_port, once, pairs
from audits.devices.placement import Busy, Crowd, Placed, place
from audits.devices.ports import card_key, port_key
from audits.devices.register import Register
from audits.devices.telling import Neighbour, tellings
from wizara.audit.facts import LanFacts
from wizara.audit.observation import Observation, Seen

_PORT = re.compile(r"[A-Za-z][A-Za-z-]*[0-9]+(?:[/.:][0-9]+)*")
_RUNS = re.compile(r"\d+|\D+")
_HERE = "\0"
"""What no address begins with: the key of a port of the computer that looked."""


@dataclass(frozen=True)
class End:
    """One end of a cable."""

    device: str
    """The name that it is shown by."""
    port: str
    bundle: str = ""
    """The bundle of ports (LAG) that the port belongs to, or an empty text."""
    read: bool = False
    """Whether the device was read."""


@dataclass(frozen=True)
class Cable:
    """One cable."""

    one: End
    other: End
    both: bool
    """Whether both ends tell of it."""
    sources: tuple[str, ...]
    """``lldp``, ``cdp``; ``heard`` besides, where it was heard at the auditor's own port."""
    evidence: tuple[str, ...]
    """Ids of the observations."""


@dataclass(frozen=True)
class Topology:
    """The picture."""

    devices: tuple[str, ...] = ()
    """Those that were read."""
    cables: tuple[Cable, ...] = ()
    machines: tuple[Placed, ...] = ()
    crowds: tuple[Crowd, ...] = ()


def topology(seen: Seen, facts: LanFacts) -> Topology:
    """Return what devices tell of each other (LLDP before CDP), what was heard at the auditor's port, and who is where."""
    told = tellings(seen, facts)
    register = Register(told, facts)
    for each in (each for one in told.values() for each in one.neighbours):
        register.meet(each.card, each.address)
    halves = once(_half(one.key, each, register) for one in told.values() for each in sorted(one.neighbours, key=_rank))
    halves += once(_heard(seen, register))
    joined = [*pairs(halves, told)]
    busy: Busy = {(half.near, port_key(half.port)) for half in halves}
    busy |= {(half.far, port_key(far_port(half, told))) for half in halves}
    machines, crowds = place(told, busy, seen, facts)
    return Topology(
        devices=tuple(sorted(one.name for one in told.values())),
        cables=tuple(sorted((_cable(*pair, register) for pair in joined), key=lambda one: (_order(one.one), _order(one.other)))),
        machines=tuple(sorted(machines, key=lambda one: order(one.device, one.port))),
        crowds=tuple(sorted(crowds, key=lambda one: order(one.device, one.port))),
    )  # fmt: skip


def order(device: str, port: str) -> tuple[str, list[tuple[int, str]]]:
    """Return the key by which ports are listed: numbers in them count as numbers."""
    return device, [(int(run), "") if run.isdecimal() else (-1, run) for run in _RUNS.findall(port_key(port))]


def _order(end: End) -> tuple[bool, tuple[str, list[tuple[int, str]]]]:
    return not end.read, order(end.device, end.port)


def _rank(one: Neighbour) -> tuple[bool, bool]:
    return one.source != "lldp", one.card is None


def _half(near: str, each: Neighbour, register: Register) -> Half:
    far = register.who(each.name, each.card, each.address)
    return Half(near, each.port, far, each.far_ports, (each.source,), (each.evidence,))


def _heard(seen: Seen, register: Register) -> Iterator[Half]:
    """Yield what was heard at the auditor's own ports; where several are heard at one, nobody knows who is at its other end."""
    found: dict[str, list[Neighbour]] = {}
    for one in seen.of("heard"):
        if one.text("language") in {"lldp", "cdp"} and one.text("interface"):
            found.setdefault(f"{_HERE}{one.vantage}{_HERE}{one.text('interface')}", []).append(_neighbour(one))
    for near, told in found.items():
        register.shown[near] = near.split(_HERE)[1]
        halves = [_half(near, each, register) for each in sorted(told, key=_rank)]
        if len({half.far for half in halves}) == 1:
            yield from halves


def _neighbour(one: Observation) -> Neighbour:
    chassis, far = one.text("chassis"), (one.text("port"), one.text("port_description"))
    return Neighbour(
        one.text("interface"), one.text("name") or chassis, card_key(chassis), one.text("address"),
        tuple(dict.fromkeys(text for text in far if text)), one.text("language"), one.id,
    )  # fmt: skip


def _cable(half: Half, twin: Half | None, register: Register) -> Cable:
    told = register.told
    port = twin.port if twin else far_port(half, told) or _readable(half.spellings)
    ends = (_end(half.near, half.port, register), _end(half.far, port, register))
    one, other = sorted(ends, key=_order)
    halves = (half, twin) if twin else (half,)
    sources = tuple(dict.fromkeys(source for each in halves for source in each.sources))
    sources += ("heard",) if any(each.near.startswith(_HERE) for each in halves) else ()
    evidence = tuple(dict.fromkeys(each for told_ in halves for each in told_.evidence))
    return Cable(one, other, twin is not None, sources, evidence)


def _readable(spellings: tuple[str, ...]) -> str:
    """Return the spelling that a person would use: what looks like a port's name, rather than a card or a remark."""
    named = (one for one in spellings if _PORT.fullmatch(one))
    plain = (one for one in spellings if not card_key(one))
    return next(named, None) or next(plain, None) or next(iter(spellings), "")


def _end(key: str, port: str, register: Register) -> End:
    device = register.told.get(key)
    bundle = device.bundles.get(device.ports.get(port_key(port), port), "") if device else ""
    return End(register.shown.get(key, key), port, bundle, read=device is not None)
