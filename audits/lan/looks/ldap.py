"""Does a directory answer strangers, and can it be asked under TLS? Anonymous bind and search of LDAP (RFC 4511)."""

from __future__ import annotations

from audits.lan.door import Door, Talk
from audits.lan.looks.conversation import converse, decided, silence
from audits.lan.snmp import elements, tlv
from audits.lan.tls import any_tls
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_BIND, _SEARCH, _EXTENDED = 0x60, 0x63, 0x77
_BIND_ANSWER, _ENTRY, _DONE, _EXTENDED_ANSWER = 0x61, 0x64, 0x65, 0x78
#: timeLimitExceeded, adminLimitExceeded, confidentialityRequired, busy, unavailable: nobody is refused, nothing shown (RFC 4511 A.2).
_LATER = frozenset({3, 11, 13, 51, 52})
_INTEGER, _ENUMERATED = 0x02, 0x0A
_STARTTLS = b"1.3.6.1.4.1.1466.20037"
_ANONYMOUS = tlv(0x02, b"\3") + tlv(0x04, b"") + tlv(0x80, b"")


def message(number: int, tag: int, content: bytes) -> bytes:
    """Return one LDAP message."""
    return tlv(0x30, tlv(0x02, bytes([number])) + tlv(tag, content))


def search(base: bytes, *attributes: bytes) -> bytes:
    """Return a search for the object at *base* itself, of one result and two seconds at most."""
    wanted = tlv(0x30, b"".join(tlv(0x04, one) for one in attributes))
    numbers = tlv(0x0A, b"\0") + tlv(0x0A, b"\0") + tlv(0x02, b"\1") + tlv(0x02, b"\2") + tlv(0x01, b"\0")
    return tlv(0x04, base) + numbers + tlv(0x87, b"objectClass") + wanted


def answers(heard: bytes) -> list[tuple[int, bytes]]:
    """Return (tag, content) of the whole messages in *heard*; what is no LDAP gives none."""
    found: list[tuple[int, bytes]] = []
    while heard[:1] == b"\x30" and len(heard) > 2:
        size, at = heard[1], 2
        if size & 0x80:
            count = size & 0x7F
            size, at = int.from_bytes(heard[2 : 2 + count], "big"), 2 + count
        if len(heard) < at + size:
            break
        try:
            (kind, _number), (tag, content), *_controls = elements(heard[at : at + size])
        except ValueError:
            break
        if kind != _INTEGER:
            break
        found.append((tag, content))
        heard = heard[at + size :]
    return found


def _settled(found: list[tuple[int, bytes]]) -> bool:
    """Say whether a search came to its end, and not to 'later'."""
    code = _code(found, _DONE)
    return code is not None and code not in _LATER


async def _ask(talk: Talk, number: int, tag: int, content: bytes, last: int) -> list[tuple[int, bytes]]:
    await talk.say(message(number, tag, content))
    heard = await talk.hear_until(lambda octets: any(one == last for one, _rest in answers(octets)), 65536)
    return answers(heard)


def _code(found: list[tuple[int, bytes]], tag: int) -> int | None:
    """Return the result code of the answer *tag*."""
    for one, content in found:
        if one == tag:
            try:
                (kind, code), *_others = elements(content)
            except ValueError:
                return None
            return int.from_bytes(code, "big") if kind == _ENUMERATED else None
    return None


def contexts(found: list[tuple[int, bytes]]) -> list[bytes]:
    """Return the naming contexts that the root entry tells."""
    for tag, content in found:
        if tag == _ENTRY:
            try:
                _name, (_tag, attributes) = elements(content)
                values = [value for _one, attribute in elements(attributes) for value in elements(attribute)[1:]]
                return [context for _set, inner in values for _octets, context in elements(inner)]
            except ValueError:
                return []
    return []


async def ldap(door: Door, ip: str, port: int) -> Facts:
    """Bind as nobody, read the root entry and then the first of the directory's own.

    Where the connection began in clear, TLS is asked for on another one, and the same again inside it where strangers were
    not let in: what is answered there decides.
    """
    facts = await converse(door, ip, port, _look_around)
    if facts.get("answer") is False or door.inside:
        return facts

    async def encrypt(talk: Talk) -> Facts:
        code = _code(await _ask(talk, 1, _EXTENDED, tlv(0x80, _STARTTLS), _EXTENDED_ANSWER), _EXTENDED_ANSWER)
        told = decided(facts, starttls=None if code is None else code == 0)
        if code != 0 or facts.get("open"):
            return told
        inside = await _look_around(talk) if await talk.encrypt(any_tls()) else silence()
        found = inside.get("open")
        return decided(told | inside if found else told, open=found if isinstance(found, bool) else None)

    told = await converse(door, ip, port, encrypt)
    return decided(facts, starttls=None) if told.get("answer") is False else told


async def _look_around(talk: Talk) -> Facts:
    bound = await _ask(talk, 1, _BIND, _ANONYMOUS, _BIND_ANSWER)
    code = _code(bound, _BIND_ANSWER)
    if code is None:
        return silence()
    root = await _ask(talk, 2, _SEARCH, search(b"", b"namingContexts"), _DONE)
    known = code not in _LATER and _settled(root)
    for number, context in enumerate(contexts(root)[:4] if root else [], 3):
        entries = await _ask(talk, number, _SEARCH, search(context, b"1.1"), _DONE)
        if any(tag == _ENTRY for tag, _content in entries):
            return {"bind": code, "open": True, "reply": untrusted(context)}
        known = known and _settled(entries)
    return decided({"bind": code}, open=False if known else None)
