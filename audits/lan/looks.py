"""What is said to a service that was found: by its words first, by its number else; and what every living host is asked by UDP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from audits.lan import snmp, ssh, talks, tls
from audits.lan.door import Door
from audits.lan.ports import HTTP, HTTPS, TLS
from wizara.audit.orders import Facts

#: A look: through the door, at a port of an address; it returns what it saw.
Look = Callable[[Door, str, int], Awaitable[Facts]]


#: look → the kind of observation it makes
KINDS = {
    "ssh": "ssh", "tls": "tls", "http": "http", "https": "http", "ftp": "ftp", "smtp": "smtp", "redis": "redis",
    "telnet": "telnet", "mqtt": "mqtt", "memcached": "memcached", "snmp": "snmp",
}  # fmt: skip


def looks(port: int, heard: bytes) -> tuple[tuple[str, Look], ...]:
    """Return what to do on an open TCP *port* that said *heard*: by its words first, by its number else."""
    if heard.startswith(b"SSH-"):
        return (("ssh", ssh.look),)
    if heard[:1] == b"\xff" and heard[1:2] in {b"\xfb", b"\xfc", b"\xfd", b"\xfe"}:
        return (("telnet", talks.telnet),)
    if heard.startswith(b"220"):
        mail = port in {25, 465, 587, 2525} or b"SMTP" in heard.upper()
        return (("smtp", talks.smtp),) if mail else (("ftp", talks.ftp),)
    if port in talks.LOOKS:
        return (talks.LOOKS[port],)
    table: list[tuple[str, Look, frozenset[int]]] = [
        ("tls", tls.look, TLS),
        ("https", talks.https, HTTPS),
        ("http", talks.http, HTTP),
    ]
    return tuple((name, look) for name, look, ports in table if port in ports)


def datagram_looks() -> tuple[tuple[str, int, Look], ...]:
    """Return what every living host is asked by UDP: the look's name, its port and the look."""
    return tuple(("snmp", 161, partial(_community, community)) for community in snmp.COMMUNITIES)


async def _community(community: str, door: Door, ip: str, _port: int) -> Facts:
    return await snmp.look(door, ip, community)
