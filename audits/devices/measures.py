"""The measures that configurations are judged by: one id each, whatever the platform, and how to say what is amiss."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from audits.devices.configuration import Configuration, Line

#: id → CVSS 3.1 vector. What each is for stands in the catalogue; what it follows in ``audits/mappings/devices.toml``.
READS = "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N"
MEASURES: dict[str, str] = {
    "SWI-001": READS,  # Telnet
    "SWI-002": READS,  # a community everybody knows
    "SWI-003": "CVSS:3.1/AV:A/AC:H/PR:H/UI:N/S:U/C:H/I:N/A:N",  # passwords readable
    "SWI-004": "CVSS:3.1/AV:A/AC:H/PR:N/UI:R/S:U/C:H/I:H/A:N",  # web page without TLS
    "SWI-005": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N",  # SNMP v1 or v2c
    "SWI-006": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:L",  # SNMP may write
    "SWI-007": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:N",  # SNMP from anywhere
    "SWI-008": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:L/I:H/A:N",  # no AAA
    "SWI-009": "CVSS:3.1/AV:A/AC:H/PR:N/UI:R/S:U/C:H/I:H/A:N",  # SSH version 1
    "SWI-010": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:N",  # weak SSH algorithms
    "SWI-011": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:N/I:L/A:N",  # no log server
    "SWI-012": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:N/I:L/A:N",  # no time source
    "SWI-013": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:N/I:L/A:N",  # time not authenticated
    "SWI-014": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:N/I:L/A:H",  # VLANs learnt from others
    "SWI-015": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:C/C:L/I:L/A:N",  # native VLAN 1 on a trunk
    "SWI-016": "CVSS:3.1/AV:A/AC:H/PR:L/UI:N/S:C/C:L/I:L/A:N",  # a trunk carries every VLAN
    "SWI-017": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:C/C:L/I:L/A:N",  # a trunk on request
    "SWI-018": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:L",  # no DHCP snooping
    "SWI-019": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:L",  # no port security
    "SWI-020": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:H",  # no BPDU guard
    "SWI-021": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N",  # discovery towards users
    "SWI-022": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L",  # test services
    "SWI-023": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N",  # finger
    "SWI-024": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:C/C:L/I:L/A:N",  # source routing
    "SWI-025": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:N",  # no warning before login
    "SWI-026": "CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N",  # a session never ends
    "SWI-027": "CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",  # console or line without password
    "SWI-028": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:N",  # a filter lets all through
    "SWI-029": "CVSS:3.1/AV:A/AC:H/PR:H/UI:N/S:U/C:H/I:H/A:N",  # privileged password kept weakly
    "SWI-030": "CVSS:3.1/AV:A/AC:H/PR:H/UI:N/S:U/C:H/I:N/A:N",  # user password kept weakly
    "SWI-031": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:L",  # administration from anywhere
    "SWI-032": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:C/C:N/I:N/A:L",  # directed broadcast
    "SWI-033": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:N",  # proxy ARP
    "SWI-034": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:L/I:N/A:N",  # ICMP redirects
    "SWI-035": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",  # Smart Install
    "SWI-036": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:H/I:L/A:N",  # files in clear
    "SWI-037": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:N/I:L/A:N",  # log lines without date
    "SWI-038": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:N",  # guessing is not slowed down
    "SWI-039": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:N",  # an account everybody knows
    "SWI-040": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:N",  # managed below IP
    "SWI-041": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:C/C:N/I:L/A:L",  # answers names for anybody
    "SWI-042": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:L",  # no filter before the router itself
    "SWI-043": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:C/C:L/I:L/A:N",  # UPnP
    "SWI-044": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:C/C:L/I:L/A:N",  # proxy for anybody
    "SWI-045": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:N",  # programming interface without TLS
    "SWI-046": "CVSS:3.1/AV:A/AC:H/PR:N/UI:R/S:U/C:L/I:L/A:N",  # old TLS on the web page
    "SWI-047": "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:L",  # administration from outside
    "SWI-048": "CVSS:3.1/AV:A/AC:H/PR:L/UI:N/S:U/C:N/I:L/A:N",  # a filter leaves no trace
    "SWI-049": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:N",  # no rule about passwords
    "SWI-050": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N",  # users in VLAN 1
    "SWI-051": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:N",  # forged ARP passes
    "SWI-052": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:N",  # SNMPv3 without encryption
    "SWI-053": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:C/C:N/I:L/A:L",  # routes from anybody
    "SWI-054": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L",  # no limit for storms
    "SWI-055": "CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:L/I:H/A:L",  # configuration fetched from the network
}


@dataclass(frozen=True)
class Fault:
    """What is amiss: the lines at fault (a line 0 is one that is absent), and the commands that mend it."""

    lines: tuple[Line, ...]
    commands: tuple[str, ...]


Check = Callable[[Configuration], Fault | None]
"""Returns what is amiss with a measure on one platform, or None."""


def _fault(lines: Iterable[Line], commands: Iterable[str]) -> Fault | None:
    found = tuple(lines)
    return Fault(found, tuple(dict.fromkeys(commands))) if found else None


def _mended(pattern: str, line: Line, commands: Iterable[str]) -> Iterator[str]:
    """Yield *commands* with ``{line}`` and the groups of *pattern* filled in."""
    match = re.match(pattern, line.text)
    for command in commands:
        yield (match.expand(command) if match else command).replace("{line}", line.text)


def stated(pattern: str, *commands: str) -> Check:
    r"""A top-level line must not be there. In *commands*, ``{line}`` is that line, and ``\\1`` a group of *pattern*."""

    def check(one: Configuration) -> Fault | None:
        lines = [*one.each(pattern)]
        return _fault(lines, (told for line in lines for told in _mended(pattern, line, commands)))

    return check


def missing(pattern: str, shown: str, *commands: str, among: str | None = None) -> Check:
    """A top-level line must be there (where one that matches *among* is); *shown* is how the absent one is told."""

    def check(one: Configuration) -> Fault | None:
        concerned = among is None or one.has(among)
        return None if one.has(pattern) or not concerned else _fault([Line(0, shown)], commands)

    return check


@dataclass(frozen=True)
class Within:
    """Sections below headings that match ``path``, and hold a line that matches each of ``where`` and none of ``unless``."""

    path: tuple[str, ...]
    where: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    closing: tuple[str, ...] = ()
    """What leaves each heading again in the platform's syntax."""

    def each(self, one: Configuration) -> Iterator[tuple[tuple[Line, ...], Line]]:
        """Yield those sections."""
        for headings, section in one.sections(*self.path):
            if all(section.first(word) for word in self.where) and not any(section.first(word) for word in self.unless):
                yield headings, section

    def told(self, headings: tuple[Line, ...], commands: Iterable[str]) -> list[str]:
        """Return *commands* below *headings*."""
        body = [" " * len(headings) + command for command in commands]
        above = headings[: len(headings) - len(self.path)]  # FortiOS's global part, or a VDOM
        left = ["end" for one in above if one.text.startswith("config ")]
        return [*(" " * at + one.text for at, one in enumerate(headings)), *body, *self.closing, *left]

    def holding(self, pattern: str, *commands: str) -> Check:
        """Such a section must not hold a line that matches *pattern*; *commands* as in :func:`stated`."""

        def check(one: Configuration) -> Fault | None:
            lines: list[Line] = []
            told: list[str] = []
            for headings, section in self.each(one):
                found = [*section.each(pattern)]
                lines += found
                mended = [command for line in found for command in _mended(pattern, line, commands)]
                told += self.told(headings, dict.fromkeys(mended)) if found else []
            return Fault(tuple(lines), tuple(told)) if lines else None

        return check

    def lacking(self, pattern: str, *commands: str) -> Check:
        """Such a section must hold a line that matches *pattern*."""

        def check(one: Configuration) -> Fault | None:
            lines: list[Line] = []
            told: list[str] = []
            for headings, section in self.each(one):
                if section.first(pattern) is None:
                    lines.append(section)
                    told += self.told(headings, commands)
            return Fault(tuple(lines), tuple(told)) if lines else None

        return check


def either(*checks: Check) -> Check:
    """Amiss when one of *checks* says so; their lines and commands together."""

    def check(one: Configuration) -> Fault | None:
        faults = [fault for fault in (part(one) for part in checks) if fault]
        return (
            Fault(sum((fault.lines for fault in faults), ()), sum((fault.commands for fault in faults), ()))
            if faults
            else None
        )

    return check


def unless(pattern: str, check: Check) -> Check:
    """Judge only a configuration without a top-level line that matches *pattern*."""
    return lambda one: None if one.has(pattern) else check(one)


def where(pattern: str, check: Check) -> Check:
    """Judge only a configuration with a line that matches *pattern*, at the top or in a section."""
    return lambda one: check(one) if _anywhere(one, pattern) else None


def without(pattern: str, check: Check) -> Check:
    """Judge only a configuration with no line that matches *pattern*, at the top or in a section."""
    return lambda one: None if _anywhere(one, pattern) else check(one)


def _anywhere(one: Configuration, pattern: str) -> bool:
    lines = (line for top in one.root.below for line in (top, *top.below))
    return any(re.match(pattern, line.text) for line in lines)
