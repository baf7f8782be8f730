"""Reads a configuration into a tree of numbered lines: Cisco IOS, Huawei VRP, MikroTik RouterOS and FortiOS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

Platform = Literal["cisco_ios", "huawei_vrp", "mikrotik_routeros", "fortinet"]
PLATFORMS: tuple[Platform, ...] = get_args(Platform)
_MARKS: dict[Platform, re.Pattern[str]] = {
    "fortinet": re.compile(r"#config-version=|config (?:system|firewall|vpn|log|router|user) "),
    "mikrotik_routeros": re.compile(r"# .* by RouterOS |/(?:ip|interface|system|user|snmp|tool|routing)(?: |$)"),
    "huawei_vrp": re.compile(r"sysname |!Software Version V|user-interface (?:con|vty) |undo |info-center "),
    "cisco_ios": re.compile(
        r"hostname |Current configuration|Building configuration|version \d+\.|line (?:con|vty) |"
        r"no (?:ip|service|aaa|snmp-server|cdp|vstack|logging) "
    ),
}
#: What no configuration of a judged platform says, and the system that says it; one line is enough.
_FOREIGN: dict[str, re.Pattern[str]] = {
    "HPE Comware": re.compile(
        r" ?version \d+\.\d+\.\d+, (?:Release|Feature|ESS|Demo)|\s*port link-mode (?:bridge|route)|\s*user-role \S|irf mac-address "
    ),
    "Cisco NX-OS": re.compile(r"!Command: show |version \S+ +Bios:version|(?:no )?feature \S+$|vdc \S+ id \d"),
    "Cisco IOS XR": re.compile(r"!! IOS XR "),
    "Arista EOS": re.compile(
        r"! device: .*EOS-|(?:no )?aaa root\b|management (?:ssh|telnet|api \S+)$|transceiver qsfp default-mode"
    ),
    "Cisco ASA": re.compile(r"(?:ASA|PIX|FWSM) Version |\s+nameif \S|same-security-traffic |access-list \S+ extended "),
    "Aruba AOS-CX": re.compile(r"!Version ArubaOS-CX "),
    "ArubaOS-Switch": re.compile(r"; (?:hp)?J\w+ Configuration Editor"),
    "Juniper Junos": re.compile(
        r"## Last (?:commit|changed)|(?:system|interfaces|protocols) \{|set system (?:host-name|services) "
    ),
}
_BANNER = re.compile(r"banner \S+ (\^C|\S)")
LONGEST = 1000
"""Characters of a line that are judged."""
DEEPEST = 30
"""Nesting that a real configuration never reaches; what is deeper stays at this level."""


@dataclass
class Line:
    """One command with those below it; ``number`` counts from 1 as an editor does."""

    number: int
    text: str
    below: list[Line] = field(default_factory=list)

    def first(self, pattern: str) -> Line | None:
        """Return the first line below that *pattern* matches from its beginning."""
        return next(self.each(pattern), None)

    def each(self, pattern: str) -> Iterator[Line]:
        """Yield the lines below that *pattern* matches."""
        return (one for one in self.below if re.match(pattern, one.text))


@dataclass(frozen=True)
class Configuration:
    """A device's configuration; ``root`` is a line 0 above all others."""

    platform: Platform
    root: Line

    def each(self, pattern: str) -> Iterator[Line]:
        """Yield the top-level lines that *pattern* matches."""
        return self.root.each(pattern)

    def has(self, pattern: str) -> bool:
        """Say whether a top-level line matches *pattern*."""
        return self.root.first(pattern) is not None

    def sections(self, *path: str) -> Iterator[tuple[tuple[Line, ...], Line]]:
        """Yield (headings from the top, innermost heading) of each section below headings that match *path*."""
        for above, scope in self.scopes():
            yield from _sections(above, scope, path)

    def scopes(self) -> Iterator[tuple[tuple[Line, ...], Line]]:
        """Yield (headings, line) that top-level sections stand below: the root, and with VDOMs FortiOS's global part and each VDOM."""
        yield (), self.root
        if self.platform == "fortinet":
            yield from _sections((), self.root, ("config global$",))
            yield from _sections((), self.root, ("config vdom$", "edit "))

    @property
    def name(self) -> str:
        """What the device calls itself, or an empty text."""
        for pattern in (r"(?:hostname|sysname) (\S+)", r"/system identity set name=(\S+)"):
            found = next((re.match(pattern, one.text) for one in self.each(pattern)), None)
            if found:
                return found[1].strip('"')
        for _path, one in self.sections("config system global$"):
            named = one.first(r"set hostname ")
            if named:
                return named.text.split(maxsplit=2)[2].strip('"')
        return ""


