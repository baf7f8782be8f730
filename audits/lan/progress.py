"""What a scan has done, told as it goes, so that an interrupted one is taken up again without asking twice."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable

from wizara.audit.orders import Facts, Sighting

_SOON = 0.03
"""Seconds after which a result is told at the latest: so much is asked again after a kill."""
_MANY = 50
"""Results that are told at once."""


class Progress:
    """Gathers results for a moment, for each is a few bytes and a line is not."""

    def __init__(self, say: Callable[[Sighting], None]) -> None:
        self._say = say
        self._ports: defaultdict[str, defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        self._looked: list[str] = []
        self._count = 0
        self._waits = False

    def asked(self, network: str, number: int, last: str) -> None:
        """Note that in the round *number* all addresses of *network* up to *last* were asked."""
        self._say(Sighting("progress", "progress", {"network": network, "round": number, "last": last}))

    def settled(self, ip: str, port: int, state: str) -> None:
        """Note what is known of *port*."""
        self._ports[ip][state].append(port)
        self._gathered()

    def looked(self, *what: str) -> None:
        """Note that *what* was done, all of it at once."""
        self._looked.extend(what)
        self._gathered()

    def _gathered(self) -> None:
        self._count += 1
        if self._count >= _MANY:
            self.flush()
        elif not self._waits:
            self._waits = True
            asyncio.get_running_loop().call_later(_SOON, self.flush)

    def flush(self) -> None:
        """Tell what was gathered."""
        self._waits, self._count = False, 0
        if self._looked:
            self._say(Sighting("progress", "progress", {"looked": [*self._looked]}))
            self._looked.clear()
        gathered: Facts = {ip: {state: [*ports] for state, ports in one.items()} for ip, one in self._ports.items()}
        self._ports.clear()
        if gathered:
            self._say(Sighting("progress", "progress", {"ports": gathered}))
