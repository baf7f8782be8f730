"""What the worker does once connections are under way: a plan, or an apply with its locks, journal and safety envelope."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gevent
from pydantic import BaseModel

from wizara import tree
from wizara.engine.companion import Companion
from wizara.engine.envelope import Envelope
from wizara.engine.lock import Holder, Locks
from wizara.engine.recorder import Recorder
from wizara.engine.request import Go, Request
from wizara.engine.runner import Runner
from wizara.inventory.models import Ministry
from wizara.record.journal import Journal
from wizara.record.progress import AllPlanned


def _answers() -> Iterator[Go]:
    """Yield what the CLI says, while others go on; its end is the end of standard input."""
    pool = gevent.get_hub().threadpool
    while answer := pool.apply(sys.stdin.readline):
        yield Go.model_validate_json(answer)


def serve(
    request: Request, ministry: Ministry, hosts: dict[str, dict[str, Any]], emit: Callable[[BaseModel], None]
) -> None:
    """Do what *request* asks for on *hosts*."""
    if request.verb == "plan":
        Runner(hosts, tree.deploy(request.deploy), emit).check()
        emit(AllPlanned())
    else:
        _apply(request, ministry, hosts, emit)


def _apply(
    request: Request, ministry: Ministry, hosts: dict[str, dict[str, Any]], emit: Callable[[BaseModel], None]
) -> None:
    """Check and, once told to, apply, with the locks of all sites held and every step journaled."""
    holder = Holder(request.holder, request.run, datetime.now(UTC).isoformat(timespec="seconds"))
    locks = Locks(ministry, request.nodes, holder, request.ssh_key)
    try:
        with contextlib.ExitStack() as closing:
            companions: list[Companion] = [locks]
            if request.runs:
                companions.append(Recorder(closing.enter_context(Journal.open(Path(request.runs))), request.run))
            if not request.console:
                companions.append(Envelope(request.run, emit))
            runner = Runner(hosts, tree.deploy(request.deploy), emit, companions, locks.permit)
            if request.at_once:
                runner.check_and_apply(_answers(), request.max_failures)
                return
            runner.check()
            emit(AllPlanned())
            if answer := sys.stdin.readline():
                runner.apply(Go.model_validate_json(answer))
    finally:
        locks.release()