def _sections(above: tuple[Line, ...], line: Line, path: tuple[str, ...]) -> Iterator[tuple[tuple[Line, ...], Line]]:
    for one in line.each(path[0]):
        if len(path) == 1:
            yield (*above, one), one
        else:
            yield from _sections((*above, one), one, path[1:])


def recognise(lines: Iterable[str]) -> Platform | None:
    """Return the platform whose marks are most frequent in *lines*; None when there are none."""
    counts = dict.fromkeys(PLATFORMS, 0)
    for line in lines:
        for platform, mark in _MARKS.items():
            counts[platform] += bool(mark.match(line))
    best = max(PLATFORMS, key=lambda one: counts[one])
    return best if counts[best] else None


def foreign(lines: Iterable[str]) -> str | None:
    """Return the system, none of the judged platforms, that *lines* are of; None when nothing says so."""
    return next((name for line in lines for name, mark in _FOREIGN.items() if mark.match(line)), None)


def parse(platform: Platform, lines: Iterable[str]) -> Configuration:
    """Return the tree of *lines*; whatever they are, it is one."""
    numbered = [(number, line[:LONGEST].rstrip()) for number, line in enumerate(lines, 1)]
    readers = {"mikrotik_routeros": _routeros, "fortinet": _fortios}
    return Configuration(platform, readers.get(platform, _indented)(numbered))


def _indented(lines: list[tuple[int, str]]) -> Line:
    """Read the syntax in which a deeper indentation is a section of the line above."""
    root = Line(0, "")
    open_sections: list[tuple[int, Line]] = [(-1, root)]
    ending: str | None = None
    for number, line in lines:
        if ending is not None:
            ending = None if ending in line else ending
            continue
        text = line.lstrip(" ")
        if not text or text[0] in "!#":
            continue
        depth = len(line) - len(text)
        while depth <= open_sections[-1][0] or len(open_sections) > DEEPEST:
            open_sections.pop()
        one = Line(number, text)
        open_sections[-1][1].below.append(one)
        open_sections.append((depth, one))
        banner = _BANNER.match(text)
        if banner and banner[1] not in text[banner.end() :]:
            ending = banner[1]
    return root


def _routeros(lines: list[tuple[int, str]]) -> Line:
    """Read ``/export``: a menu line, then commands of that menu; a backslash continues a line. All lines are flat."""
    root, menu, held, begun = Line(0, ""), "", "", 0
    for number, line in lines:
        held, begun = held + (line.lstrip() if held else line), begun or number
        if held.endswith("\\"):
            held = held[:-1]
            continue
        text, at = held.strip(), begun
        held, begun = "", 0
        if not text or text.startswith("#"):
            continue
        if text.startswith("/"):
            command = re.search(r" (?:add|set|remove|disable|enable)(?: |$)", text)
            menu = text[: command.start()] if command else text
            text = text[len(menu) :].strip()
            if not text:
                continue
        root.below.append(Line(at, f"{menu} {text}"))
    return root


def _fortios(lines: list[tuple[int, str]]) -> Line:
    """Read ``config … edit … next … end``; a quoted value may go over several lines, and is one."""
    root = Line(0, "")
    open_sections, quoted = [root], False
    for number, line in lines:
        text = line.strip()
        was, quoted = quoted, quoted ^ (len(re.findall(r'(?<!\\)"', text)) % 2 == 1)
        if was or not text or text.startswith("#"):
            continue
        word = text.split(maxsplit=1)[0]
        if word in {"end", "next"}:
            _close(open_sections, "config" if word == "end" else "edit")
            continue
        one = Line(number, text)
        open_sections[-1].below.append(one)
        if word in {"config", "edit"} and len(open_sections) <= DEEPEST:
            open_sections.append(one)
    return root


def _close(open_sections: list[Line], kind: str) -> None:
    """Leave the innermost section of *kind*; an ending without a beginning changes nothing."""
    depths = [at for at, one in enumerate(open_sections) if one.text.startswith(f"{kind} ")]
    if depths:
        del open_sections[depths[-1] :]
