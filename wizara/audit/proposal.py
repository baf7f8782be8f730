"""Drafts the file of a site from what was found on its networks, for a person to read, mend and keep."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from wizara.audit.facts import LanFacts
from wizara.audit.observation import Seen
from wizara.text import _

System = Callable[[Seen, str], str | None]
"""What a machine says that it runs, for what the inventory has a name."""
DEVICES = ("cisco_ios", "huawei_vrp", "mikrotik_routeros", "fortinet")
_SYSTEMS = ("debian", "ubuntu", "linux", "windows", "macos", "freebsd", "embedded")
_KEY = re.compile(r"^(hosts|devices):[ \t]*(\{\}[ \t]*)?(?:#.*)?$", re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """A machine that nobody declared."""

    ip: str
    mac: str | None
    ports: tuple[int, ...]
    system: str | None
    said: str
    """One line of what it says of itself, for the comment."""

    @property
    def name(self) -> str:
        """The name it gets until a person gives it its own."""
        return f"found-{self.ip.replace('.', '-')}"

    @property
    def is_device(self) -> bool:
        """True for a switch, router or firewall that wizara can read."""
        return self.system in DEVICES


def undeclared(seen: Seen, facts: LanFacts, ips: Iterable[str], system: System) -> list[Found]:
    """Return the machines at *ips* that are not in *facts*."""
    out = []
    for ip in ips:
        mac = next((one.target.mac for one in seen.answered("host", ip=ip) if one.target.mac), None)
        if facts.at(ip) or facts.with_mac(mac) or not any(IPv4Address(ip) in network for network in facts.networks):
            continue
        said = next((one.text(key) for one in seen.answered("ssh", "snmp", "banner", "http", ip=ip)
                     for key in ("banner", "description", "text", "server") if one.text(key)), "")  # fmt: skip
        out.append(Found(ip, mac, tuple(sorted(seen.open_ports(ip))), system(seen, ip), said))
    return out


def draft(existing: str | None, facts: LanFacts, lans: dict[str, IPv4Network], found: list[Found]) -> str:
    """Return the text of the site's file: the *existing* one with what was *found* added, or a new one."""
    text = existing if existing is not None else _new(lans)
    for key, chosen in (
        ("devices", [one for one in found if one.is_device]),
        ("hosts", [one for one in found if not one.is_device]),
    ):
        if chosen:
            text = _added(text, key, "".join(f"{line}\n" for one in chosen for line in _entry(one, lans)))
    note = _("Drafted by wizara audit from what answered on {moment}; read each line marked found- before you keep it.")
    return f"# {note.format(moment=facts.moment)}\n{text}"


def _new(lans: dict[str, IPv4Network]) -> str:
    lines = [
        "title:", f"  fr: {_('to be named')}", f"kind: headquarters  # {_('or institution')}", "", "lans:",
        *(f"  {name}: {{network: {network}, purpose: office}}" for name, network in lans.items()), "", "hosts:", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _added(text: str, key: str, entries: str) -> str:
    """Return *text* with *entries* below *key*, after those that are there."""
    head = next((match for match in _KEY.finditer(text) if match[1] == key), None)
    if head is None:
        return f"{text.rstrip()}\n\n{key}:\n{entries}"
    start = head.end() + 1
    line = text[head.start() : head.end()].replace("{}", "").rstrip()
    body = re.match(r"(?:(?:[ \t]+\S.*|[ \t]*#.*|[ \t]*)(?:\n|$))*", text[start:])
    inside = (body[0] if body else "").rstrip("\n")
    rest = text[start + len(inside) :].lstrip("\n")
    kept = f"{inside}\n" if inside.strip() else ""
    return f"{text[: head.start()]}{line}\n{kept}{entries}" + (f"\n{rest}" if rest else "")


def _entry(one: Found, lans: dict[str, IPv4Network]) -> Iterator[str]:
    """Yield a comment of what was seen, and the declaration; values are of closed forms, texts stand in the comment only."""
    lan = next(name for name, network in lans.items() if IPv4Address(one.ip) in network)
    if one.said:
        yield f"  # {_comment(one.said)}"
    parts = [f"lan: {lan}", f"address: {one.ip}"]
    parts += [f'mac: "{one.mac}"'] if one.mac and re.fullmatch(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", one.mac) else []
    if one.is_device:
        parts.append(f"platform: {one.system}")
    else:
        parts += ["role: printer"] if 631 in one.ports else []
        parts += [f"os: {one.system}"] if one.system in _SYSTEMS else []
    parts += [f"services: [{', '.join(f'tcp/{port}' for port in one.ports)}]"] if one.ports else []
    yield f"  {one.name}: {{{', '.join(parts)}}}"


def _comment(said: str) -> str:
    """Return *said* as the text of a comment: printable, of one line."""
    return "".join(character if character.isprintable() else "?" for character in said)[:120]
