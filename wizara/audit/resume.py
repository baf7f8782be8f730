"""What an interrupted audit had done: read from its own observations, so that nothing is asked twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from wizara.audit.observation import Observation
from wizara.audit.orders import Done

#: Why a device was not read though nothing was asked of it, or its place was out of reach: a later part may do it.
_UNREAD = frozenset({
    "silent", "lost", "no-vantage", "outside-mandate", "no-password", "no-host-key", "snmp-no-secret", "snmp-from-node",
})  # fmt: skip


def done_by(observations: Iterable[Observation], vantage: str) -> Done:
    """Return what was done from *vantage* according to *observations*."""
    asked: defaultdict[str, dict[str, str]] = defaultdict(dict)
    living: defaultdict[str, set[str]] = defaultdict(set)
    ports: defaultdict[str, defaultdict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    looked: set[str] = set()
    for one in observations:
        if one.vantage != vantage:
            continue
        looked.update(_asked(one))
        if one.kind == "host" and one.target.ip and one.flag("alive"):
            living[one.target.ip].update(one.texts("macs"))
        elif one.kind == "progress" and one.text("network"):
            asked[one.text("network")][str(one.number("round"))] = one.text("last")
        elif one.kind == "progress" and "looked" in one.data:
            looked.update(one.texts("looked"))
        elif one.kind == "progress":
            _add_ports(ports, one)
    return Done(
        asked={network: {**rounds} for network, rounds in asked.items()},
        living={ip: tuple(sorted(macs)) for ip, macs in living.items() if macs},
        ports={ip: {state: tuple(sorted(known)) for state, known in one.items()} for ip, one in ports.items()},
        looked=frozenset(looked),
    )


def _asked(one: Observation) -> Iterator[str]:
    """Yield what was done for *one* to be seen, in the words of the scan and of what follows it (``audits/lan/collectors.py``)."""
    place = f"{one.target.ip} tcp/{one.target.port}"
    if one.kind == "ssh" and one.collector == "ssh" and one.data.get("answer") is not False:
        yield f"named ssh {place}"
    elif one.kind == "login" and one.collector == "methods":
        yield f"methods {place}"
    elif one.kind in {"config", "tables"} and one.text("reason") not in _UNREAD:
        yield f"{one.kind} {one.target.ip}"


def _add_ports(ports: defaultdict[str, defaultdict[str, set[int]]], one: Observation) -> None:
    told = one.data.get("ports")
    for ip, states in told.items() if isinstance(told, dict) else ():
        for state, known in states.items() if isinstance(states, dict) else ():
            if state in {"open", "closed", "silent"} and isinstance(known, list):
                ports[ip][state].update(port for port in known if isinstance(port, int))
