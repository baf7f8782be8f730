"""Everything that can say something on a LAN, each read by wizara's own code from the bytes that would be on the wire."""

from __future__ import annotations

import asyncio
import base64
import socket
import struct
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any
from unittest.mock import patch
from xml.sax.saxutils import quoteattr

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from wizara.audit.facts import LanFacts
from wizara.audit.job import Job, Station
from wizara.audit.mandate import Mandate
from wizara.audit.orders import Sighting
from wizara.cli import files, nmap_report
from wizara.tree import load

Told = tuple[str, dict[str, Any], int | None]
"""Kind of observation, its facts, and the port."""
NETWORK = "10.20.0.0/16"
MANDATE = Mandate.model_validate(
    {"commissioner": "t", "reference": "t", "date": "2026-01-01", "perimeter": [NETWORK], "from": "2020-01-01", "to": "2099-01-01",
     "hours": ["00:00-24:00"], "operators": ["t"], "contact": "t"}
)  # fmt: skip
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKYcw0NvDafAMP9PFyQpZv3pLDDMxreqK3Ps7VtQvrFS"
IP = "10.20.1.9"


def lan(name: str) -> Any:
    return load(f"audits.lan.{name}")


class _Script:
    """A service that says the next of its *answers* whenever something is said to it, and then hangs up."""

    def __init__(self, reader: asyncio.StreamReader, answers: tuple[bytes, ...]) -> None:
        self._reader, self._answers = reader, iter(answers)
        self.write(b"")

    def write(self, _octets: bytes) -> None:
        more = next(self._answers, None)
        if more:
            self._reader.feed_data(more)
        elif more is None:
            self._reader.feed_eof()

    async def drain(self) -> None:
        return

    def get_extra_info(self, _name: str) -> socket.socket:
        return _unconnected()


@cache
def _unconnected() -> socket.socket:
    """Return a TCP socket that has measured no round trip yet."""
    return socket.socket()


def _job(station: Station | None = None) -> Job:
    facts = LanFacts(networks=(IPv4Network(NETWORK),))
    return Job(run="r", facts=facts, mandate=MANDATE, station=station)


@cache
def _orders() -> Any:
    return _job().orders()


def met(look: Callable[..., Awaitable[Any]], *said: bytes, datagram: Callable[[bytes], bytes] | None = None) -> Any:
    """Return what *look* makes of a service that says *said* one by one on a connection, or answers questions by *datagram*."""

    class Door(lan("door").Door):  # type: ignore[misc]
        @asynccontextmanager
        async def tcp(self, ip: str, port: int, tls: object = None) -> AsyncIterator[Any]:
            reader = asyncio.StreamReader()
            yield lan("door").Talk(reader, _Script(reader, said), 0.005, lambda _count: None, self.host(ip))

        async def udp(self, ip: str, port: int, question: bytes) -> bytes | None:
            return datagram(question) if datagram else None

    return asyncio.run(look(Door(_orders()), IP, 1))


def _greeted(text: bytes) -> Iterator[Told]:
    """Hear what an open port says unasked."""
    seen: list[Sighting] = []

    async def knock(door: Any, ip: str, port: int) -> None:
        progress = lan("progress").Progress(seen.append)
        await lan("visit").Visits(_orders(), door, seen.append, progress).knock(ip, port)
        progress.flush()

    met(knock, text)
    yield from ((one.kind, one.data, 2222) for one in seen if one.kind == "banner")


def _ssh(text: bytes) -> Iterator[Told]:
    lists = b"".join(struct.pack("!I", len(one)) + one for one in (text.replace(b",", b"")[:400],) * 10)
    payload = b"\x14" + bytes(16) + lists + bytes(5)
    packet = struct.pack("!IB", len(payload) + 5, 4) + payload + bytes(4)
    said = b"SSH-2.0-" + text.replace(b"\n", b"")[:200] + b"\r\n" + packet
    yield "ssh", met(lan("ssh").look, said), 22


