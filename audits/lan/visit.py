"""Visits one living host: tells which ports are open, listens, says few words; each step is told as done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Literal

from audits.lan.budget import GENTLE, class_of
from audits.lan.dispatch import (
    Look,
    Named,
    candidates,
    candidates_within,
    datagrams,
    greets,
    kind_of,
    searched,
    searched_within,
)
from audits.lan.door import Door, Untouchable
from audits.lan.ports import FORBIDDEN, HTTP, HTTPS, SILENT, TLS
from audits.lan.progress import Progress
from wizara.audit.orders import Facts, Orders, Sighting
from wizara.audit.untrusted import untrusted
from wizara.errors import Refusal

Say = Callable[[Sighting], None]
_KEPT = 512
"""Bytes of a greeting that are kept to choose the looks by, when the scan is taken up again."""
_EXPECTANT = HTTP | HTTPS | TLS
"""Ports whose usual services wait to be spoken to: listened to only when they turn out to be something else."""
_GREETS = 1.0
"""Seconds in which a service greets that is known by its greeting; who says nothing at all is listened to longer in the end."""
_SEARCHED_PORTS = 6
"""Ports of a machine that say nothing and are asked in every language: a trap that opens all its ports delays nobody."""


class Visits:
    """The visits of one scan."""

    def __init__(self, orders: Orders, door: Door, say: Say, progress: Progress) -> None:
        self.orders, self.door, self._say, self.progress = orders, door, say, progress
        self._heard = dict(_greetings(orders.done.looked))
        self._opened: dict[str, frozenset[int]] = {}
        self._mute = _searched(orders.done.looked)

    async def visit(
        self, ip: str, states: Mapping[int, str], tried: Collection[int], known: Collection[int] | None = None
    ) -> None:
        """Look at *ip*, of whose *tried* ports the *states* are known; *known*: ports that its other address was looked at on."""
        opened = sorted(port for port, state in states.items() if state == "open")
        self._tell_ports(ip, states, tried)
        self._opened[ip] = frozenset(opened)
        own = [port for port in opened if port not in (known or ())]
        banners = dict(zip(own, await asyncio.gather(*(self._greeting(ip, port) for port in own)), strict=True))
        asked = datagrams() if known is None else ()
        await asyncio.gather(
            *(self._services(ip, port, heard) for port, heard in banners.items()),
            *(
                self._look(f"{name}-{number}", name, look, ip, port, "udp")
                for number, (name, port, look) in enumerate(asked)
            ),
        )
        if known is None:
            self._tell_left_alone(ip)

    def _tell_ports(self, ip: str, states: Mapping[int, str], tried: Collection[int]) -> None:
        if self._done(f"ports {ip}"):
            return
        lists: Facts = {
            state: [*sorted(port for port, found in states.items() if found == state)]
            for state in ("open", "closed", "silent")
        }
        services = self.orders.declared.get(ip, ())
        printing = FORBIDDEN & {int(service.rpartition("/")[2]) for service in services}
        untested = sorted(printing | {port for port in tried if port not in states})
        answer: Facts = {} if lists["open"] or lists["closed"] else {"answer": False}
        self._say(Sighting("tcp", "ports", {**lists, "untested": [*untested], **answer}, ip))
        self.progress.looked(f"ports {ip}")

    def _tell_left_alone(self, ip: str) -> None:
        """Tell that the breaker keeps the scan from *ip*, if it does."""
        health = self.door.health(ip)
        if health.tripped and health.tripped != "slow":  # that is told of each of its ports
            told: Facts = {
                "answer": False, "reason": "breaker", "why": health.tripped,
                "first_ms": round(health.baseline * 1000, 2), "last_ms": round(health.present * 1000, 2),
            }  # fmt: skip
            self._say(Sighting("breaker", "breaker", told, ip))

    def _done(self, what: str) -> bool:
        return what in self.orders.done.looked

    async def _greeting(self, ip: str, port: int) -> bytes:
        """Return what an open *port* says unasked."""
        if (ip, port) in self._heard:
            return self._heard[ip, port]
        state, heard = await self.knock(ip, port)
        if state != "open":
            self.door.missed(ip)
        return heard

    async def knock(
        self, ip: str, port: int, *, listens: bool = False
    ) -> tuple[Literal["open", "closed", "silent"], bytes]:
        """Connect and listen, where that is wanted or likely to tell something: the state of the port, and what it says unasked."""
        try:
            async with self.door.tcp(ip, port) as talk:
                speaks = listens or port not in _EXPECTANT | SILENT
                heard = await talk.hear(2048, seconds=None if listens else _GREETS) if speaks else b""
        except ConnectionRefusedError:
            return "closed", b""
        except (TimeoutError, OSError):
            return "silent", b""
        if heard:
            self._say(Sighting("banner", "banner", {"text": untrusted(heard)}, ip, port, "tcp"))
        self.progress.looked(f"heard {ip} {port} {heard[:_KEPT].hex()}")
        return "open", heard

    async def _services(self, ip: str, port: int, heard: bytes) -> None:
        """Speak to an open *port*; tell it when it stays unknown what listens there, or is not asked to the end."""
        if port in SILENT:
            return
        name = await self._recognised(ip, port, heard)
        known = bool(name) and (name != "tls" or await self._recognised_within(ip, port))
        left = self._left(ip)
        if (not known or left == "slow") and not self._done(f"service {ip} tcp/{port}"):
            told: Facts = {"answer": False, "reason": left or ("within" if name else "unrecognised")}
            self._say(Sighting("service", "service", told, ip, port, "tcp"))
            self.progress.looked(f"service {ip} tcp/{port}")

    def _left(self, ip: str) -> str:
        """Return why nothing more is asked of *ip*, if so: ``slow`` or ``breaker``."""
        tripped = self.door.health(ip).tripped
        return "slow" if tripped == "slow" else "breaker" if tripped else ""

    async def _recognised(self, ip: str, port: int, heard: bytes) -> str:
        """Speak to an open *port* until it is known what listens there; return its name, or nothing."""
        likely = candidates(port, heard)
        name = await self._named(ip, port, likely)
        if name or heard:
            return name
        late = await self._heard_late(ip, port) if port in _EXPECTANT or greets(port) else b""
        if late:
            return await self._named(ip, port, candidates(port, late))
        further = self._further(ip, port, searched(port, likely))
        name = await self._named(ip, port, further)
        late = b"" if name or not further or port in _EXPECTANT else await self._heard_late(ip, port)
        return name or (await self._named(ip, port, candidates(port, late)) if late else "")

    async def _recognised_within(self, ip: str, port: int) -> bool:
        """Speak inside the TLS of *port* until it is known what it carries; say whether that is known, or not asked there."""
        likely = candidates_within(port)
        if not likely or await self._named(ip, port, likely):
            return True
        return bool(await self._named(ip, port, self._further(ip, port, searched_within(port, likely))))

    async def _heard_late(self, ip: str, port: int) -> bytes:
        """Listen once more, as long as an answer may take: who greets late is known by the greeting, too."""
        if self._done(f"listened {ip} {port}"):
            return b""
        _state, heard = await self.knock(ip, port, listens=True)
        self.progress.looked(f"listened {ip} {port}")
        return heard

    async def _named(self, ip: str, port: int, likely: Iterable[Named]) -> str:
        """Take the looks of the first of the *likely* that is answered; return its name, or nothing."""
        for (name, look), *others in likely:
            what = f"named {name} {ip} tcp/{port}"
            if not self._done(what):
                facts = await self._look(name, name, look, ip, port, "tcp", named=what)
                if facts is None or facts.get("answer") is False:
                    continue
            for further, its in others:
                await self._look(further, further, its, ip, port, "tcp")
            return name
        return ""

    def _further(self, ip: str, port: int, others: tuple[Named, ...]) -> tuple[Named, ...]:
        """Return which *others* may be tried at a *port*: at few ports of a machine, none of what breaks easily."""
        opened = self._opened.get(ip, frozenset())
        if not others or class_of(self.orders.roles.get(ip), opened) in GENTLE:
            return ()
        mute = self._mute.setdefault(ip, set())
        if len(mute) >= _SEARCHED_PORTS and port not in mute:
            return ()
        if port not in mute:
            mute.add(port)
            self.progress.looked(f"searched {ip} {port}")
        return others

    async def _look(
        self, key: str, name: str, look: Look, ip: str, port: int, proto: Literal["tcp", "udp"], named: str = ""
    ) -> Facts | None:
        """Take one look and tell what it saw; None when it was taken before, or the machine is left alone.

        *named* is what is noted with it when it is answered.
        """
        what = f"{key} {ip} {proto}/{port}"
        if self._done(what) or self.door.health(ip).tripped:
            return None
        facts = await self._looked(look, ip, port)
        if proto == "udp" and facts.get("answer") is False and self.door.refused(ip, port):
            facts = facts | {"refused": True}
        left = self._left(ip)
        if left and facts.get("answer") is False:
            facts = facts | {"reason": left}
        self._say(Sighting(name, kind_of(name), facts, ip, port, proto))
        self.progress.looked(what, *([named] if named and facts.get("answer") is not False else []))
        return facts

    async def _looked(self, look: Look, ip: str, port: int) -> Facts:
        try:
            return await look(self.door, ip, port)
        except Untouchable as fault:
            return {"answer": False, "fault": untrusted(fault.message)}
        except Refusal:
            raise
        except Exception as fault:  # noqa: BLE001 - one hostile answer must not cost the others
            return {"answer": False, "fault": untrusted(f"{type(fault).__name__}: {fault}")}


def _greetings(looked: Collection[str]) -> list[tuple[tuple[str, int], bytes]]:
    """Return what services said in the run that was interrupted; the longest last, where one was heard twice."""
    words = sorted((one.split(" ") for one in looked if one.startswith("heard ")), key=lambda word: len(word[3]))
    return [((ip, int(port)), bytes.fromhex(heard)) for _heard, ip, port, heard in words]


def _searched(looked: Collection[str]) -> dict[str, set[int]]:
    """Return the ports of each machine that the run that was interrupted asked in every language."""
    found: dict[str, set[int]] = {}
    for _searched, ip, port in (one.split(" ") for one in looked if one.startswith("searched ")):
        found.setdefault(ip, set()).add(int(port))
    return found
