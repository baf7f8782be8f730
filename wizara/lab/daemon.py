"""Starts the processes that serve a lab, each in its control group and namespace from its first instruction on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from wizara.lab import cgroup, namespace, state

#: Joins the groups named before the ``--`` and becomes what stands after it: no moment in which it could be lost sight of.
_JOIN = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs"; shift; done; shift; exec "$@"'


def start(lab: str, purpose: str, argv: Sequence[str], place: str | None = None) -> state.KeptProcess:
    """Start *argv*, in the namespace of *place* where one is given, writing to ``log/<purpose>.log``."""
    groups = [base / cgroup.folder(lab) / purpose for base in cgroup.bases()]
    for group in groups:
        group.mkdir(parents=True, exist_ok=True)
    into = ["nsenter", f"--net={namespace.path(lab, place)}", "--"] if place else []
    log = state.folder(lab) / "log"
    log.mkdir(mode=0o700, exist_ok=True)
    with (log / f"{purpose}.log").open("ab") as output:
        process = subprocess.Popen(
            ["sh", "-c", _JOIN, "wizara", *map(str, groups), "--", *into, *argv],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, env=environment(),
        )  # fmt: skip
    return state.KeptProcess(pid=process.pid, start=state.started(process.pid) or 0, purpose=purpose)


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of the lab in this very Python."""
    return [sys.executable, "-m", f"wizara.lab.{module}", *arguments]


def environment() -> dict[str, str]:
    """Return the environment of the lab's processes: this one's, and the way to wizara itself."""
    home = str(Path(__file__).resolve().parents[2])
    return {**os.environ, "PYTHONPATH": home, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
