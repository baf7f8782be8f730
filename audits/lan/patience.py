"""How long one host may let the audit wait in all: who drips a byte now and then, on all its ports, holds nobody up."""

from __future__ import annotations

from collections.abc import Callable

_WHOLE = 40
"""Time-outs that a host may let each connection that it takes at once wait; answers as fast as its network are not counted."""


class Patience:
    """The time that one host has left."""

    def __init__(self, timeout: float, sockets: int, tire: Callable[[], None]) -> None:
        self._left, self._tire = _WHOLE * timeout * sockets, tire

    def wait(self, seconds: float, grace: float = 0.0) -> None:
        """Note that an answer took *seconds*, of which *grace* are the network's."""
        self._left -= max(0.0, seconds - grace)
        if self.over:
            self._tire()

    @property
    def over(self) -> bool:
        """Say whether its time is used up."""
        return self._left <= 0
