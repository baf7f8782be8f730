"""The cables of a site and the machines at its switches' ports: tables, the drawing on the map, and rows for programs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from wizara.audit.cvss import SEVERITIES, Severity
from wizara.record.run import Record
from wizara.report.cable_map import Branch, Leaf, Legend, Strand, draw
from wizara.report.case import Case
from wizara.report.document import Block, Figure, Heading, Inline, Paragraph, Section, Table
from wizara.report.tables import sheet
from wizara.report.words import Words, latin
from wizara.text import N_

_MOST = 24
"""Machines that are drawn at one device; the others are in the table."""
_DEVICES = 60
"""Boxes of the drawing; the table has all."""
#: How kinds of ports are cut short where there is little room, the longest first.
_KINDS = (
    ("Ten-GigabitEthernet", "XGE"), ("TenGigabitEthernet", "Te"), ("XGigabitEthernet", "XGE"), ("GigabitEthernet", "Gi"),
    ("FastEthernet", "Fa"), ("Port-channel", "Po"), ("Bridge-Aggregation", "BAGG"),
)  # fmt: skip
_LANGUAGES = {"lldp": "LLDP", "cdp": "CDP", "routeros": "RouterOS"}
HERE, APART = "this computer", " · "
"""How an audit calls the computer that it was done from, and what stands before the LAN that this was plugged into."""
_HOW = (
    N_("A machine stands at a port where the switch learned it alone and no neighbour speaks."),
    N_("Ports that lead to other switches place nobody."),
)
CABLE_HEADERS = (
    "device", "port", "bundle", "neighbour", "neighbour_port", "neighbour_bundle", "told_by_both_ends", "sources",
)  # fmt: skip
PORT_HEADERS = ("device", "port", "vlan", "machine", "ip", "mac", "machines")


class EndData(Record):
    """One end of a cable."""

    device: str
    port: str
    bundle: str
    """The bundle (LAG) that the port is a member of, or an empty text."""
    read: bool
    """Whether the device was read."""


class CableData(Record):
    """One cable."""

    ends: tuple[EndData, EndData]
    both: bool
    """Whether both ends tell of it."""
    sources: tuple[str, ...]
    evidence: tuple[str, ...]


class PortData(Record):
    """A port of a switch with the machine at it, or with how many there are."""

    device: str
    port: str
    vlan: str = ""
    mac: str = ""
    ip: str = ""
    name: str = ""
    machines: int = 1


def cable_data(case: Case) -> tuple[CableData, ...]:
    """Return the cables."""
    return tuple(
        CableData(
            ends=tuple(EndData(device=end.device, port=end.port, bundle=end.bundle, read=end.read) for end in (one.one, one.other)),
            both=one.both, sources=one.sources, evidence=one.evidence,
        )
        for one in case.topology.cables
    )  # fmt: skip


def port_data(case: Case) -> tuple[PortData, ...]:
    """Return the machines at the switches' ports, and the ports that lead to several."""
    found = case.topology
    alone = (
        PortData(device=one.device, port=one.port, vlan=one.vlan, mac=one.card, ip=one.ip, name=one.name)
        for one in found.machines
    )
    return (*alone, *(PortData(device=one.device, port=one.port, machines=one.machines) for one in found.crowds))


def sheets(case: Case) -> dict[str, bytes]:
    """Return ``cables.csv`` and ``ports.csv``, where there is something in them."""
    cables = [
        (
            *(one.ends[0].device, one.ends[0].port, one.ends[0].bundle),
            *(one.ends[1].device, one.ends[1].port, one.ends[1].bundle),
            "yes" if one.both else "no", " ".join(one.sources),
        )
        for one in cable_data(case)
    ]  # fmt: skip
    ports = [(one.device, one.port, one.vlan, one.name, one.ip, one.mac, str(one.machines)) for one in port_data(case)]
    found = {"cables.csv": sheet(CABLE_HEADERS, cables), "ports.csv": sheet(PORT_HEADERS, ports)}
    return {name: content for name, content in found.items() if (cables if name == "cables.csv" else ports)}


def cables(case: Case, words: Words) -> tuple[Section, ...]:
    """Return the section with a row for each cable and for each machine at a port; none when no device told of any."""
    blocks: list[Block] = []
    found, ports = cable_data(case), port_data(case)
    if found:
        blocks.append(_cable_table(found, words))
    if ports:
        blocks += [Heading(text=words.say(N_("Machines at the ports of switches"))), _port_table(ports, words)]
        blocks.append(Paragraph(text=words.prose(" ".join(words.say(one) for one in _HOW))))
    title = words.say(N_("Cables between devices"))
    return (Section(title=title, anchor="cables", blocks=tuple(blocks)),) if blocks else ()


def _cable_table(found: tuple[CableData, ...], words: Words) -> Table:
    headers = (
        N_("Device"), N_("Port"), N_("Neighbour"), N_("Port of the neighbour"), N_("Bundle"), N_("Seen from"), N_("Told by"),
    )  # fmt: skip
    rows = tuple(
        (
            *(part for end in one.ends for part in (_called(end.device, words), latin(_cut(end.port) or "–"))),
            latin(_bundle(one) or "–"),
            words.prose(words.say(N_("both ends") if one.both else N_("one end only"))),
            _sources(one, words),
        )
        for one in found
    )
    return Table(headers=tuple(words.say(word) for word in headers), rows=rows, widths=(15, 13, 20, 13, 13, 15, 11))


def _called(device: str, words: Words) -> Inline:
    """Return the name of a device; that of the auditor's own computer is of the reader's language."""
    here, apart, lan = device.partition(APART)
    if here != HERE:
        return latin(device or "–")
    return (*words.prose(words.say(here)), *(latin(apart + lan) if lan else ()))