def _http(text: bytes) -> Iterator[Told]:
    line = text.replace(b"\r", b"").replace(b"\n", b"")
    head = (
        b"HTTP/1.1 401 no\r\nServer: " + line + b"\r\nWWW-Authenticate: Basic realm=" + line + b"\r\nLocation: " + line
    )
    body = b"<title>" + text + b"</title><input type=password>"
    yield "http", met(lan("looks.web").http, head + b"\r\n\r\n" + body), 80


@cache
def _signer() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _certificate(text: bytes) -> Iterator[Told]:
    shown = text.decode("utf-8", "replace").replace("\0", "\\0")[:300] or "-"
    with warnings.catch_warnings(action="ignore"):  # a name that no authority would sign
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, shown, _validate=False)])
    ascii_name = "".join(one for one in shown if one.isascii()) or "x"
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(_signer().public_key()).serial_number(7)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(ascii_name)]), critical=False).sign(_signer(), hashes.SHA256())
    )  # fmt: skip
    der = made.public_bytes(serialization.Encoding.DER)
    told = {"versions": ["TLSv1.0"], "certificate": base64.b64encode(der).decode()}
    (one,) = _observed(Sighting("tls", "tls", told, IP, 443, "tcp"))
    yield "tls", one, 443


def _snmp(text: bytes) -> Iterator[Told]:
    snmp = lan("snmp")

    def answer(question: bytes) -> bytes:
        ((_outer, message),) = snmp.elements(question)
        version, community, (_kind, pdu) = snmp.elements(message)
        number = snmp.elements(pdu)[0][1]
        value = snmp.tlv(0x30, snmp.tlv(0x06, b"\x2b") + snmp.tlv(0x04, text[:60_000]))
        body = snmp.tlv(2, number) + snmp.tlv(2, b"\0") + snmp.tlv(2, b"\0") + snmp.tlv(0x30, value)
        whole: bytes = snmp.tlv(0x30, snmp.tlv(2, version[1]) + snmp.tlv(4, community[1]) + snmp.tlv(0xA2, body))
        return whole

    yield "snmp", met(snmp.look, datagram=answer), 161


def _netbios(text: bytes) -> Iterator[Told]:
    entries = [text[at : at + 15].ljust(15) + b"\0\4\0" for at in range(0, min(len(text), 150), 15)]

    def answer(question: bytes) -> bytes:
        head = question[:2] + b"\x84\0\0\0\0\1\0\0\0\0" + question[12:46] + b"\0\x21\0\1\0\0\0\0"
        size = (1 + 18 * len(entries)).to_bytes(2, "big")
        return head + size + bytes([len(entries)]) + b"".join(entries)

    yield "netbios", met(lan("looks.names").netbios, datagram=answer), 137


def _dns(text: bytes) -> Iterator[Told]:
    def answer(question: bytes) -> bytes:
        record = (
            b"\xc0\x0c" + struct.pack("!HHIH", 16, 3, 0, len(text[:255]) + 1) + bytes([len(text[:255])]) + text[:255]
        )
        return question[:2] + b"\x84\x80\0\1\0\1\0\0\0\0" + question[12:] + record

    yield "dns", met(lan("looks.names").dns, datagram=answer), 53


def _mysql(text: bytes) -> Iterator[Told]:
    body = b"\x0a" + text.replace(b"\0", b"")[:2000] + b"\0" + bytes(40)
    yield "mysql", met(lan("looks.databases").mysql, len(body).to_bytes(3, "little") + b"\0" + body), 3306


def _line(text: bytes) -> bytes:
    return b" ".join(text.splitlines())


def _shares(text: bytes) -> Iterator[Told]:
    shown = text.decode("utf-8", "replace")
    smb, session = lan("looks.smb"), lan("looks.smb_session")

    async def stranger(_talk: object, _ip: str) -> tuple[list[str], list[str]]:
        return [shown], [shown]

    reply = session.framed(b"\xfeSMB" + bytes(12) + b"\1" + bytes(47) + struct.pack("<HHH", 65, 1, 0x0210) + bytes(60))
    with patch.object(smb, "stranger", stranger):
        yield "smb", met(smb.smb, reply), 445


