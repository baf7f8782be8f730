"""Does a host answer SNMPv3 to a known name without authentication? Discovery and one GET (RFC 3414 §4), no password."""

from __future__ import annotations

import secrets

from audits.lan.door import Door
from audits.lan.looks.conversation import decided, silence
from audits.lan.snmp import elements, tlv
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_NAMES = ("public", "initial", "snmp", "admin", "monitor")
_SYSDESCR = bytes.fromhex("2b06010201010100")
_RESPONSE = 0xA2


def question(number: int, engine: bytes, boots: bytes, time: bytes, name: str, *, discover: bool = False) -> bytes:
    """Return a GetRequest for sysDescr.0 under *name*, without authentication or privacy."""
    binding = b"" if discover else tlv(0x30, tlv(0x06, _SYSDESCR) + tlv(0x05, b""))
    pdu = tlv(0xA0, tlv(2, number.to_bytes(4, "big")) + tlv(2, b"\0") + tlv(2, b"\0") + tlv(0x30, binding))
    head = tlv(0x30, tlv(2, number.to_bytes(4, "big")) + tlv(2, b"\0\xff\xe3") + tlv(4, b"\4") + tlv(2, b"\3"))
    security = tlv(0x30, tlv(4, engine) + tlv(2, boots) + tlv(2, time) + tlv(4, name.encode()) + tlv(4, b"") * 2)
    scoped = tlv(0x30, tlv(4, engine) + tlv(4, b"") + pdu)
    return tlv(0x30, tlv(2, b"\3") + head + tlv(4, security) + scoped)


def read(reply: bytes) -> tuple[tuple[bytes, bytes, bytes], int, bytes | None]:
    """Return (engine, boots, time), the kind of the answer and its value; ValueError when it is no such message."""
    ((_tag, message),) = elements(reply)
    _version, _head, (_octets, security), (kind, scoped) = elements(message)
    ((_sequence, parameters),) = elements(security)
    engine, boots, time, *_rest = (value for _one, value in elements(parameters))
    if kind != 0x30:
        raise ValueError("encrypted")
    _engine, _context, (pdu_kind, pdu) = elements(scoped)
    _number, (_status_tag, status), _index, (_list, bindings) = elements(pdu)
    ((_first, binding), *_others) = elements(bindings)
    _name, (value_kind, value) = elements(binding)
    return (engine, boots, time), pdu_kind, value if value_kind == 4 and not any(status) else None


async def snmp3(door: Door, ip: str, port: int) -> Facts:
    """Find the engine, then ask under a few names that many devices come with; a name without an answer is asked again."""
    asked = question(secrets.randbelow(1 << 30), b"", b"\0", b"\0", "", discover=True)
    reply = await door.udp(ip, port, asked)
    if reply is None:
        return silence()
    try:
        engine, _kind, _value = read(reply)
    except (ValueError, IndexError):
        return silence(reply)
    silent = False
    for name in _NAMES:
        kind, value = await _told(door, ip, port, engine, name)
        if kind == _RESPONSE and value is not None:
            return {"open": True, "user": name, "reply": untrusted(value)}
        silent = silent or kind is None
    return decided({}, open=None if silent else False)


async def _told(
    door: Door, ip: str, port: int, engine: tuple[bytes, bytes, bytes], name: str
) -> tuple[int | None, bytes | None]:
    """Return kind and value of the answer under *name*; no kind where none came, or none that can be read."""
    asked = question(secrets.randbelow(1 << 30), *engine, name)
    told = await door.udp(ip, port, asked) or await door.udp(ip, port, asked)
    try:
        _engine, kind, value = read(told or b"")
    except (ValueError, IndexError):
        return None, None
    return kind, value
