"""What an SSH server offers: its banner and the algorithm lists of its KEXINIT (RFC 4253 §7.1), without logging in."""

from __future__ import annotations

import struct

from audits.lan.door import Door
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_IDENT = b"SSH-2.0-wizara_audit\r\n"
_LISTS = ("kex", "host_key", "cipher", "cipher_back", "mac", "mac_back")


async def look(door: Door, ip: str, port: int) -> Facts:
    """Return banner and algorithms; ``answer: false`` when it is no SSH 2 server, with a reason where it may yet be one."""
    try:
        async with door.tcp(ip, port) as talk:
            await talk.say(_IDENT)
            heard = await talk.hear_until(lambda octets: split(octets) is not None)
    except (TimeoutError, OSError):
        return {"answer": False}
    parts = split(heard)
    if parts is None:
        silence: Facts = {"answer": False, "heard": untrusted(heard[:256])}
        return silence | ({"reason": "no-algorithms"} if b"SSH-" in heard else {})
    banner, payload = parts
    return {"banner": untrusted(banner), **algorithms(payload)}


def split(heard: bytes) -> tuple[bytes, bytes] | None:
    """Return (banner, KEXINIT payload) once *heard* holds both whole."""
    for index in range(20):  # RFC 4253 §4.2: other lines may come before the identification
        line, newline, rest = heard.partition(b"\n")
        if not newline or index == 19:
            return None
        if line.startswith(b"SSH-"):
            break
        heard = rest
    if len(rest) < 6:
        return None
    (length,) = struct.unpack_from("!I", rest)
    if not 18 <= length <= 35000 or len(rest) < 4 + length:
        return None
    payload = rest[5 : 4 + length - rest[4]]
    return (line.rstrip(b"\r"), payload) if payload[:1] == b"\x14" else None


def algorithms(payload: bytes) -> Facts:
    """Return the name lists of a KEXINIT *payload*."""
    out: Facts = {}
    at = 17
    for name in _LISTS:
        if at + 4 > len(payload):
            break
        (length,) = struct.unpack_from("!I", payload, at)
        names = payload[at + 4 : at + 4 + length].split(b",")
        out[name] = [untrusted(one) for one in names[:64] if one]
        at += 4 + length
    return {name: value for name, value in out.items() if not name.endswith("_back")}
