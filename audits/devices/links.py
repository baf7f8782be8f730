"""The cables between devices, by what each says of its neighbours (LLDP, CDP), with the bundle that a port belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from wizara.audit.observation import Observation, Seen

_SHORT = re.compile(r"^([A-Za-z-]+?)(\d.*)$")
#: Names of kinds of ports, as devices cut them short; the first that fits.
_KINDS = (
    ("tengigabitethernet", "ten"),
    ("xgigabitethernet", "xge"),
    ("gigabitethernet", "gi"),
    ("fastethernet", "fa"),
    ("ethernet", "eth"),
)


@dataclass(frozen=True)
class Link:
    """One cable, seen from one end."""

    device: str
    port: str
    neighbour: str
    neighbour_port: str
    bundle: str
    """The bundle of ports (LAG) that the port belongs to, or an empty text."""
    source: str
    """``lldp`` or ``cdp``."""
    evidence: str
    """Id of the observation."""


def port_key(name: str) -> str:
    """Return *name* so that two spellings of one port are equal: ``GigabitEthernet0/1`` and ``Gi0/1``, ``GE0/0/1``."""
    match = _SHORT.match(name.replace(" ", ""))
    if match is None:
        return name.lower()
    word = match[1].lower()
    kind = next((short for long, short in _KINDS if word == long or (len(word) >= 2 and long.startswith(word))), word)
    return ("gi" if word == "ge" else "ten" if word in {"xge", "xg"} or kind == "xge" else kind) + match[2]


def links(seen: Seen, names: Mapping[str, str]) -> tuple[Link, ...]:
    """Return the cables that devices told of, by *names* of their addresses: each port once, by LLDP rather than CDP."""
    found: dict[tuple[str, str, str], Link] = {}
    for one in seen.answered("config"):
        bundles = dict(_bundles(one))
        for source in ("lldp", "cdp"):
            for row in _rows(one, f"{source}_table"):
                link = _link(one, row, source, bundles, names)
                if link.port and link.neighbour:
                    found.setdefault((link.device, port_key(link.port), link.neighbour.partition(".")[0].lower()), link)
    return tuple(sorted(found.values(), key=lambda link: (link.device, link.port, link.neighbour)))


def _link(
    one: Observation, row: dict[str, JsonValue], source: str, bundles: dict[str, str], names: Mapping[str, str]
) -> Link:
    port = _word(row, "local_interface")
    return Link(
        device=names.get(one.target.ip or "") or one.text("name") or one.target.ip or "", port=port,
        neighbour=_word(row, "neighbor_name") or _word(row, "chassis_id"),
        neighbour_port=_word(row, "neighbor_interface") or _word(row, "neighbor_port_id"),
        bundle=bundles.get(port_key(port), ""), source=source, evidence=one.id,
    )  # fmt: skip


def _bundles(one: Observation) -> Iterator[tuple[str, str]]:
    """Yield (port, bundle) of each member."""
    for row in _rows(one, "bundles_table"):
        members = row.get("member_interface")
        for member in members if isinstance(members, list) else [members]:
            if isinstance(member, str):
                yield port_key(member), _word(row, "bundle_name") or _word(row, "group")


def _rows(one: Observation, name: str) -> Iterator[dict[str, JsonValue]]:
    rows = one.data.get(name)
    return (row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else iter(())


def _word(row: dict[str, JsonValue], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""
