"""How gently each class of device is touched: the profile's own pace, or less for what breaks easily."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from audits.lan.ports import CONTROLLER
from wizara.audit.orders import Pace


@dataclass(frozen=True)
class Budget:
    """The most that one host may get."""

    per_second: float
    """Frames a second."""
    sockets: int
    """Connections at once."""


#: In the profile ``polite``; others multiply the frames by their ``gentle``.
GENTLE = {
    "printer": Budget(10, 1), "controller": Budget(5, 1), "camera": Budget(20, 2), "phone": Budget(20, 2),
    "network": Budget(20, 2),
}  # fmt: skip
#: Before anything is known of a host: its first ports are tried this slowly.
FIRST = 20.0
#: Tried first, for they tell what a host is.
TELLING = (631, 502, 102, 44818, 20000, 554, 5060, 4786)
_ROLES = {"workstation": "", "server": "", "node": ""}
_BY_PORT = {631: "printer", 554: "camera", 5060: "phone", 4786: "network", **dict.fromkeys(CONTROLLER, "controller")}


def class_of(role: str | None, opened: Collection[int] = ()) -> str:
    """Return the class of a device: by its declared *role* (or platform), else by the ports that were *opened* first."""
    if role in GENTLE:
        return role
    if role:
        return _ROLES.get(role, "network")  # what has a platform is a switch or a router
    return next((_BY_PORT[port] for port in TELLING if port in opened), "")


def budget(pace: Pace, kind: str) -> Budget:
    """Return the budget of a device of the class *kind* (empty: an ordinary machine) under *pace*."""
    own = GENTLE.get(kind)
    whole = Budget(pace.host_per_second, pace.sockets_per_host)
    if own is None:
        return whole
    return Budget(min(own.per_second * pace.gentle, whole.per_second), min(own.sockets, whole.sockets))
