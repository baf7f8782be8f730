"""Which TLS versions a service still speaks, by raw ClientHellos (RFC 5246, 8446), and the certificate it shows."""

from __future__ import annotations

import base64
import os
import ssl
import struct

from audits.lan.door import Door
from wizara.audit.orders import Facts

VERSIONS = {"SSLv3": 0x0300, "TLSv1.0": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303, "TLSv1.3": 0x0304}
_TLS13 = 0x0304
_RECORD = 1 << 14
"""Bytes that a record may hold (RFC 8446 §5.1)."""
#: Suites wide enough that any server of the last twenty years shares one with us.
_SUITES = (
    0x1301, 0x1302, 0x1303, 0xC02C, 0xC030, 0xC02B, 0xC02F, 0xCCA9, 0xCCA8, 0xC024, 0xC028, 0xC023, 0xC027, 0xC00A,
    0xC014,
    0xC009, 0xC013, 0xC012, 0x009D, 0x009C, 0x003D, 0x003C, 0x0035, 0x002F, 0x000A, 0x0005, 0x0004, 0x0033, 0x0039,
    0x0016,
    0x0032, 0x0038, 0x0013, 0x009E, 0x009F, 0x0067, 0x006B,
)  # fmt: skip
#: Suites that protect nothing any more, by what is wrong with them (RFC 7465, 8996 and 9325 forbid them all).
WEAK: dict[str, tuple[int, ...]] = {
    "NULL": (0x0001, 0x0002, 0x003B, 0xC001, 0xC006, 0xC00B, 0xC010, 0xC015),
    "EXPORT": (0x0003, 0x0006, 0x0008, 0x000B, 0x000E, 0x0011, 0x0014, 0x0017, 0x0019, 0x0062, 0x0064),
    "anonymous": (
        0x0018,
        0x001A,
        0x001B,
        0x0034,
        0x003A,
        0x006C,
        0x006D,
        0x00A6,
        0x00A7,
        0xC016,
        0xC017,
        0xC018,
        0xC019,
    ),
    "RC4": (0x0004, 0x0005, 0xC002, 0xC007, 0xC00C, 0xC011),
    "DES": (0x0009, 0x000C, 0x000F, 0x0012, 0x0015),
    "3DES": (0x000A, 0x000D, 0x0010, 0x0013, 0x0016, 0xC003, 0xC008, 0xC00D, 0xC012),
}
#: The order in which they are asked for: what most servers speak, first.
_ASKED = ("TLSv1.2", "TLSv1.3", "TLSv1.0", "TLSv1.1", "SSLv3")
_DOUBLE = 2
"""Time-outs that the first hello, and any to a server that has answered one, is waited for: small devices compute long."""
_GROUPS = (0x001D, 0x0017, 0x0018, 0x0019)
_SIGNATURES = (0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0201, 0x0203, 0x0202)


#: What is offered to learn a version: a server may have nothing but what is weak.
_ALL = tuple(dict.fromkeys((*_SUITES, *(suite for suites in WEAK.values() for suite in suites))))


def client_hello(version: int, offered: tuple[int, ...] = _ALL) -> bytes:
    """Return a record with a ClientHello that offers exactly *version*, with those of the *offered* suites that belong to it."""
    suites = [suite for suite in offered if (suite >> 8 == 0x13) == (version == _TLS13)]
    legacy = min(version, 0x0303)
    body = struct.pack("!H", legacy) + os.urandom(32) + b"\x20" + os.urandom(32)
    body += _vector16(b"".join(struct.pack("!H", suite) for suite in (*suites, 0x00FF))) + b"\x01\x00"
    if version > VERSIONS["SSLv3"]:
        body += _vector16(_extensions(version))
    message = b"\x01" + struct.pack("!I", len(body))[1:] + body
    return b"\x16" + struct.pack("!H", min(legacy, 0x0301)) + _vector16(message)


def _extensions(version: int) -> bytes:
    out = _extension(10, _vector16(b"".join(struct.pack("!H", group) for group in _GROUPS))) + _extension(
        11, b"\x01\x00"
    )
    if version >= VERSIONS["TLSv1.2"]:
        out += _extension(13, _vector16(b"".join(struct.pack("!H", one) for one in _SIGNATURES)))
    if version == _TLS13:
        share = struct.pack("!H", _GROUPS[0]) + _vector16(os.urandom(32))
        out += _extension(43, b"\x02" + struct.pack("!H", _TLS13)) + _extension(51, _vector16(share))
    return out


def _extension(kind: int, content: bytes) -> bytes:
    return struct.pack("!H", kind) + _vector16(content)


def _vector16(content: bytes) -> bytes:
    return struct.pack("!H", len(content)) + content


def chosen_version(answer: bytes) -> int | None:
    """Return the version of the ServerHello in *answer*; None for an alert, a fragment or anything else."""
    if len(answer) < 44 or answer[0] != 0x16 or answer[5] != 0x02:
        return None
    (version,) = struct.unpack_from("!H", answer, 9)
    at = 43 + 1 + answer[43] + 3
    if version == 0x0303 and len(answer) >= at + 2:
        (length,) = struct.unpack_from("!H", answer, at)
        version = _negotiated(answer[at + 2 : at + 2 + length]) or version
    return int(version)


