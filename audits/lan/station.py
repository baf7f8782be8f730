"""Is the LAN scan on a node of the audited site: orders on standard input, sightings as JSON lines on standard output.

It ends by itself when whoever sent it is gone. Line kinds: ``sighting``, ``beat``, and as the last one ``done`` or ``fault``.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import threading
import time

from audits.lan.scan import Scan
from wizara.audit import leash
from wizara.audit.orders import Orders, Sighting
from wizara.errors import ExitCode, WizaraError

_TELLING = threading.Lock()


def main(folder: str) -> None:
    """Take the program's *folder* away, now that it is in memory, and scan."""
    shutil.rmtree(folder)
    orders = Orders.from_json(sys.stdin.buffer.readline())
    leash.hold(leash.PATIENCE_SECONDS)
    threading.Thread(target=_beat, daemon=True).start()
    try:
        asyncio.run(Scan(orders, _saw).run())
        _tell(json.dumps({"kind": "done"}))
    except WizaraError as fault:
        told = {"kind": "fault", "fault": type(fault).__name__, "message": fault.message, "hint": fault.hint}
        _tell(json.dumps(told))


def _saw(seen: Sighting) -> None:
    _tell(seen.to_json())


def _beat() -> None:
    while True:
        _tell(json.dumps({"kind": "beat"}))
        time.sleep(leash.BEAT_SECONDS)


def _tell(line: str) -> None:
    rest = line.encode() + b"\n"
    with _TELLING:
        try:
            while rest:
                rest = rest[os.write(1, rest) :]
        except OSError:
            os._exit(ExitCode.INTERRUPTED)  # nobody takes it any more
