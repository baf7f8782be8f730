"""The engine's worker: reads one request on standard input, writes events on standard output, a JSON line each."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import logging  # noqa: E402 - nothing may be imported before the patch
import os  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TextIO  # noqa: E402

from pydantic import BaseModel  # noqa: E402

from wizara import tree  # noqa: E402
from wizara.engine.connector import host_data  # noqa: E402
from wizara.engine.envelope import Envelope  # noqa: E402
from wizara.engine.request import Go, Request  # noqa: E402
from wizara.engine.runner import Runner  # noqa: E402
from wizara.errors import ExitCode, WizaraError  # noqa: E402
from wizara.inventory import load  # noqa: E402
from wizara.inventory.secrets import Secret  # noqa: E402
from wizara.record.progress import AllPlanned, Fault  # noqa: E402
from wizara.text import use  # noqa: E402


def _own_stdout() -> TextIO:
    """Keep standard output for events alone: whatever a library prints goes to standard error."""
    events = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return events


def main() -> int:
    """Serve one request."""
    events = _own_stdout()
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
        companions = () if request.console else (Envelope(request.run, emit),)
        runner = Runner({name: hosts[name] for name in request.nodes}, tree.deploy(request.deploy), emit, companions)
        runner.check()
        emit(AllPlanned())
        if request.verb == "apply" and (answer := sys.stdin.readline()):
            runner.apply(Go.model_validate_json(answer).nodes)
    except WizaraError as fault:
        emit(Fault(code=fault.code, message=str(fault)))
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
