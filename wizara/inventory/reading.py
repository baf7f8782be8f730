"""Reads the text files of an inventory without trusting them: what kind of file, how large, which encoding."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from wizara.errors import UsageFault
from wizara.place import Place
from wizara.text import _

FILE_LIMIT = 256 * 1024
"""Bytes a file that people write."""
ENROLLED_LIMIT = 16 * FILE_LIMIT
"""Bytes of ``enrolled.yaml``, which wizara writes for thousands of nodes."""
MINISTRY_LIMIT = 64 * 1024 * 1024
"""Bytes of all files of a ministry together."""
SITES_LIMIT = 10_000
"""Site files a ministry."""

#: YAML 1.2 §5.1: what may not stand in a stream.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: What would make a name look like another on a terminal.
_INVISIBLE = re.compile(r"[\u0080-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_OTHER_ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00\x00": "UTF-32"}


def shown(path: Path | str) -> str:
    """Return a file name as it may go to a terminal."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    text = _UNPRINTABLE.sub(lambda found: f"\\x{ord(found[0]):02x}", text.replace("\n", "\\n").replace("\r", "\\r"))
    return _INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def read(path: Path, folder: Path | None, limit: int = FILE_LIMIT) -> str:
    """Return the text of the file *path* of at most *limit* bytes, which has to lie within *folder*, where one is given."""
    place = Place(shown(path))
    if folder is not None:
        _check_inside(path, folder, place)
    return decode(_bytes(path, place, limit), place.file)


def read_pipe(path: Path, limit: int = FILE_LIMIT) -> str:
    """Return the text of the file *path*, which may be a pipe that is waited for."""
    place = Place(shown(path))
    return decode(_bytes(path, place, limit, piped=True), place.file)


def _check_inside(path: Path, folder: Path, place: Place) -> None:
    try:
        inside = path.resolve(strict=True).is_relative_to(folder.resolve())
    except (OSError, RuntimeError) as fault:
        raise UsageFault(_unreadable(fault), place=place) from fault
    if not inside:
        raise UsageFault(_("leads out of the inventory's folder"), place=place,
                         hint=_("put the file itself here instead of a link"))  # fmt: skip


def _bytes(path: Path, place: Place, limit: int, *, piped: bool = False) -> bytes:
    """Return the bytes of a regular file; a device, and a pipe unless *piped*, is refused, not waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | (0 if piped else os.O_NONBLOCK))
    except OSError as fault:
        raise UsageFault(_unreadable(fault), place=place) from fault
    try:
        kind = os.fstat(descriptor)
        if not stat.S_ISREG(kind.st_mode) and not (piped and stat.S_ISFIFO(kind.st_mode)):
            raise UsageFault(_("is not a file"), place=place)
        content = b"" if kind.st_size > limit else _all(descriptor, limit)
    except OSError as fault:
        raise UsageFault(_unreadable(fault), place=place) from fault
    finally:
        os.close(descriptor)
    if max(len(content), kind.st_size) > limit:
        raise UsageFault(_("is larger than {limit} KiB").format(limit=limit // 1024), place=place)
    return content


def _all(descriptor: int, limit: int) -> bytes:
    """Return what the file holds, a little beyond the limit at most."""
    content = b""
    while len(content) <= limit and (more := os.read(descriptor, limit + 1 - len(content))):
        content += more
    return content


def _unreadable(fault: Exception) -> str:
    if isinstance(fault, FileNotFoundError):
        return _("is missing")
    if isinstance(fault, IsADirectoryError):
        return _("is not a file")
    reason = fault.strerror if isinstance(fault, OSError) and fault.strerror else type(fault).__name__
    return _("cannot be read: {reason}").format(reason=reason)


def decode(content: bytes, file: str) -> str:
    """Return *content* as text: UTF-8 with or without a byte order mark, and nothing YAML forbids."""
    for mark, encoding in _OTHER_ENCODINGS.items():
        if content.startswith(mark):
            raise UsageFault(
                _("is {encoding}").format(encoding=encoding), place=Place(file), hint=_("save it as UTF-8")
            )
    nul = content.find(0)
    if nul >= 0:
        raise UsageFault(
            _("holds a NUL byte: this is no text file"), place=_place(file, content[:nul].decode("utf-8", "replace"))
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        before = content[: fault.start].decode("utf-8", "replace")
        raise UsageFault(_("is not UTF-8 text"), place=_place(file, before), hint=_("save it as UTF-8")) from None
    found = _UNPRINTABLE.search(text)
    if found:
        raise UsageFault(_("holds the control character U+{code}").format(code=f"{ord(found[0]):04X}"),
                         place=_place(file, text[: found.start()]))  # fmt: skip
    return text


def _place(file: str, before: str) -> Place:
    return Place(file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
