"""What a time server tells beyond the time: control messages (mode 6, RFC 9327) and lists of clients (mode 7)."""

from __future__ import annotations

from audits.lan.door import Door
from audits.lan.looks.conversation import silence
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_READ_VARIABLES = b"\x16\x02\x00\x01" + bytes(8)
_MONITOR_LIST = b"\x17\x00\x03\x2a" + bytes(44)
_TIME = b"\x23" + bytes(47)


async def ntp(door: Door, ip: str, port: int) -> Facts:
    """Ask for the time, for the server's variables, and for the list of its clients.

    A server that gives neither says nothing at all, which a lost datagram looks like: who told the time is asked again.
    """
    time = await door.udp(ip, port, _TIME)
    told = await door.udp(ip, port, _READ_VARIABLES)
    listed = await door.udp(ip, port, _MONITOR_LIST)
    if time or told or listed:
        told = told or await door.udp(ip, port, _READ_VARIABLES)
        listed = listed or await door.udp(ip, port, _MONITOR_LIST)
    told, listed = told or b"", listed or b""
    control = len(told) >= 12 and told[0] & 7 == 6 and bool(told[1] & 0x80) and not told[1] & 0x40
    monitor = len(listed) >= 8 and listed[0] & 0x87 == 0x87 and listed[3] == 0x2A and not listed[4] >> 4
    if not (time or told or listed):
        return silence()
    return {"control": control, "monitor": monitor, "reply": untrusted(told[12:80]) if control else ""}
