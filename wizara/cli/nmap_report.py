"""Reads the XML that nmap wrote as observations: hosts, ports and banners; a hostile file costs time and memory within limits."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path
from typing import IO, TYPE_CHECKING
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse
from pydantic import JsonValue

from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted
from wizara.errors import UsageFault
from wizara.place import Place
from wizara.text import _

if TYPE_CHECKING:
    from collections.abc import Iterable

DEEPEST = 32
"""Elements within each other; nmap writes fewer than ten."""
MOST_HOSTS = 70_000
MOST_PORTS = 70_000
"""Of one host."""
MOST_BYTES_OF_ONE = 8 * 1024 * 1024
"""Bytes that one host may take in the file."""
_PIECE = 256 * 1024
BANNER = 1024
"""Characters of a banner that are kept."""
BANNERS = 8
"""Banners of one host that are kept."""
_MAC = re.compile(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}", re.IGNORECASE)


class Heard:
    """One thing that nmap saw: what kind, of which address and port, and when."""

    __slots__ = ("data", "ip", "kind", "mac", "port", "proto", "time")

    def __init__(
        self, kind: str, data: Facts, ip: str, time: datetime, *, mac: str | None = None, port: int | None = None,
        proto: str | None = None,
    ) -> None:  # fmt: skip
        self.kind, self.data, self.ip, self.time, self.mac, self.port, self.proto = (
            kind,
            data,
            ip,
            time,
            mac,
            port,
            proto,
        )


class _Measured(io.RawIOBase):
    """A file that is refused when it gives more than its allowance between two hosts."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source, self.given = source, 0

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; more than asked for, since a long text is scanned anew with each piece."""
        size = max(size, _PIECE)
        self.given += size
        if self.given > MOST_BYTES_OF_ONE:
            raise ParseError(_("one host takes more than {limit} bytes").format(limit=MOST_BYTES_OF_ONE))
        return self._source.read(size)


def addresses(path: Path) -> set[str]:
    """Return the addresses of the hosts that the file *path* tells of."""
    return {one.ip for one in heard(path, ports=False)}


def heard(path: Path, *, ports: bool = True) -> Iterator[Heard]:
    """Yield what the file *path* tells, host by host (hosts alone without *ports*); UsageFault with its place when it is no such file."""
    try:
        with path.open("rb") as file:
            yield from _hosts(_Measured(file), ports=ports)
    except OSError as fault:
        raise UsageFault(_("cannot read it: {reason}").format(reason=fault.strerror), place=Place(str(path))) from None
    except (ParseError, DefusedXmlException, ValueError, OverflowError) as fault:
        reason = untrusted(str(fault).splitlines()[0] if str(fault) else type(fault).__name__)
        raise UsageFault(
            _("not readable as nmap's XML: {reason}").format(reason=reason), place=Place(str(path))
        ) from None


def _hosts(source: _Measured, *, ports: bool) -> Iterator[Heard]:
    root: Element | None = None
    count = depth = 0
    for event, element in iterparse(
        source, events=("start", "end"), forbid_dtd=False, forbid_entities=True, forbid_external=True
    ):
        depth += 1 if event == "start" else -1
        if depth > DEEPEST:
            raise ValueError(_("nested deeper than {limit}").format(limit=DEEPEST))
        if root is None:
            root = element
            if element.tag != "nmaprun":
                raise ValueError(f"<{element.tag[:40]}>")
        if event == "end" and element.tag == "host":
            count += 1
            if count > MOST_HOSTS:
                raise ValueError(_("more than {limit} hosts").format(limit=MOST_HOSTS))
            yield from _host(element, ports=ports)
            root.clear()
            source.given = 0


def _host(host: Element, *, ports: bool) -> Iterator[Heard]:
    addresses = {one.get("addrtype"): one.get("addr", "") for one in host.iterfind("address")}
    try:
        ip = str(IPv4Address(addresses.get("ipv4", "")))
    except AddressValueError:
        return
    time = datetime.fromtimestamp(int(host.get("endtime") or host.get("starttime") or 0), UTC)
    status = host.find("status")
    mac = addresses.get("mac", "").lower()
    mac = mac if _MAC.fullmatch(mac) else ""
    if status is not None and status.get("state") == "down":
        yield Heard("host", {"alive": False, "answer": False}, ip, time)
        return
    macs: list[JsonValue] = [mac] if mac else []
    yield Heard("host", {"alive": True, "macs": macs}, ip, time, mac=mac or None)
    if ports:
        yield from _ports(host.iterfind("ports/port"), ip, time)


def _ports(ports: Iterable[Element], ip: str, time: datetime) -> Iterator[Heard]:
    lists: dict[str, list[JsonValue]] = {"open": [], "closed": [], "silent": []}
    banners = 0
    for count, port in enumerate(ports):
        if count >= MOST_PORTS:
            break
        state, number, proto = port.find("state"), int(port.get("portid", "0")), port.get("protocol", "tcp")
        if state is None or proto != "tcp" or not 0 < number < 65536:
            continue
        name = {"open": "open", "closed": "closed"}.get(state.get("state", ""), "silent")
        lists[name].append(number)
        banner = _banner(port)
        if name == "open" and banner and banners < BANNERS:
            banners += 1
            yield Heard("banner", {"text": banner}, ip, time, port=number, proto="tcp")
    yield Heard("ports", {**lists, "untested": []}, ip, time)


def _banner(port: Element) -> str:
    service = port.find("service")
    parts = (
        [service.get(key, "")[:BANNER] for key in ("name", "product", "version", "extrainfo", "ostype")]
        if service is not None
        else []
    )
    parts += [script.get("output", "")[:BANNER] for script in port.iterfind("script") if script.get("id") == "banner"]
    return untrusted(" ".join(part for part in parts if part)[:BANNER])
