"""Looks, every 20 ms, at what another local user could see of this computer and of a machine on it."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

EVERY = 0.02
#: Where secrets land, pass, or might be left.
_FOLDERS = (
    "tmp", "var/tmp", "dev/shm", "run/wizara", "etc/ssl/wizara", "var/lib/rspamd/dkim", "etc/dovecot", "etc/wireguard", "etc/postfix",
    "etc/sudoers.d", "root", "home/wizara", "var/lib/wizara",
)  # fmt: skip
_LARGEST = 1 << 20


@dataclass
class Watched:
    """What was seen; processes by what they are called with and in, files that others may read."""

    samples: int = 0
    processes: set[bytes] = field(default_factory=set)
    open_files: dict[str, bytes] = field(default_factory=dict)
    """Path → content, of files that are readable by everybody when they were looked at."""

    def texts(self) -> bytes:
        """Return all command lines and environments."""
        return b"\n".join(self.processes)


def _processes(seen: Watched) -> None:
    for number in os.listdir("/proc"):  # noqa: PTH208 - fifty times a second
        if number.isdigit() and int(number) != os.getpid():
            with contextlib.suppress(OSError):
                seen.processes.add(Path(f"/proc/{number}/cmdline").read_bytes())
                seen.processes.add(Path(f"/proc/{number}/environ").read_bytes())


def _files(root: Path, seen: Watched, known: dict[str, tuple[int, int]], since: float) -> None:
    for name in _FOLDERS:
        with contextlib.suppress(OSError):
            for entry in os.scandir(root / name):
                _look(entry, seen, known, since)


def _look(entry: os.DirEntry[str], seen: Watched, known: dict[str, tuple[int, int]], since: float) -> None:
    with contextlib.suppress(OSError):
        found = entry.stat(follow_symlinks=False)
        mark = (found.st_mtime_ns, found.st_mode)
        readable = stat.S_ISREG(found.st_mode) and found.st_mode & stat.S_IROTH and found.st_size <= _LARGEST
        if readable and found.st_ctime >= since and known.get(entry.path) != mark:
            known[entry.path] = mark
            seen.open_files[entry.path] = seen.open_files.get(entry.path, b"") + Path(entry.path).read_bytes()


@contextlib.contextmanager
def watched(root: Path) -> Iterator[Watched]:
    """Watch this computer, and the machine whose files are at *root*, while the block runs."""
    seen, done, known = Watched(), threading.Event(), dict[str, tuple[int, int]]()
    since = time.time()

    def sample() -> None:
        while not done.wait(EVERY):
            _processes(seen)
            for place in (root, Path("/")):
                _files(place, seen, known, since)
            seen.samples += 1

    watcher = threading.Thread(target=sample)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()
