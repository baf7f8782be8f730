"""The one brake: every frame and socket that leaves passes a bucket of its LAN and one of its host."""

from __future__ import annotations

import asyncio
import threading
import time

_SLACK = 0.05
"""Seconds of lateness that may be caught up at once: a sleep that was too long costs no rate, and nobody gets a longer burst."""
_SHORTEST = 0.001
"""Seconds below which sleeping is not worth it."""


class Bucket:
    """Lets so many frames a second pass, evenly (the generic cell rate algorithm); usable from several threads."""

    def __init__(self, per_second: float) -> None:
        self.per_second = per_second
        self._due = 0.0
        self._lock = threading.Lock()

    def claim(self, count: float = 1) -> float:
        """Take room for *count* frames and return the seconds to wait before they may leave."""
        now = time.monotonic()
        with self._lock:
            begin = max(self._due, now - _SLACK)
            self._due = begin + count / self.per_second
        return max(0.0, begin - now)

    async def let_pass(self, count: float = 1) -> None:
        """Wait until *count* frames may leave."""
        wait = self.claim(count)
        if wait > _SHORTEST:
            await asyncio.sleep(wait)

    async def settle(self) -> None:
        """Wait until what was claimed so far may have left; for who must not run up a debt by being answered."""
        with self._lock:
            wait = self._due - time.monotonic()
        if wait > _SHORTEST:
            await asyncio.sleep(wait)

    def hold(self, count: float = 1) -> None:
        """Wait, in a thread, until *count* frames may leave."""
        time.sleep(self.claim(count))

    def restrain(self, per_second: float) -> None:
        """Let only so many a second pass from now on."""
        with self._lock:
            self.per_second = per_second
