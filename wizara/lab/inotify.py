"""Raises this computer's limit of inotify instances while labs are up: at the kernel's default machines die silently."""

from __future__ import annotations

from pathlib import Path

from wizara.lab import namespace

_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
#: What the limit was before the first lab; gone with this computer's next boot, as the raised limit is.
_MEMORY = Path("/run/wizara-inotify")
#: Enough for 20 machines, as measured.
NEEDED = 1024


def current() -> int:
    """Return the limit now."""
    return int(_LIMIT.read_text())


def raise_limit() -> None:
    """Raise the limit where it is too low, and remember what it was."""
    before = current()
    if before < NEEDED:
        _MEMORY.write_text(f"{before}\n")
        _LIMIT.write_text(str(NEEDED))


def restore() -> None:
    """Put the limit back, once no lab is up any more."""
    if _MEMORY.exists() and not namespace.any_lab():
        _LIMIT.write_text(_MEMORY.read_text().strip())
        _MEMORY.unlink()
