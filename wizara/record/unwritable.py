"""What cannot be kept because the disk of this computer is full or is only read, told in one line."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wizara.errors import Unfinished, UsageFault
from wizara.text import _

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG}
_OF_THE_DISK = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}


class Unwritable(Unfinished):
    """Something that was to be kept could not be written."""


class Unopened(UsageFault):
    """A record cannot even be begun; nothing was contacted."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise Unwritable where the disk does not take what is written to *path*."""
    try:
        yield
    except OSError as fault:
        raise _unwritable(path, fault.strerror or str(fault), full=fault.errno in _FULL) from fault
    except sqlite3.DatabaseError as fault:
        if getattr(fault, "sqlite_errorcode", 0) & 0xFF not in _OF_THE_DISK:
            raise
        raise _unwritable(path, str(fault), full=True) from fault


@contextmanager
def beginning() -> Iterator[None]:
    """Raise Unopened where a record cannot be begun."""
    try:
        yield
    except Unwritable as fault:
        raise Unopened(fault.message, hint=fault.hint) from fault


def _unwritable(path: Path, reason: str, *, full: bool) -> Unwritable:
    room, another = (
        _("make room on this computer, or name another folder with --runs"),
        _("--runs names another folder"),
    )
    return Unwritable(
        _("{file} cannot be written: {reason}").format(file=path, reason=reason), hint=room if full else another
    )
