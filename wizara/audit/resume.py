"""What an interrupted audit had done: read from its own observations, so that nothing is asked twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from wizara.audit.observation import Observation
from wizara.audit.orders import Done


def done_by(observations: Iterable[Observation], vantage: str) -> Done:
    """Return what was done from *vantage* according to *observations*."""
    asked: defaultdict[str, dict[str, str]] = defaultdict(dict)
    living: defaultdict[str, set[str]] = defaultdict(set)
    ports: defaultdict[str, defaultdict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    looked: set[str] = set()
    for one in observations:
        if one.vantage != vantage:
            continue
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


def _add_ports(ports: defaultdict[str, defaultdict[str, set[int]]], one: Observation) -> None:
    told = one.data.get("ports")
    for ip, states in told.items() if isinstance(told, dict) else ():
        for state, known in states.items() if isinstance(states, dict) else ():
            if state in {"open", "closed", "silent"} and isinstance(known, list):
                ports[ip][state].update(port for port in known if isinstance(port, int))
