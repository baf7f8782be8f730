"""One thing that was seen, or looked for and not seen: what, where, when, by which collector and from which vantage."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from heapq import merge
from typing import Literal

from pydantic import Field, JsonValue

from wizara.record.run import Record

Kind = Literal[
    "vantage", "sweep", "host", "ports", "banner", "tls", "ssh", "snmp", "http", "ftp", "redis", "smtp", "telnet",
    "mqtt", "memcached", "memcached_udp",
    "finger", "echo", "echo_udp", "chargen", "rlogin", "rsh", "vnc", "x11", "pop3", "imap", "rpc", "nfs", "rsync",
    "tftp", "ldap", "postgres", "mysql", "mongodb", "netbios", "ntp", "ipmi", "smart_install", "winbox", "routeros",
    "snmp3", "smb", "socks", "rtsp", "tds", "service",
    "login", "config", "tables", "reachability", "tunnel", "capture", "mail", "dns", "time", "unit",
    "heard", "dhcp", "ra", "name-answer", "breaker", "progress",
]  # fmt: skip


class Target(Record):
    """What was looked at; absent parts do not apply."""

    site: str | None = None
    ip: str | None = None
    mac: str | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    proto: Literal["tcp", "udp"] | None = None

    @property
    def service(self) -> str | None:
        """The service as ``tcp/22``, when one was looked at."""
        return f"{self.proto or 'tcp'}/{self.port}" if self.port else None


class Observation(Record):
    """A fact with its origin; its id is the hash of everything else in it."""

    id: str = ""
    run: str
    time: datetime
    collector: str
    vantage: str
    target: Target
    kind: Kind
    data: dict[str, JsonValue] = Field(default_factory=dict)
    """What was seen; texts in it are :data:`~wizara.audit.untrusted.Untrusted`. ``answer: false`` is a silence."""

    def model_post_init(self, _context: object) -> None:
        """Derive the id."""
        object.__setattr__(self, "id", self.digest())

    def digest(self) -> str:
        """Return the hash that the id must be."""
        content = self.model_dump(mode="json", exclude={"id"})
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()

    def text(self, key: str) -> str:
        """Return the text under *key*, or an empty one."""
        value = self.data.get(key)
        return value if isinstance(value, str) else ""

    def flag(self, key: str) -> bool:
        """Say whether *key* is true."""
        return self.data.get(key) is True

    def number(self, key: str) -> int | None:
        """Return the number under *key*, if there is one."""
        value = self.data.get(key)
        return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the texts of the list under *key*."""
        value = self.data.get(key)
        return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()

    def numbers(self, key: str) -> frozenset[int]:
        """Return the whole numbers of the list under *key*."""
        value = self.data.get(key)
        return frozenset(item for item in value if isinstance(item, int)) if isinstance(value, list) else frozenset()


class Seen:
    """All observations of a run, found by kind, address and service."""

    def __init__(self, observations: Iterable[Observation]) -> None:
        self.all = tuple(observations)
        self._places: dict[tuple[str, str | None] | str, list[int]] = {}
        self._cards: dict[str, list[int]] = {}
        for place, one in enumerate(self.all):
            self._places.setdefault(one.kind, []).append(place)
            self._places.setdefault((one.kind, one.target.ip), []).append(place)
            if one.kind == "host" and one.target.mac:
                self._cards.setdefault(one.target.mac, []).append(place)

    def of(self, *kinds: Kind, ip: str | None = None, port: int | None = None) -> Iterator[Observation]:
        """Yield the observations of *kinds*, of one address and port where given."""
        keys = [kind if ip is None else (kind, ip) for kind in kinds]
        for place in merge(*(self._places.get(key, ()) for key in keys)):
            one = self.all[place]
            if port is None or one.target.port == port:
                yield one

    def of_card(self, mac: str) -> Iterator[Observation]:
        """Yield what was seen of the machine with the network card *mac*, at whatever address."""
        return (self.all[place] for place in self._cards.get(mac, ()))

    def answered(self, *kinds: Kind, ip: str | None = None) -> Iterator[Observation]:
        """Yield those of *kinds* that are no silences."""
        return (one for one in self.of(*kinds, ip=ip) if one.data.get("answer") is not False)

    def open_ports(self, ip: str) -> set[int]:
        """Return the TCP ports that *ip* accepted connections on."""
        lists = [one.data.get("open") for one in self.of("ports", ip=ip)]
        return {port for ports in lists if isinstance(ports, list) for port in ports if isinstance(port, int)}


def now() -> datetime:
    """Return the present moment, in UTC, to the millisecond: what a record keeps."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
