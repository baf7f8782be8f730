"""Raises this computer's limit of inotify instances while labs are up: at the kernel's default machines die silently."""

from __future__ import annotations

from pathlib import Path

from wizara.lab import namespace

_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
#: Enough for 20 machines, as measured.
NEEDED = 1024


def current() -> int:
    """Return the limit now."""
    return int(_LIMIT.read_text())


def raise_limit() -> int | None:
    """Raise the limit where it is too low and return what it was; None when it was high enough."""
    before = current()
    if before >= NEEDED:
        return None
    _LIMIT.write_text(str(NEEDED))
    return before


def restore(before: int | None) -> None:
    """Put the limit back, once no lab is up any more."""
    if before is not None and not any(namespace.FOLDER.glob("wz-*.core")):
        _LIMIT.write_text(str(before))