def _dhcp(text: bytes) -> Iterator[Told]:
    value = text[:250] or b"-"
    options = b"\x35\1\2" + b"".join(bytes([code, len(value)]) + value for code in (12, 60, 252)) + b"\xff"
    message = b"\2\1\6\0" + bytes(232) + b"\x63\x82\x53\x63" + options
    yield "heard", {"language": "dhcp", **lan("wire.dhcp").read(message)}, None


def _lldp(text: bytes) -> Iterator[Told]:
    def element(kind: int, value: bytes) -> bytes:
        return struct.pack("!H", kind << 9 | len(value)) + value

    value = text[:500] or b"-"
    frame = bytes(12) + b"\x88\xcc" + element(1, b"\7" + value) + element(2, b"\7" + value)
    frame += b"".join(element(kind, value) for kind in (4, 5, 6)) + bytes(2)
    language, told = lan("wire.link").said(frame)
    yield "heard", {"language": language, **told}, None


def _cdp(text: bytes) -> Iterator[Told]:
    value = text[:300] or b"-"
    body = b"\2\xb4\0\0" + b"".join(struct.pack("!HH", kind, len(value) + 4) + value for kind in (1, 3, 5, 6))
    payload = bytes.fromhex("aaaa0300000c2000") + body
    language, told = lan("wire.link").said(bytes(12) + struct.pack("!H", len(payload)) + payload)
    yield "heard", {"language": language, **told}, None


def _multicast(language: str) -> Callable[[bytes], Iterator[Told]]:
    def heard(text: bytes) -> Iterator[Told]:
        label = text[:63] or b"-"
        name = bytes([len(label)]) + label + b"\5local\0"
        message = (
            b"\0\0\x84\0\0\1\0\1\0\0\0\0"
            + name
            + b"\0\xff\0\1"
            + name
            + struct.pack("!HHIH", 1, 1, 9, 4)
            + b"\x0a\x14\1\x09"
        )
        names = lan("wire.names")
        yield "heard", {"language": language, **names.facts(names.read(message))}, None

    return heard


def _talk(
    kind: str, look: tuple[str, str], port: int, *said: Callable[[bytes], bytes]
) -> Callable[[bytes], Iterator[Told]]:
    def heard(text: bytes) -> Iterator[Told]:
        yield kind, met(getattr(lan(look[0]), look[1]), *(one(text) for one in said)), port

    return heard


