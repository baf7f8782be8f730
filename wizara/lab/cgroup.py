"""Gives every process of a lab a control group of its own, by which it can be found and ended whatever became of its parent."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from wizara.lab.namespace import mark

_MOUNT = Path("/sys/fs/cgroup")
#: Hierarchies that are joined where cgroups are of version 1 or hybrid: systemd's own, and those that count.
_HIERARCHIES = ("systemd", "unified", "memory", "pids")


def folder(lab: str) -> str:
    """Return the name of the folder that holds all groups of *lab*."""
    return f"wizara.{lab}@{mark()}"


def bases() -> list[Path]:
    """Return the folders that groups are made in: one a hierarchy, or this process's own delegated one."""
    if (_MOUNT / "cgroup.controllers").exists():
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        own = next((line[3:] for line in lines if line.startswith("0::")), "/")
        return [_MOUNT / own.split("/wizara.")[0].lstrip("/")]
    return [_MOUNT / name for name in _HIERARCHIES if (_MOUNT / name / "cgroup.procs").exists()]


def join(lab: str, place: str) -> None:
    """Put this process into the group *place* of the lab whose :func:`folder` is *lab*, made when it is not there."""
    for base in bases():
        group = base / lab / place
        group.mkdir(parents=True, exist_ok=True)
        (group / "cgroup.procs").write_text("0")


def groups(lab: str) -> list[Path]:
    """Return every control group that exists of *lab*, deepest first."""
    tops = [Path(top) / folder(lab) for top, names, _files in os.walk(_MOUNT) if folder(lab) in names]
    found = [Path(top) for start in tops for top, _names, _files in os.walk(start)]
    return sorted(found, key=lambda group: len(group.parts), reverse=True)


def members(lab: str) -> set[int]:
    """Return the processes in any group of *lab*."""
    pids: set[int] = set()
    for group in groups(lab):
        try:
            pids.update(int(line) for line in (group / "cgroup.procs").read_text().split())
        except OSError:
            continue  # gone meanwhile
    return pids - {os.getpid(), 0}


def kill(pids: set[int]) -> None:
    """End *pids* at once."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def remove(lab: str) -> None:
    """Remove the empty groups of *lab*."""
    for group in groups(lab):
        try:
            group.rmdir()
        except OSError:
            continue  # still holds a process that is ending; the caller asks again
