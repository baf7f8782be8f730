"""The engine's worker: reads one request on standard input, writes events on standard output, a JSON line each."""

from __future__ import annotations

from gevent import get_hub, monkey

monkey.patch_all()

import contextlib  # noqa: E402 - nothing may be imported before the patch
import logging  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from datetime import UTC, datetime  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any, TextIO  # noqa: E402

from pydantic import BaseModel  # noqa: E402

from wizara import tree  # noqa: E402
from wizara.engine.companion import Companion  # noqa: E402
from wizara.engine.connector import host_data  # noqa: E402
from wizara.engine.envelope import Envelope  # noqa: E402
from wizara.engine.lock import Holder, Locks  # noqa: E402
from wizara.engine.recorder import Recorder  # noqa: E402
from wizara.engine.request import Go, Request  # noqa: E402
from wizara.engine.runner import Runner  # noqa: E402
from wizara.errors import ExitCode, WizaraError  # noqa: E402
from wizara.inventory import load  # noqa: E402
from wizara.inventory.models import Ministry  # noqa: E402
from wizara.inventory.secrets import Secret  # noqa: E402
from wizara.record.journal import Journal  # noqa: E402
from wizara.record.progress import AllPlanned, Fault  # noqa: E402
from wizara.text import use  # noqa: E402


def _own_stdout() -> TextIO:
    """Keep standard output for events alone: whatever a library prints goes to standard error."""
    events = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return events


def _apply(
    request: Request, ministry: Ministry, hosts: dict[str, dict[str, Any]], emit: Callable[[BaseModel], None]
) -> None:
    """Check and, once told to, apply, with the locks of all sites held and every step journaled."""
    holder = Holder(request.holder, request.run, datetime.now(UTC).isoformat(timespec="seconds"))
    locks = Locks(ministry, request.nodes, holder, Path(request.ssh_key) if request.ssh_key else None)
    try:
        with contextlib.ExitStack() as closing:
            companions: list[Companion] = [locks]
            if request.runs:
                companions.append(Recorder(closing.enter_context(Journal.open(Path(request.runs))), request.run))
            if not request.console:
                companions.append(Envelope(request.run, emit))
            runner = Runner(hosts, tree.deploy(request.deploy), emit, companions, locks.permit)
            runner.check()
            emit(AllPlanned())
            if answer := sys.stdin.readline():
                runner.apply(Go.model_validate_json(answer))
    finally:
        locks.release()


def main() -> int:
    """Serve one request."""
    events = _own_stdout()
    get_hub().exception_stream = None  # who waits for an answer is told what became of it; gevent would print it as well
    logging.getLogger("pyinfra").setLevel(logging.CRITICAL)
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)

    def emit(line: BaseModel) -> None:
        events.write(line.model_dump_json() + "\n")

    use(os.environ.get("WIZARA_LANGUAGE", "en"))
    request = Request.model_validate_json(sys.stdin.readline())
    tree.expose()
    try:
        ministry = load(Path(request.folder), enrolled=Path(request.enrolled) if request.enrolled else None)
        secrets = {
            node: {name: Secret(value) for name, value in opened.items()} for node, opened in request.secrets.items()
        }
        hosts = host_data(ministry, run=request.run, ssh_key=request.ssh_key, secrets=secrets)
        chosen = {name: hosts[name] for name in request.nodes}
        if request.verb == "plan":
            Runner(chosen, tree.deploy(request.deploy), emit).check()
            emit(AllPlanned())
        else:
            _apply(request, ministry, chosen, emit)
    except WizaraError as fault:
        emit(Fault(code=fault.code, message=str(fault)))
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
