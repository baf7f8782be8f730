"""Ends a collector when nobody listens to it any more: whoever started it keeps its standard input open, and says so."""

from __future__ import annotations

import os
import select
import threading

from wizara.errors import ExitCode

BEAT_SECONDS = 2.0
"""How often each side of a slow line tells the other that it is there."""
PATIENCE_SECONDS = 12.0
"""How long a silence is borne: a line of 300 ms that loses packets is no line that was cut."""


def hold(silence: float | None = None) -> None:
    """End this process when its standard input ends or, where given, says nothing for *silence* seconds.

    A thread watches, so that a process whose output nobody takes ends, too.
    """
    threading.Thread(target=_watch, args=(silence,), daemon=True).start()


def _watch(silence: float | None) -> None:
    while select.select([0], [], [], silence)[0] and os.read(0, 4096):
        pass
    os._exit(ExitCode.INTERRUPTED)