def _bundle(one: CableData) -> str:
    return " – ".join(dict.fromkeys(_cut(end.bundle) for end in one.ends if end.bundle))


def _sources(one: CableData, words: Words) -> Inline:
    told = latin(*(_LANGUAGES.get(source, source) for source in one.sources if source != "heard"))
    heard = words.prose(f" ({words.say(N_('heard'))})") if "heard" in one.sources else ()
    return (*told, *heard)


def _port_table(ports: tuple[PortData, ...], words: Words) -> Table:
    headers = (N_("Device"), N_("Port"), N_("VLAN"), N_("Machine"), N_("Address"), N_("Network card"))
    rows = tuple(
        (
            latin(one.device), latin(_cut(one.port)), latin(one.vlan or "–"),
            latin(one.name or "–") if one.mac else words.prose(_several(one.machines, words)),
            latin(one.ip or "–"), latin(one.mac or "–"),
        )
        for one in ports
    )  # fmt: skip
    return Table(headers=tuple(words.say(word) for word in headers), rows=rows, widths=(20, 18, 8, 20, 16, 18))


def _several(count: int, words: Words) -> str:
    return words.count("{count} machine", "{count} machines", count)


def cable_figures(case: Case, words: Words) -> tuple[Block, ...]:
    """Return the drawing of devices, cables and machines at ports, with its heading; none where nothing is told."""
    if not case.topology.cables and not case.topology.machines:
        return ()
    title = words.say(N_("Cables, and machines at their ports"))
    legend = Legend(*(words.say(word) for word in (
        N_("device that was read"), N_("device that was not read"), N_("both ends tell of the cable"),
        N_("one end tells of the cable"), N_("bundle of cables"), N_("device drawn elsewhere"),
    )))  # fmt: skip
    drawn = draw(_Tree(case, words).branches(), title, legend, mirrored=words.right_to_left)
    return (Heading(text=title), *(Figure(svg=one, description=title) for one in drawn))


class _Tree:
    """The tree that is drawn: from the device with the most cables outwards; what closes a ring is a further cable."""

    def __init__(self, case: Case, words: Words) -> None:
        self._words, self._found = words, case.topology
        self._cables: dict[str, dict[str, list[Strand]]] = {}
        for one in cable_data(case):
            self._note(one, *one.ends)
        self._read = set(self._found.devices)
        self._addresses = {host.name: str(host.address) for host in case.audit.facts.hosts}
        declared = {str(host.address) for host in case.audit.facts.hosts}
        self._known = declared if case.audit.facts.inventory else None
        worst: dict[str, Severity] = {}
        for finding in case.pending:
            ip, severity = finding.verdict.subject.ip, finding.verdict.severity
            if ip:
                worst[ip] = min(severity, worst.get(ip, severity), key=SEVERITIES.index)
        self._worst = worst
        self._done: set[str] = set()
        self._drawn: set[frozenset[str]] = set()

    def _note(self, cable: CableData, one: EndData, other: EndData) -> None:
        bundle = _bundle(cable)
        for near, far in ((one, other), (other, one)):
            strand = Strand(_cut(near.port), _cut(far.port), bundle, cable.both)
            self._cables.setdefault(near.device, {}).setdefault(far.device, []).append(strand)

    def branches(self) -> list[Branch]:
        """Return a tree for each group of devices that hang together, at most :data:`_DEVICES` boxes in all."""
        with_ports = {one.device for one in (*self._found.machines, *self._found.crowds)}
        names = sorted({*self._read, *self._cables} & ({*self._cables} | with_ports), key=self._rank)
        out: list[Branch] = []
        for name in names:
            if name not in self._done and len(self._done) < _DEVICES:
                self._done.add(name)
                out.append(self._branch(name, None))
        return out

    def _rank(self, name: str) -> tuple[bool, int, str]:
        neighbours = self._cables.get(name, {})
        return name not in self._read, -sum(one in self._read for one in neighbours), name

    def _branch(self, name: str, above: str | None) -> Branch:
        mine = self._cables.get(name, {})
        new = [one for one in sorted(mine, key=self._rank) if one not in self._done][: _DEVICES - len(self._done)]
        self._done |= set(new)
        self._drawn |= {frozenset((name, one)) for one in new}
        below = [self._branch(one, name) for one in new]
        for one in sorted(mine, key=self._rank):
            pair = frozenset((name, one))
            if pair not in self._drawn and one in self._done:
                self._drawn.add(pair)
                below.append(Branch(one, read=one in self._read, strands=tuple(mine[one]), again=True))
        leaves = [*self._leaves(name)]
        more = len(leaves) - _MOST
        return Branch(
            "".join(span.text for span in _called(name, self._words)), self._addresses.get(name, ""), name in self._read,
            strands=tuple(self._cables[above][name]) if above else (), leaves=tuple(leaves[:_MOST]),
            more=f"+{self._words.number(more)} {self._words.say('more')}" if more > 0 else "", below=tuple(below),
        )  # fmt: skip

    def _leaves(self, device: str) -> Iterator[Leaf]:
        for one in self._found.machines:
            if one.device == device:
                known = self._known is None or one.ip in self._known
                yield Leaf(_cut(one.port), one.name or one.ip or one.card, known, self._worst.get(one.ip))
        counts = Counter({one.port: one.machines for one in self._found.crowds if one.device == device})
        for port, count in counts.items():
            yield Leaf(_cut(port), _several(count, self._words))


def _cut(port: str) -> str:
    for long, short in _KINDS:
        port = re.sub(rf"^{long}(?=\d)", short, port)
    return port
