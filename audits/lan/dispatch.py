"""Which look is taken at which open port: by what it said first, by its number else; and the single datagrams."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from audits.lan import snmp, ssh, talks, tls
from audits.lan.door import Door
from audits.lan.ports import HTTP, HTTPS, TLS
from wizara.audit.orders import Facts

Look = Callable[[Door, str, int], Awaitable[Facts]]

#: look → the kind of observation it makes, where the two differ
KINDS = {"https": "http"}


def looks(port: int, heard: bytes) -> tuple[tuple[str, Look], ...]:
    """Return what to do on an open *port* that said *heard*."""
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


def datagrams() -> tuple[tuple[str, int, Look], ...]:
    """Return (name, UDP port, look) of every question that each living host is asked."""
    return tuple(("snmp", 161, partial(snmp.look, community=community)) for community in snmp.COMMUNITIES)
