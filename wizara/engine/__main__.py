"""The engine's worker: reads one request on standard input, writes events on standard output, a JSON line each."""

from __future__ import annotations

from gevent import get_hub, monkey

monkey.patch_all()

import logging  # noqa: E402 - nothing may be imported before the patch
import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TextIO  # noqa: E402

import gevent  # noqa: E402
from pydantic import BaseModel  # noqa: E402

from wizara import tree  # noqa: E402
from wizara.engine import carrier  # noqa: E402
from wizara.engine.hosts import host_data, way  # noqa: E402
from wizara.engine.request import Request  # noqa: E402
from wizara.errors import ExitCode, WizaraError  # noqa: E402
from wizara.inventory import load  # noqa: E402
from wizara.inventory.secrets import Secret  # noqa: E402
from wizara.record.progress import Fault  # noqa: E402
from wizara.text import use  # noqa: E402

_LOOK_SECONDS = 0.5


def _own_stdout() -> TextIO:
    """Keep standard output for events alone: whatever a library prints goes to standard error."""
    events = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return events


def _die_with(parent: int) -> None:
    """End as a killed worker does once the command that started this one is gone: its locks must be free, and nobody says go."""
    while os.getppid() == parent:
        gevent.sleep(_LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    """Serve one request."""
    events = _own_stdout()
    gevent.spawn(_die_with, os.getppid())
    get_hub().exception_stream = (
        None  # who waits for an answer is told what became of it; gevent would print it as well
    )
    logging.getLogger("pyinfra").setLevel(logging.CRITICAL)
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)

    def emit(line: BaseModel) -> None:
        try:
            events.write(line.model_dump_json() + "\n")
            events.flush()
        except BrokenPipeError:
            # Whoever started this one is gone: no step has failed by that, and no other is begun. Nodes and locks see a killed run.
            os._exit(ExitCode.INTERRUPTED)

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
        for name, data in chosen.items():
            if data["wizara_host_key"]:
                carrier.begin(way(name, data))
        gevent.sleep(0)
        from wizara.engine.work import serve  # noqa: PLC0415 - it loads for half a second, in which connections come about

        serve(request, ministry, chosen, emit)
    except WizaraError as fault:
        emit(Fault(code=fault.code, message=str(fault)))
    return ExitCode.DONE


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # nothing is left to do, and taking a hundred connections down one by one takes time