def _configuration(text: bytes) -> Iterator[Told]:
    """Read an exported file; its name is hostile, too, as far as a file can have that name."""
    shown = text.decode("utf-8", "replace")
    name = "".join(one for one in shown if one not in "/\0").encode()[:120].decode(errors="ignore").strip(".") or "x"
    lines = [
        f"hostname {shown}",
        "line vty 0 4",
        f" transport input telnet {shown}",
        f"snmp-server community public {shown}",
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.cfg"
        path.write_bytes("\n".join(["version 15.2", "no service pad", *lines, "end"]).encode("utf-8", "replace"))
        yield "config", files.configuration(path, "cisco_ios"), None


def _device(text: bytes) -> Iterator[Told]:
    """Read what a switch shows of its neighbours."""
    shown = text.decode("utf-8", "replace")
    answer = (
        f"Device ID: {shown}\nEntry address(es): \n  IP address: 10.20.1.1\nPlatform: cisco {shown},  Capabilities: Switch\n"
        f"Interface: GigabitEthernet0/1,  Port ID (outgoing port): {shown}\nHoldtime : 150 sec\n\nVersion :\n{shown}\n"
    )
    rows = load("audits.devices.tables").table("cisco_ios", "show cdp neighbors detail", answer)
    config = [*load("audits.devices.reader").lines("cisco_ios", f"hostname x\nbanner motd ^{shown}^\n")]
    yield "config", {"platform": "cisco_ios", "access": "ssh", "config": config, "cdp_table": rows}, 22


def _nmap(text: bytes) -> Iterator[Told]:
    shown = quoteattr("".join(one for one in text.decode("utf-8", "replace") if one >= " " or one in "\t\r\n"))
    shown = shown.replace("\ufffe", "").replace("\uffff", "")
    host = f'<host endtime="1"><status state="up"/><address addr="{IP}" addrtype="ipv4"/><ports><port protocol="tcp" portid="21">'
    host += f'<state state="open"/><service name={shown} product={shown} version={shown}/><script id="banner" output={shown}/></port></ports></host>'
    with tempfile.NamedTemporaryFile(suffix=".xml") as file:
        file.write(f"<nmaprun>{host}</nmaprun>".encode("utf-8", "replace"))
        file.flush()
        yield from (
            (one.kind, one.data, one.port) for one in nmap_report.heard(Path(file.name)) if one.kind == "banner"
        )


def _observed(seen: Sighting, *, node: bool = False) -> Iterator[dict[str, Any]]:
    station = Station(name="gw", address="10.20.1.1", host_key=KEY, user="wizara") if node else None
    yield dict(lan("collectors").observation(_job(station), seen).data)


def _node(text: bytes) -> Iterator[Told]:
    """Take a sighting from a node that is in other hands, and gates nothing itself."""
    shown = text.decode("utf-8", "replace")
    facts: dict[str, Any] = {"negotiates": True, "text": shown, shown: [shown, {shown: shown}], "open": [shown]}
    for one in _observed(Sighting(shown, "telnet", facts, IP, 23, "tcp", mac=shown), node=True):
        yield "telnet", one, 23


#: source → how what it says comes to be known
SOURCES: dict[str, Callable[[bytes], Iterator[Told]]] = {
    "greeting of a port": _greeted,
    "SSH identification and algorithms": _ssh,
    "HTTP title and headers": _http,
    "certificate names": _certificate,
    "SNMP sysDescr": _snmp,
    "NetBIOS names": _netbios,
    "SMB shares": _shares,
    "DNS version": _dns,
    "DHCP options": _dhcp,
    "LLDP": _lldp,
    "CDP": _cdp,
    "mDNS": _multicast("mdns"),
    "LLMNR": _multicast("llmnr"),
    "NetBIOS datagrams": _multicast("nbns"),
    "FTP": _talk("ftp", ("looks.files", "ftp"), 21, lambda text: b"220 " + text + b"\r\n220 x\r\n", lambda text: b"230 " + text + b"\r\n230 x\r\n"),
    "SMTP": _talk("smtp", ("looks.mailboxes", "smtp"), 25, lambda text: b"220 " + text + b"\r\n220 x\r\n", lambda _text: b"250 x\r\n", lambda _text: b"250 x\r\n",
                  lambda text: b"250 " + text + b"\r\n250 x\r\n"),
    "Telnet": _talk("telnet", ("looks.legacy", "telnet"), 23, lambda text: b"\xff\xfd\x18" + text + b"login:"),
    "Redis": _talk("redis", ("looks.databases", "redis"), 6379, lambda _text: b"", lambda text: b"+PONG " + _line(text) + b"\r\n"),
    "Memcached": _talk("memcached", ("looks.databases", "memcached"), 11211, lambda _text: b"", lambda text: b"VERSION 1.6 " + _line(text)[:80] + b"\r\n"),
    "MariaDB": _mysql,
    "POP3": _talk("pop3", ("looks.mailboxes", "pop3"), 110, lambda text: b"+OK " + text + b"\r\n", lambda _text: b"-ERR\r\n"),
    "IMAP": _talk("imap", ("looks.mailboxes", "imap"), 143, lambda text: b"* OK " + text + b"\r\n", lambda _text: b"* CAPABILITY IMAP4\r\na OK\r\n"),
    "finger": _talk("finger", ("looks.legacy", "finger"), 79, lambda _text: b"", lambda text: b"Login: " + text + b"\r\n"),
    "rlogin": _talk("rlogin", ("looks.legacy", "rlogin"), 513, lambda _text: b"", lambda text: b"\1" + text + b"\r\n"),
    "rsync modules": _talk("rsync", ("looks.files", "rsync"), 873, lambda _text: b"@RSYNCD: 31\n",
                           lambda text: text.replace(b"\t", b"") + b"\tx\n@RSYNCD: OK\n@RSYNCD: EXIT\n"),
    "exported configuration and its file name": _configuration,
    "command line of a switch": _device,
    "nmap's XML": _nmap,
    "a node in other hands": _node,
}  # fmt: skip
