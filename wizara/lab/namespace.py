"""Names, enters and lists the network namespaces of labs."""

from __future__ import annotations

import ctypes
import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

FOLDER = Path("/run/netns")
CLONE_NEWNET = 0x40000000
CLONE_NEWNS = 0x00020000
_libc = ctypes.CDLL(None, use_errno=True)
_Result = TypeVar("_Result")


def mark() -> str:
    """Return what tells labs of this state folder from those of the same name in another's."""
    from wizara.record.world import state_folder  # noqa: PLC0415 - the launcher needs the standard library only

    return hashlib.sha256(os.fsencode(state_folder().resolve())).hexdigest()[:6]


def named(lab: str, place: str) -> str:
    """Return the name of *place*'s namespace; a dot parts lab and place, since neither can hold one."""
    return f"wz-{lab}.{place}@{mark()}"


def path(lab: str, place: str) -> Path:
    """Return the namespace file of *place* in *lab*."""
    return FOLDER / named(lab, place)


def of_lab(lab: str) -> list[str]:
    """Return the names of the namespaces that exist of *lab*."""
    return sorted(entry.name for entry in FOLDER.glob(f"wz-{lab}.*@{mark()}")) if FOLDER.is_dir() else []


def labs() -> set[str]:
    """Return the names of the labs of this state folder that have namespaces."""
    return {entry.name[3:].partition(".")[0] for entry in FOLDER.glob(f"wz-*.core@{mark()}")}


def any_lab() -> bool:
    """Tell whether there is a lab on this computer, of whatever state folder."""
    return any(FOLDER.glob("wz-*.core*"))


def enter(namespace: Path | str) -> None:
    """Move this thread into the network namespace of that file; raise OSError when it cannot."""
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc.setns(descriptor, CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(namespace))
    finally:
        os.close(descriptor)


def unshare_mounts() -> None:
    """Give this process its own view of mounts, which goes away with it."""
    if _libc.unshare(CLONE_NEWNS):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def within(namespace: Path | str, action: Callable[[], _Result]) -> _Result:
    """Return what *action* gives in that namespace, without moving this thread; raise what it raises."""
    results: list[_Result] = []
    faults: list[BaseException] = []

    def visit() -> None:
        try:
            enter(namespace)
            results.append(action())
        except BaseException as fault:  # noqa: BLE001 - handed to the caller's thread
            faults.append(fault)

    visitor = threading.Thread(target=visit)
    visitor.start()
    visitor.join()
    if faults:
        raise faults[0]
    return results[0]
