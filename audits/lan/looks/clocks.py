"""What a time server tells beyond the time: control messages (mode 6, RFC 9327) and lists of clients (mode 7)."""

from __future__ import annotations

import asyncio
import time

from audits.lan.door import Door
from audits.lan.looks.conversation import decided, silence
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_READ_VARIABLES = b"\x16\x02\x00\x01" + bytes(8)
_MONITOR_LIST = b"\x17\x00\x03\x2a" + bytes(44)
_TIME = b"\x23" + bytes(47)
_SERVER = 4
#: Kisses of death that say why the time is not told (RFC 5905 §7.4): who sends one may leave other questions unanswered, too.
_KISSES = frozenset({b"RATE", b"DENY", b"RSTR"})
_VERSIONS = range(1, 5)
_HEADWAY = 2.5
"""Seconds between two questions for the time: many servers answer none that comes within two."""


async def ntp(door: Door, ip: str, port: int) -> Facts:
    """Ask for the time, for the server's variables, and for the list of its clients.

    A server that gives neither says nothing at all, which a lost datagram looks like: who told the time is asked again, and
    silence counts as a refusal only where the time is still told afterwards.
    """
    began = time.monotonic()
    tells = _tells_time(await door.udp(ip, port, _TIME))
    variables = await door.udp(ip, port, _READ_VARIABLES)
    control = _gives_control(variables)
    monitor = _gives_list(await door.udp(ip, port, _MONITOR_LIST))
    if not tells and control is None and monitor is None:
        return silence()
    if control is None:
        variables = await door.udp(ip, port, _READ_VARIABLES)
        control = _gives_control(variables)
    if monitor is None:
        monitor = _gives_list(await door.udp(ip, port, _MONITOR_LIST))
    if None in {control, monitor} and await _still_tells_time(door, ip, port, began):
        control, monitor = control or False, monitor or False
    return decided({"reply": untrusted((variables or b"")[12:80]) if control else ""}, control=control, monitor=monitor)


async def _still_tells_time(door: Door, ip: str, port: int, began: float) -> bool:
    """Ask for the time once more, not too soon after *began*; a lost datagram is sent again."""
    await asyncio.sleep(max(0.0, began + _HEADWAY - time.monotonic()))
    return _tells_time(await door.udp(ip, port, _TIME) or await door.udp(ip, port, _TIME))


def _tells_time(answer: bytes | None) -> bool:
    if not answer or len(answer) < len(_TIME):
        return False
    return answer[0] & 7 == _SERVER and answer[0] >> 3 & 7 in _VERSIONS and answer[12:16] not in _KISSES


def _gives_control(answer: bytes | None) -> bool | None:
    """Say whether the variables were given; None where *answer* is none to that question."""
    if not answer or len(answer) < 12 or answer[0] & 7 != 6 or not answer[1] & 0x80:
        return None
    return not answer[1] & 0x40


def _gives_list(answer: bytes | None) -> bool | None:
    """Say whether the list was given; None where *answer* is none to that question."""
    if not answer or len(answer) < 8 or answer[0] & 0x87 != 0x87 or answer[3] != _MONITOR_LIST[3]:
        return None
    return not answer[4] >> 4
