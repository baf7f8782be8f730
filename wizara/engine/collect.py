"""The collectors' worker process: a job on standard input, observations as JSON lines on standard output.

The parent starts it in the network namespace to look from; passwords travel by the pipe only, which stays open as long as
the parent lives. Line kinds:
``observation``, and as the last one ``done`` or ``fault``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from wizara.audit import leash
from wizara.audit.job import Job
from wizara.audit.limits import Network
from wizara.audit.observation import Observation
from wizara.engine.reach import inside
from wizara.errors import ExitCode, Interrupted, Refusal, Unfinished, Unreachable, UsageFault, WizaraError
from wizara.text import _, language, use
from wizara.tree import load, root

_FAULTS: dict[str, type[WizaraError]] = {
    one.__name__: one for one in (Refusal, Unfinished, Unreachable, UsageFault, Interrupted)
}


def collect(job: Job, namespace: Path | None = None) -> Iterator[Observation]:
    """Run *job* in a worker, in the network *namespace* where given, and yield what it sees as it sees it.

    Raises the worker's fault: Refusal when a destination is outside the mandate; Unfinished when the worker died.
    """
    where = ["nsenter", f"--net={namespace}", "--"] if namespace else []
    command = [*where, sys.executable, "-m", "wizara.engine.collect"]
    paths = [str(root()), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "WIZARA_LANGUAGE": language()}
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    try:
        yield from _listen(worker, job)
    finally:
        worker.kill() if worker.poll() is None else None
        worker.wait()


def attached(networks: tuple[Network, ...], interface: str | None, namespace: Path | None) -> set[Network]:
    """Return those of *networks* that this computer (or *namespace*) is plugged into, with *interface* where one is named."""
    found = [one for one in inside(namespace, load("audits.lan.wire.ports").ports) if interface in {None, one.name}]
    return {one for one in networks if one.is_loopback or any(port.attached(one) for port in found)}


def _listen(worker: subprocess.Popen[bytes], job: Job) -> Iterator[Observation]:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(job.secret_json() + b"\n")
    worker.stdin.flush()
    for line in worker.stdout:
        told = json.loads(line)
        if told["kind"] == "observation":
            yield Observation.model_validate(told["observation"])
        elif told["kind"] == "done":
            return
        else:
            raise _FAULTS.get(told["fault"], Unfinished)(told["message"], hint=told["hint"])
    raise Unfinished(_("the collectors died with code {code}").format(code=worker.wait()))


def main() -> None:
    """Be the worker."""
    import asyncio  # noqa: PLC0415 - only the worker needs it

    use(os.environ.get("WIZARA_LANGUAGE", "en"))
    try:
        job = Job.model_validate_json(sys.stdin.buffer.readline())
        leash.hold()
        collecting: Callable[[Job], AsyncIterator[Observation]] = load(f"audits.{job.subject}.collectors").collect
        asyncio.run(_tell(collecting(job)))
        _say({"kind": "done"})
    except WizaraError as fault:
        _say({"kind": "fault", "fault": type(fault).__name__, "message": fault.message, "hint": fault.hint})
    except (KeyboardInterrupt, BrokenPipeError):
        os._exit(ExitCode.INTERRUPTED)  # the parent is told, or gone; what was seen is with it
    except Exception as fault:  # noqa: BLE001 - a worker's traceback is no message to a person
        message = _("the collectors failed: {kind}: {fault}").format(kind=type(fault).__name__, fault=fault)
        _say({"kind": "fault", "fault": "Unfinished", "message": message, "hint": None})


async def _tell(observations: AsyncIterator[Observation]) -> None:
    async for seen in observations:
        _say({"kind": "observation", "observation": seen.model_dump(mode="json")})


def _say(line: dict[str, object]) -> None:
    sys.stdout.buffer.write(json.dumps(line).encode() + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
