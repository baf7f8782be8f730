"""What keeps a late command from a node, by the node's own clock: it is run only while its lock and its open change hold."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

#: What the guard answers in the place of a command's own status, which is 255 at most: it came too late; its change is over.
LATE, OVER = 1001, 1002
#: For how long a sign of life of the lock's holder covers commands; the lock itself is kept for longer, so that they can end.
SECONDS = 15

# A command arrives as a function, and is run, or not, by what comes behind it: one that came too late is there already when it
# may be run after all. Time is the node's own, since its start: no clock of a computer that was asleep is believed. A shell that
# works within an open change leaves its id beside the change, so that the way back begins with its end. A job that runs
# already is waited for, not begun.
GUARD = r"""__g() {
  if [ -z "$4" ] || [ ! -d "/run/wizara/jobs/$4" ]; then
    read -r __n __r < /proc/uptime
    if [ -n "$2" ] && ! [ "${__n%.*}" -lt "$2" ]; then printf %s "$__n"; __w $1 1001; return; fi
    if [ -n "$3" ]; then
      __h=/run/wizara/changes/$3/hands/$$
      [ -s "$__h" ] || { cut -d' ' -f22 /proc/$$/stat > "$__h"; } 2>/dev/null
      if [ ! -e "/var/lib/wizara/changes/$3/armed" ]; then unset -f __c$5; __w $1 1002; return; fi
    fi
  fi
  __c$5; __w $1 $?; unset -f __c$5
}
"""


def now() -> float:
    """Return seconds on a clock that goes on while this computer is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True)
class Fence:
    """Until when, and within which open change, a command may be run."""

    until: float | None = None
    """On the clock of :func:`now`; None means whenever."""
    change: str = ""
    """The id of the open change of the way to the node; empty outside one."""


class NodeClock:
    """The node's time since its start, as far as this end can vouch for: never later than it is there."""

    def __init__(self) -> None:
        self._ahead: float | None = None

    def heard(self, said: bytes) -> None:
        """Take the time that the node has just told: on its way here it grew older, never younger."""
        try:
            ahead = float(said) - now()
        except ValueError:
            return
        self._ahead = ahead if self._ahead is None else max(self._ahead, ahead)

    def there(self, moment: float) -> int:
        """Return *moment*, of the clock of :func:`now`, as whole seconds of the node's; before its start when it told none."""
        return int(self._ahead + moment) if self._ahead is not None else 0


Lease = Callable[[float], float]
"""Waits until the lock was renewed after the given moment, and returns when: 0 takes what there is. Raises when it is lost."""
