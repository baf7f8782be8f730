"""What a scan is told and what it answers, in JSON; the standard library only, for scans run on audited sites' nodes too."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from wizara.audit.limits import Limits, Network

if TYPE_CHECKING:
    from pydantic import JsonValue

Facts: TypeAlias = "dict[str, JsonValue]"


@dataclass(frozen=True)
class Pace:
    """How gently the network is touched."""

    name: str = "polite"
    """The profile, as reports and records name it."""
    lan_per_second: int = 1000
    """Frames a second that leave for one LAN."""
    host_per_second: int = 50
    """Frames a second that leave for one host."""
    sockets_per_host: int = 4
    sockets: int = 256
    arp_rounds: int = 2
    gentle: float = 1.0
    """What the frames a second of easily broken devices are multiplied by."""
    timeout: float = 1.5
    """Seconds to wait for a connection or an answer."""

    def __post_init__(self) -> None:
        """Refuse a pace that nobody could have meant."""
        within = (
            1 <= self.lan_per_second <= 100_000 and 1 <= self.host_per_second <= 100_000 and 1 <= self.arp_rounds <= 5
            and 1 <= self.sockets_per_host <= 64 and 1 <= self.sockets <= 1024 and 0 < self.timeout <= 30
            and 0 < self.gentle <= 100
        )  # fmt: skip
        if not within:
            raise ValueError("no sensible pace")


POLITE = Pace()
FAST = Pace("fast", 8000, 2000, 16, 512, gentle=4.0, timeout=1.0)
#: The profiles by name.
PROFILES = {one.name: one for one in (POLITE, FAST)}
#: Over a link of less than 2 Mbit/s: some 60 kbit/s of it.
CAPPED = Pace("capped", 60, 20, 2, 16, timeout=5.0)


@dataclass(frozen=True)
class Done:
    """What an interrupted scan had done already, and what it had found by it."""

    asked: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Network → round → the last address that was asked in it."""
    living: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Address → the cards that answered."""
    ports: Mapping[str, Mapping[str, tuple[int, ...]]] = field(default_factory=dict)
    """Address → state → TCP ports found so."""
    looked: frozenset[str] = frozenset()
    """What need not be done again, in words of the scan."""


@dataclass(frozen=True)
class Orders:
    """One scan."""

    networks: tuple[Network, ...]
    declared: Mapping[str, tuple[str, ...]]
    """Declared address → what it is declared to serve, as ``tcp/443``."""
    limits: Limits
    moment: datetime
    """Now, by the auditor's clock and in his local time: the node's own may be wrong, or of another zone."""
    interface: str | None = None
    routed: bool = False
    """Whether declared addresses are tried by route where the network is not attached."""
    pace: Pace = Pace()
    roles: Mapping[str, str] = field(default_factory=dict)
    """Declared address → role or platform."""
    ports: tuple[int, ...] = ()
    """The TCP ports to try; none means our own list."""
    listen: float = 0.0
    """Seconds to listen, at least."""
    passive: bool = False
    """Whether nothing is sent at all."""
    logins: bool = False
    """Whether logins that everybody knows are tried: at most two an account and run."""
    locked: bool = False
    """Whether another part of the audit saw a sign of a lockout: then none is tried any more."""
    done: Done = Done()
    _since: float = field(default_factory=time.monotonic, compare=False)

    def now(self) -> datetime:
        """Return the auditor's time."""
        return self.moment + timedelta(seconds=time.monotonic() - self._since)

    def to_json(self) -> str:
        """Return the orders as one line."""
        content = asdict(self) | {"moment": self.now().isoformat(), "_since": None}
        return json.dumps(content, default=_plain)

    @classmethod
    def from_json(cls, line: bytes | str) -> Orders:
        """Read what :meth:`to_json` wrote; ValueError, KeyError or TypeError when it is nothing of the kind."""
        told: dict[str, Any] = json.loads(line)
        limits: dict[str, Any] = told["limits"]
        return cls(
            networks=_networks(told["networks"]),
            declared={ip: tuple(services) for ip, services in told["declared"].items()},
            limits=Limits(
                reference=limits["reference"], commissioner=limits["commissioner"],
                perimeter=_networks(limits["perimeter"]), exclusions=_networks(limits["exclusions"]),
                begins=date.fromisoformat(limits["begins"]), ends=date.fromisoformat(limits["ends"]),
                hours=tuple(limits["hours"]), lab=limits["lab"], spoken_to=tuple(limits["spoken_to"]),
            ),
            moment=datetime.fromisoformat(told["moment"]), interface=told["interface"], routed=told["routed"],
            pace=Pace(**told["pace"]), roles=dict(told["roles"]), ports=tuple(told["ports"]), listen=float(told["listen"]),
            passive=bool(told["passive"]), logins=bool(told["logins"]), locked=bool(told["locked"]),
            done=_done(told["done"]),
        )  # fmt: skip


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else str(value)


def _networks(texts: list[str]) -> tuple[Network, ...]:
    return tuple(map(ip_network, texts))


def _done(told: dict[str, Any]) -> Done:
    return Done(
        asked=told["asked"], living={ip: tuple(macs) for ip, macs in told["living"].items()},
        ports={ip: {state: tuple(ports) for state, ports in one.items()} for ip, one in told["ports"].items()},
        looked=frozenset(told["looked"]),
    )  # fmt: skip


@dataclass(frozen=True)
class Sighting:
    """One thing that a scan saw, before it is an observation of a run."""

    collector: str
    kind: str
    data: Facts
    ip: str | None = None
    port: int | None = None
    proto: Literal["tcp", "udp"] | None = None
    mac: str | None = None

    def to_json(self) -> str:
        """Return the sighting as one line."""
        return json.dumps({"kind": "sighting", "sighting": asdict(self)})