def chosen_suite(answer: bytes) -> int | None:
    """Return the suite of the ServerHello in *answer*; None for anything else."""
    if chosen_version(answer) is None or len(answer) < 46 + answer[43]:
        return None
    return int(struct.unpack_from("!H", answer, 44 + answer[43])[0])


def _negotiated(extensions: bytes) -> int | None:
    while len(extensions) >= 4:
        kind, length = struct.unpack_from("!HH", extensions)
        if kind == 43 and length == 2 and len(extensions) >= 6:
            return int(struct.unpack_from("!H", extensions, 4)[0])
        extensions = extensions[4 + length :]
    return None


async def look(door: Door, ip: str, port: int) -> Facts:
    """Return the versions spoken on *port* and the certificate shown there (base64); ``answer: false`` when it is no TLS.

    Silence refuses nothing: the versions and suites whose hello was met by it are told beside those that are spoken.
    """
    told = await _versions(door, ip, port)
    spoken = [name for name in VERSIONS if told[name]]
    if not spoken:
        return {"answer": False}
    der = await _certificate(door, ip, port)
    silent = [name for name in VERSIONS if told[name] is None]
    classic = [name for name in spoken if VERSIONS[name] != _TLS13]
    if classic:
        takes = {name: await _takes(door, ip, port, classic[-1], suites) for name, suites in WEAK.items()}
    else:
        takes = dict.fromkeys(WEAK, None if {*silent} - {"TLSv1.3"} else False)
    weak, unheard = ([name for name, taken in takes.items() if taken is answer] for answer in (True, None))
    facts: Facts = {
        "versions": [*spoken],
        "weak": [*weak],
        "certificate": base64.b64encode(der).decode() if der else None,
    }
    return facts | ({"silent_versions": [*silent], "silent_suites": [*unheard]} if silent or unheard else {})


async def _versions(door: Door, ip: str, port: int) -> dict[str, bool | None]:
    """Return of each version whether it is spoken; None where the server was silent."""
    told: dict[str, bool | None] = {}
    for name in _ASKED:
        patient = not told or any(answer is not None for answer in told.values())
        heard, decides = await _heard(door, ip, port, client_hello(VERSIONS[name]), _DOUBLE if patient else 1)
        told[name] = chosen_version(heard) == VERSIONS[name] if decides else None
    return told


async def look_where_spoken(door: Door, ip: str, port: int) -> Facts:
    """Do as :func:`look` at a port where another service is as likely: one hello, and the rest where TLS answers it."""
    return await look(door, ip, port) if await spoken(door, ip, port) else {"answer": False}


async def spoken(door: Door, ip: str, port: int) -> bool:
    """Say whether *port* answers a ClientHello with a record of TLS, be it an alert (RFC 8446 §5.1)."""
    answer, _decides = await _heard(door, ip, port, client_hello(VERSIONS["TLSv1.2"]))
    kind, size = answer[5:6], int.from_bytes(answer[3:5], "big")
    refuses = answer[:1] == b"\x15" and (size, len(answer)) == (2, 7) and kind in {b"\1", b"\2"}
    greets = answer[:1] == b"\x16" and 4 <= size <= _RECORD and kind == b"\2"
    return (refuses or greets) and answer[1] == 0x03 and answer[2] <= 0x04


async def _takes(door: Door, ip: str, port: int, version: str, suites: tuple[int, ...]) -> bool | None:
    """Say whether the server chooses one of *suites* when it is offered no other; None when it is silent."""
    heard, decides = await _heard(door, ip, port, client_hello(VERSIONS[version], suites), _DOUBLE)
    return chosen_suite(heard) in suites if decides else None


async def _heard(door: Door, ip: str, port: int, hello: bytes, timeouts: int = 1) -> tuple[bytes, bool]:
    """Return what is answered to *hello*, and whether that decides: a whole record of TLS, or the end of the connection."""
    try:
        async with door.tcp(ip, port) as talk:
            await talk.say(hello)
            heard = await talk.hear(_RECORD, seconds=timeouts * door.pace.timeout)
            heard += await talk.hear_until(lambda more: _whole(heard + more)) if heard else b""
            return heard, (heard[:1] in {b"\x15", b"\x16"} and _whole(heard)) or talk.ended
    except (TimeoutError, OSError):
        return b"", False


def _whole(heard: bytes) -> bool:
    return len(heard) >= 5 and (heard[0] not in {0x15, 0x16} or len(heard) >= 5 + int.from_bytes(heard[3:5], "big"))


async def _certificate(door: Door, ip: str, port: int) -> bytes | None:
    try:
        async with door.tcp(ip, port, tls=any_tls()) as talk:
            return talk.certificate
    except (TimeoutError, OSError):
        return None


def any_tls() -> ssl.SSLContext:
    """Return a context that speaks with the worst servers: it looks at certificates, it never trusts one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.options |= getattr(ssl, "OP_LEGACY_SERVER_CONNECT", 0x4)
    return context
