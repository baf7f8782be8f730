"""What a scan is told and what it answers, in JSON; the standard library only, for scans run on audited sites' nodes too."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from wizara.audit.limits import Limits

if TYPE_CHECKING:
    from pydantic import JsonValue

Facts: TypeAlias = "dict[str, JsonValue]"


@dataclass(frozen=True)
class Pace:
    """How gently the network is touched."""

    arp_per_second: int = 1000
    arp_rounds: int = 2
    sockets_per_host: int = 4
    sockets: int = 256
    timeout: float = 1.5
    """Seconds to wait for a connection or an answer."""

    def __post_init__(self) -> None:
        """Refuse a pace that nobody could have meant."""
        within = (
            1 <= self.arp_per_second <= 20_000 and 1 <= self.arp_rounds <= 5 and 1 <= self.sockets_per_host <= 16
            and 1 <= self.sockets <= 1024 and 0 < self.timeout <= 30
        )  # fmt: skip
        if not within:
            raise ValueError("no sensible pace")


@dataclass(frozen=True)
class Orders:
    """One scan."""

    networks: tuple[IPv4Network, ...]
    declared: Mapping[str, tuple[str, ...]]
    """Declared address → what it is declared to serve, as ``tcp/443``."""
    limits: Limits
    moment: datetime
    """Now, by the auditor's clock and in his local time: the node's own may be wrong, or of another zone."""
    interface: str | None = None
    routed: bool = False
    """Whether declared addresses are tried by route where the network is not attached."""
    pace: Pace = Pace()
    _since: float = field(default_factory=time.monotonic, compare=False)

    def now(self) -> datetime:
        """Return the auditor's time."""
        return self.moment + timedelta(seconds=time.monotonic() - self._since)

    def to_json(self) -> str:
        """Return the orders as one line."""
        content = asdict(self) | {"moment": self.now().isoformat(), "_since": None}
        return json.dumps(content, default=str)

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
                hours=tuple(limits["hours"]), lab=limits["lab"],
            ),
            moment=datetime.fromisoformat(told["moment"]), interface=told["interface"], routed=told["routed"],
            pace=Pace(**told["pace"]),
        )  # fmt: skip


def _networks(texts: list[str]) -> tuple[IPv4Network, ...]:
    return tuple(map(IPv4Network, texts))


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
