"""Finds and removes what a lab left on this computer, however its processes ended."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from wizara.errors import Unfinished
from wizara.lab import cgroup, inotify, namespace, state
from wizara.lab.process import run
from wizara.text import _


def remnants(name: str) -> list[str]:
    """Return what exists of the lab *name*: processes, namespaces, mounts, control groups and its state folder."""
    found = [f"process {pid} {_command(pid)}" for pid in sorted(processes(name))]
    found += [f"namespace {one}" for one in namespace.of_lab(name)]
    found += [f"mount {point}" for point in mounts(name)]
    found += [f"cgroup {group}" for group in cgroup.groups(name)]
    return found + ([f"folder {state.folder(name)}"] if state.folder(name).exists() else [])


def processes(name: str) -> set[int]:
    """Return the processes of the lab *name*: by control group, by namespace, and those that its state tells of."""
    pids = cgroup.members(name) | _in_namespaces(name)
    kept = state.load(name)
    if kept:
        pids |= {one.pid for one in kept.processes if one.start and state.started(one.pid) == one.start}
    return {pid for pid in pids - _own_line() if _is_alive(pid)}


def mounts(name: str) -> list[str]:
    """Return the mount points under the lab's state folder, deepest first."""
    start = f"{state.folder(name)}/"
    points = (
        line.split()[1].encode().decode("unicode_escape") for line in Path("/proc/self/mounts").read_text().splitlines()
    )
    return sorted((point for point in points if point.startswith(start)), key=len, reverse=True)


def clear(name: str, patience: float = 15) -> None:
    """Remove everything of the lab *name*; raise Unfinished when something will not go within *patience* seconds."""
    deadline = time.monotonic() + patience
    while pids := processes(name):
        cgroup.kill(pids)
        if time.monotonic() > deadline:
            raise Unfinished(_("processes of the lab do not end: {pids}").format(pids=" ".join(map(str, sorted(pids)))))
        time.sleep(0.05)
    for point in mounts(name):
        run(["umount", "--lazy", point])
    for one in namespace.of_lab(name):
        run(["ip", "netns", "del", one])
    while cgroup.groups(name) and time.monotonic() < deadline:
        cgroup.remove(name)
        time.sleep(0.02)
    shutil.rmtree(state.folder(name), ignore_errors=True)
    inotify.restore()
    left = remnants(name)
    if left:
        raise Unfinished(_("left of the lab: {things}").format(things="; ".join(left)))


def _in_namespaces(name: str) -> set[int]:
    inodes: set[int] = set()
    for one in namespace.of_lab(name):
        try:
            inodes.add((namespace.FOLDER / one).stat().st_ino)
        except OSError:
            continue
    pids: set[int] = set()
    for entry in Path("/proc").iterdir() if inodes else ():
        try:
            if entry.name.isdigit() and (entry / "ns/net").stat().st_ino in inodes:
                pids.add(int(entry.name))
        except OSError:
            continue  # ended meanwhile
    return pids


def _own_line() -> set[int]:
    """Return this process and those it descends from: an operator may ask for the end from within."""
    line, pid = set(), os.getpid()
    while pid > 1:
        line.add(pid)
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            break
    return line | {1}


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()[:80]
    except OSError:
        return ""
