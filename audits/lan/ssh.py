"""What an SSH server offers: its banner and the algorithm lists of its KEXINIT (RFC 4253 §7.1), without logging in."""

from __future__ import annotations

import re
import struct

from audits.lan.door import Door
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_IDENT = b"SSH-2.0-wizara_audit\r\n"
_LISTS = ("kex", "host_key", "cipher", "cipher_back", "mac", "mac_back")
_NAMES = 256
"""Names of one list that are read: the longest lists of today hold forty."""
#: Names of algorithms are of visible ASCII, 64 letters at most (RFC 4251 §6).
_NAME = re.compile(rb"[!-~]{1,64}")


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
    """Return the name lists of a KEXINIT *payload*; one that is cut, empty, too long or holds what is no name is undecided."""
    out: Facts = {}
    undecided = []
    at = 17
    for name in _LISTS:
        length = int.from_bytes(payload[at : at + 4], "big")
        told, at = payload[at + 4 : at + 4 + length], at + 4 + length
        if name.endswith("_back"):
            continue
        parts = [one for one in told.split(b",") if one]
        names = [one for one in parts if _NAME.fullmatch(one)]
        out[name] = [untrusted(one) for one in names[:_NAMES]]
        if at > len(payload) or len(names) != len(parts) or not 0 < len(names) <= _NAMES:
            undecided.append(name)
    return out | ({"undecided": [*undecided]} if undecided else {})
