"""What services say, first and to what they hear: of the languages that the audit speaks, of others, and of none."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from wizara.audit.facts import LanFacts
from wizara.audit.job import Job, Pace
from wizara.audit.mandate import Mandate
from wizara.tree import load

door, snmp = load("audits.lan.door"), load("audits.lan.snmp")
MANDATE = Mandate.model_validate(
    {"commissioner": "t", "reference": "t", "date": "2026-01-01", "perimeter": ["127.0.0.0/8"], "from": "2020-01-01", "to": "2099-01-01",
     "hours": ["00:00-24:00"], "operators": ["t"], "contact": "t"}
)  # fmt: skip
Serve = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Service:
    """What it says unasked, after so many seconds; to what it hears, by the first key that is in it; to anything else; and whether it hangs up then."""

    first: bytes = b""
    answers: dict[bytes, bytes | Serve] = field(default_factory=dict)
    other: bytes = b""
    after: float = 0.0
    closes: bool = False

    def said(self, heard: bytes) -> bytes:
        """Return the answer to *heard*."""
        answer = next((answer for key, answer in self.answers.items() if key in heard), self.other)
        return answer(heard) if callable(answer) else answer


class Talk:
    """A connection to a :class:`Service`, without a network and without waiting."""

    def __init__(self, service: Service, timeout: float) -> None:
        self.service, self._timeout, self._left, self._greeted = service, timeout, b"", False

    def _wait(self, seconds: float) -> None:
        if not self._greeted and seconds >= self.service.after:
            self._greeted, self._left = True, self.service.first + self._left

    async def hear(self, limit: int = 8192, seconds: float | None = None) -> bytes:
        self._wait(seconds or self._timeout)
        heard, self._left = self._left[:limit], self._left[limit:]
        return heard

    async def hear_until(self, ending: Callable[[bytes], bool], limit: int = 65536) -> bytes:
        heard = b""
        while len(heard) < limit and not ending(heard) and (more := await self.hear(limit - len(heard))):
            heard += more
        return heard

    async def say(self, octets: bytes) -> None:
        self._wait(0.0)
        self._left += self.service.said(octets)

    async def encrypt(self, _tls: object) -> bool:
        return False

    @property
    def ended(self) -> bool:
        return self.service.closes and not self._left


class Door(door.Door):  # type: ignore[misc, name-defined]
    """A door behind which stands one service, whatever the port; it speaks no TLS of itself."""

    def __init__(self, service: Service) -> None:
        super().__init__(Job(run="r", facts=LanFacts(), mandate=MANDATE, pace=Pace(timeout=1.5)).orders())
        self.service, self.opened = service, 0

    async def udp(self, _ip: str, _port: int, question: bytes) -> bytes | None:
        return self.service.said(question) or None

    async def udp_from_any_port(self, ip: str, port: int, question: bytes, _farewell: bytes) -> bytes | None:
        return await self.udp(ip, port, question)

    @asynccontextmanager
    async def tcp(self, _ip: str, _port: int, tls: Any = None) -> AsyncIterator[Talk]:
        if tls or self.inside:
            raise ConnectionResetError
        self.opened += 1
        yield Talk(self.service, self.pace.timeout)


def packet(number: int, body: bytes) -> bytes:
    return len(body).to_bytes(3, "little") + bytes([number]) + body


def error(state: bytes, text: bytes = b"no") -> bytes:
    """An error of PostgreSQL."""
    fields = b"SFATAL\0VFATAL\0C" + state + b"\0M" + text + b"\0\0"
    return b"E" + struct.pack("!I", len(fields) + 4) + fields


def message(number: int, tag: int, code: int = 0) -> bytes:
    """A message of a directory that ends a request with *code*."""
    tlv = snmp.tlv
    told: bytes = tlv(0x30, tlv(2, bytes([number])) + tlv(tag, tlv(0x0A, bytes([code])) + tlv(4, b"") + tlv(4, b"")))
    return told


def _rpc(heard: bytes) -> bytes:
    body = heard[4:8] + struct.pack("!5I", 1, 0, 0, 0, 0) + struct.pack("!6I", 1, 100000, 2, 6, 111, 0)
    return struct.pack("!I", 0x80000000 | len(body)) + body


def _same(heard: bytes) -> bytes:
    return heard


def smb2(heard: bytes) -> bytes:
    """The answer to a negotiation of SMB 2: dialect 2.0.2, signatures required."""
    head = heard[4:16] + struct.pack("<HHI", 0, 1, 1) + heard[24:68]
    return struct.pack("!I", 64 + 65) + head + struct.pack("<HHHH", 65, 2, 0x0202, 0) + bytes(57)


_LISTS = b"".join(struct.pack("!I", 1) + b"x" for _list in range(10)) + bytes(5)
_KEXINIT = b"\x14" + bytes(16) + _LISTS
KEXINIT = struct.pack("!IB", len(_KEXINIT) + 5, 4) + _KEXINIT + bytes(4)
_LINE = bytes(range(33, 105))
CHARGEN = b"".join((_LINE * 2)[turn : turn + 72] + b"\r\n" for turn in range(6))
BAD_REQUEST = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html>Bad request</html>\r\n"
)
MYSQL = packet(0, b"\x0a10.11.1-MariaDB\0" + b"\1\0\0\0" + b"saltsalt" + b"\0" + bytes(40))
MONGO = struct.pack("<4i", 16 + 5 + 17, 1, 7, 2013) + bytes(5) + b"\x01ok\0" + struct.pack("<d", 1) + bytes(5)
PRELOGIN = b"\4\1\0\x1a\0\0\1\0" + b"\0\0\x0b\0\6" + b"\1\0\x11\0\1" + b"\xff" + bytes(6) + b"\2"
SSL_REQUEST, STARTUP = b"\x04\xd2\x16\x2f", b"\0\3\0\0user\0"
TRUST = b"R\0\0\0\x08\0\0\0\0"

#: The name of the look that knows it → the service.
SPOKEN: dict[str, Service] = {
    "ssh": Service(b"SSH-2.0-OpenSSH_9.2\r\n", {b"SSH-2.0": KEXINIT}, b"Invalid SSH identification string.\r\n"),
    "telnet": Service(b"\xff\xfd\x18\xff\xfb\x01\r\nsw login: ", {}, b"\r\nPassword: "),
    "ftp": Service(b"220 files\r\n", {b"USER": b"530 no\r\n"}, b"500 Unknown command.\r\n"),
    "smtp": Service(b"220 mx ESMTP\r\n", {b"EHLO": b"250 mx\r\n", b"MAIL": b"550 no\r\n"}, b"502 5.5.2 Error: command not recognized\r\n"),
    "pop3": Service(b"+OK ready\r\n", {b"CAPA": b"+OK\r\nSTLS\r\n.\r\n"}, b"-ERR unknown command\r\n"),
    "imap": Service(b"* OK ready\r\n", {b"a CAPABILITY": b"* CAPABILITY IMAP4rev1\r\na OK\r\n"}, b"* BAD Error in IMAP command\r\n"),
    "rsync": Service(b"@RSYNCD: 31.0\n", {b"31.0\n\n": b"x\ty\n@RSYNCD: EXIT\n"}, b"@ERROR: protocol startup error\n"),
    "vnc": Service(b"RFB 003.008\n", {b"RFB": b"\1\2"}),
    "mysql": Service(MYSQL, {}, packet(1, b"\xff\x13\x04#08S01Bad handshake")),
    "http": Service(b"", {b"HTTP/1.1": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<title>x</title>"}, BAD_REQUEST),
    "redis": Service(b"", {b"PING": b"+PONG\r\n", b"GET /": b""}, b"-ERR unknown command 'x', with args beginning with: \r\n"),
    "memcached": Service(b"", {b"version\r\n": b"VERSION 1.6.18\r\n"}, b"ERROR\r\n"),
    "postgres": Service(b"", {SSL_REQUEST: b"N", STARTUP: TRUST}, error(b"08P01", b"invalid startup packet")),
    "mongodb": Service(b"", {b"listDatabases": MONGO}),
    "mqtt": Service(b"", {b"MQTT": b"\x20\2\0\0"}),
    "ldap": Service(b"", {b"\x60\x07": message(1, 0x61), b"\x63": message(2, 0x65, 32)}, message(0, 0x78, 2)),
    "socks": Service(b"", {b"\x05\x01\x00": b"\x05\x00"}, b"\x05\xff"),
    "rtsp": Service(b"", {b"RTSP/1.0": b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"}, b"RTSP/1.0 400 Bad Request\r\n\r\n"),
    "x11": Service(b"", {b"l\0\x0b": b"\0\x0c\x0b\0\0\0\3\0No protocol\n"}),
    "tds": Service(b"", {b"\x12\1": PRELOGIN}),
    "smb": Service(b"", {b"\xfeSMB": smb2}),
    "rpc": Service(b"", {b"\0\1\x86\xa0": _rpc}),
    "finger": Service(b"", {b"": b"Login     Name\r\nawa       Awa Diop\r\n"}, closes=True),
    "echo": Service(b"", {b"": _same}),
    "chargen": Service(CHARGEN),
    "rlogin": Service(b"", {b"": b"\x01rlogind: Permission denied.\r\n"}),
    "rsh": Service(b"", {b"": b"\x01Permission denied.\n"}),
    "smart_install": Service(b"", {struct.pack("!3I", 1, 1, 4): struct.pack("!6I", 4, 0, 3, 8, 1, 0)}),
    "winbox": Service(b"", {b"audit\0": bytes([49, 6]) + bytes(range(49))}),
    "routeros": Service(b"", {b"\x06/audit": b"\x05!trap\x16=message=no such command\0"}, b"\x06!fatal\x0dnot logged in\0"),
}  # fmt: skip


def _snmp(heard: bytes) -> bytes:
    """The answer to a GetRequest of version 2c: the same message, of another kind, with a text."""
    ((_tag, asked),) = snmp.elements(heard)
    version, community, (_kind, pdu) = snmp.elements(asked)
    number, _status, _index, _bindings = snmp.elements(pdu)
    tlv = snmp.tlv
    bound = tlv(0x30, tlv(0x30, tlv(6, bytes.fromhex("2b06010201010100")) + tlv(4, b"switch")))
    answer = tlv(0xA2, tlv(*number) + tlv(2, b"\0") + tlv(2, b"\0") + bound)
    told: bytes = tlv(0x30, tlv(*version) + tlv(*community) + answer)
    return told


def _dns(heard: bytes) -> bytes:
    return heard[:2] + b"\x81\x80\0\1\0\0\0\0\0\0" + heard[12:]


def _netbios(heard: bytes) -> bytes:
    entry = b"AWA".ljust(15) + b"\0\4\0"
    head = heard[:2] + b"\x84\0\0\0\0\1\0\0\0\0" + heard[12:46] + b"\0\x21\0\1\0\0\0\0"
    return head + (len(entry) + 47).to_bytes(2, "big") + b"\1" + entry + bytes(46)


_RMCP = b"\x06\0\xff\x07"
#: The same by datagrams.
DATAGRAMS: dict[str, Service] = {
    "snmp": Service(b"", {b"public": _snmp}),
    "echo_udp": Service(b"", {b"": _same}),
    "dns": Service(b"", {b"\1\0\0\1": _dns}),
    "tftp": Service(b"", {b"octet": b"\0\5\0\1File not found\0"}, b"\0\5\0\4Illegal operation\0"),
    "ntp": Service(b"", {b"\x23" + bytes(40): b"\x24\2" + bytes(46)}),
    "netbios": Service(b"", {b" CKAAAA": _netbios}),
    "ipmi": Service(
        b"",
        {
            _RMCP + bytes(9): _RMCP + bytes(9) + b"\x10\x81\x1c\x63\x20\0\x38\0\1\x80\x04" + bytes(5),
            _RMCP + b"\6\x10": _RMCP + b"\6\x11" + bytes(12),
        },
    ),
    "memcached_udp": Service(b"", {b"version\r\n": lambda heard: heard[:8] + b"VERSION 1.6.18\r\n"}),
}
#: Of one family: one answers as the other does.
SAME = {"rlogin": {"rsh"}, "rsh": {"rlogin"}, "nfs": {"rpc"}}
#: Services of which the audit knows nothing, and words of none.
UNSPOKEN: dict[str, Service] = {
    "sip": Service(b"", {}, b"SIP/2.0 400 Bad Request\r\n\r\n", closes=True),
    "xmpp": Service(b"", {}, b"<?xml version='1.0'?><stream:error><not-well-formed/></stream:error>", closes=True),
    "amqp": Service(b"", {}, b"AMQP\0\0\x09\x01"),
    "nntp": Service(b"200 news ready\r\n", {}, b"500 What?\r\n", closes=True),
    "irc": Service(b":srv NOTICE * :*** Looking up your hostname\r\n", {}, b"ERROR :Closing Link\r\n", closes=True),
    "oracle": Service(b"", {}, struct.pack("!HHBBH", 61, 0, 4, 0, 0) + b'"\0\0005(DESCRIPTION=(ERR=1153)(VSNNUM=0)(ERROR_STACK=))'),
    "icecast": Service(b"", {}, b"ICY 400 Server Full\r\n\r\n"),
    "gearman": Service(b"", {}, b"ERR UNKNOWN_COMMAND Unknown+server+command\r\n", closes=True),
    "beanstalk": Service(b"", {}, b"UNKNOWN_COMMAND\r\n", closes=True),
    "zabbix": Service(b"", {}, b"ZBXD\1\x0c\0\0\0\0\0\0\0ZBX_NOTSUPP"),
    "clamd": Service(b"", {b"PING": b"PONG\n"}, b"UNKNOWN COMMAND\n", closes=True),
    "java": Service(b"", {}, b"\xac\xed\0\5"),
    "rpc of windows": Service(b"", {}, b"\5\0\x0d\3\x10\0\0\0\x18\0\0\0\1\0\0\0\x04\0\0\0\0\0\0\0"),
    **{
        f"junk {number}": Service(b"", {}, said)
        for number, said in enumerate((
            b"ERROR", b"ERROR\r\n", b"ERROR unknown command\r\n", b" hello there", b" hello there\r\n", b"hello there\r\n", b"E", b"Error\0\0",
            b"SORRY\r\n", b"S\r\n", b"NO\r\n", b"N\n", b"R\0\0\0\x08", b"-ERR\r\n", b"-ERR what\r\n", b"+PONGO\r\n", b"+FINE\r\n", b"VERSION\r\n",
            b"VERSION unknown\r\n", b"\x20", b"\x20\2\0\x20", b"\x20\2\0\0\0", b"\x20\2\2\0", b"\5\0\0", b"\5", b"\4\1\0\x08\0\0\1\0", b"\4\0\0\x1a" + bytes(22),
            b"\x15\x03\x01\x00\x02", b"\x16\x03\x01\x00\x05hello", b"\x15\x03\x63\0\2\2\x28", b"\1", b"\0" * 64, b"\xff" * 64, b"\x30\x0c\4\1\1\x61\7\n\1\0\4\0\4\0",
            b"0\x82\0\x03abc", b"HTTP/", b"HTTP/1.1 OK\r\n\r\n", b"HTTP/2 200\r\n", b"GET / HTTP/1.1\r\n\r\n", b"SSH-", b"RFB \n", b"login", b"Last login: today\r\n",
            b"password policy\r\n", b"221 bye\r\n", b"* ", b"@RSYNCD", b"\x0a5.7", b"\x05!\0", b"\x10\6hello", b"E\0\0\0\x20hello\0\0",
        ))
    },
}  # fmt: skip
#: The same, said unasked.
GREETED = {f"{name}, unasked": Service(one.other) for name, one in UNSPOKEN.items() if one.other}
