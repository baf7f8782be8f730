"""A cache of a Debian archive on disk, filled from this computer's own mirrors, that many readers may use at once."""

from __future__ import annotations

import fcntl
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path, PurePosixPath
from typing import BinaryIO

_BLOCK = 1 << 16


class Absent(Exception):
    """The mirror answered with that HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def is_immutable(path: str) -> bool:
    """Tell whether the archive never changes what stands at *path*: packages, and indexes named by their digest."""
    return "/pool/" in path or "/by-hash/" in path


@dataclass
class Transfer:
    """One file on its way from the mirror, read by others while it grows."""

    part: Path
    total: int | None = None
    """Whole size in bytes, once known."""
    fault: BaseException | None = None
    ended: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)

    def tell(self) -> None:
        """Wake the readers."""
        with self.changed:
            self.changed.notify_all()

    def wait_start(self) -> None:
        """Return once the size is known or the transfer ended; raise what ended it."""
        with self.changed:
            self.changed.wait_for(lambda: self.total is not None or self.ended, timeout=60)
        if self.fault and self.total is None:
            raise self.fault

    def blocks(self, source: BinaryIO) -> Iterator[bytes]:
        """Yield the content as it comes into *source*, which was opened before the file could be moved to its place."""
        with source:
            while True:
                block = source.read(_BLOCK)
                if block:
                    yield block
                    continue
                with self.changed:
                    if self.ended:
                        break
                    self.changed.wait(timeout=5)
            yield from iter(lambda: source.read(_BLOCK), b"")
        if self.fault:
            raise self.fault


@dataclass(frozen=True)
class Reading:
    """One reader of a transfer."""

    transfer: Transfer
    source: BinaryIO

    @property
    def total(self) -> int:
        """Whole size in bytes."""
        assert self.transfer.total is not None
        return self.transfer.total

    def blocks(self) -> Iterator[bytes]:
        """Yield the content as it comes in."""
        return self.transfer.blocks(self.source)


class Cache:
    """Files of the archive under one folder."""

    def __init__(self, folder: Path, upstream: dict[str, str], proxies: dict[str, str]) -> None:
        self.folder = folder
        self.upstream = upstream
        """First word of a path → address it stands for."""
        self._running: dict[str, Transfer] = {}
        self._guard = threading.Lock()
        handlers = [urllib.request.ProxyHandler(proxies)] if proxies else []
        self._opener = urllib.request.build_opener(*handlers)

    def file(self, path: str) -> Path | Reading:
        """Return the file of *path*, or the transfer that is bringing it; raise Absent when there is none."""
        target = self._place(path)
        if is_immutable(path) and target.is_file():
            return target
        with self._guard:
            transfer = self._running.get(path)
            if transfer is None:
                target.parent.mkdir(parents=True, exist_ok=True)
                part = target.with_name(f"{target.name}.part")
                part.touch()
                transfer = self._running[path] = Transfer(part)
                threading.Thread(target=self._run, args=(path, target, transfer), daemon=True).start()
            try:
                source = transfer.part.open("rb")
            except FileNotFoundError:  # it came to its place this very moment
                return target
        try:
            transfer.wait_start()
        except urllib.error.HTTPError as fault:
            if fault.code == 304 and target.is_file():
                return target
            raise Absent(fault.code) from None
        except OSError:
            if target.is_file():  # offline: the last known state of the archive
                return target
            raise Absent(504) from None
        if transfer.ended and not transfer.fault:
            source.close()
            return target
        return Reading(transfer, source)

    def _place(self, path: str) -> Path:
        parts = PurePosixPath(path).parts
        if len(parts) < 3 or parts[1] not in self.upstream or ".." in parts or path.endswith((".part", ".lock")):
            raise Absent(404)
        return self.folder.joinpath(*parts[1:])

    def _run(self, path: str, target: Path, transfer: Transfer) -> None:
        try:
            with target.with_name(f"{target.name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # another lab may be fetching the same file
                if not (is_immutable(path) and target.is_file()):
                    self._fetch(path, target, transfer)
        except BaseException as fault:  # noqa: BLE001 - handed to the readers
            transfer.fault = fault
        finally:
            transfer.ended = True
            with self._guard:
                self._running.pop(path, None)
            transfer.tell()

    def _fetch(self, path: str, target: Path, transfer: Transfer) -> None:
        first, rest = path.lstrip("/").split("/", 1)
        request = urllib.request.Request(f"{self.upstream[first]}/{rest}")  # noqa: S310 - the address is apt's own
        held = transfer.part.stat().st_size if is_immutable(path) and transfer.part.exists() else 0
        if held:
            request.add_header("Range", f"bytes={held}-")
        if target.is_file():
            request.add_header("If-Modified-Since", formatdate(target.stat().st_mtime, usegmt=True))
        with self._opener.open(request, timeout=30) as answer, transfer.part.open("ab" if held else "wb") as sink:
            if held and answer.status != 206:
                sink.truncate(0)
                held = 0
            transfer.total = held + int(answer.headers["Content-Length"])
            transfer.tell()
            while block := answer.read(_BLOCK):
                sink.write(block)
                sink.flush()
                transfer.tell()
            modified = answer.headers.get("Last-Modified")
        if transfer.part.stat().st_size != transfer.total:
            raise ConnectionError("the mirror stopped in the middle")
        _stamp(transfer.part, modified)
        transfer.part.replace(target)


def _stamp(path: Path, modified: str | None) -> None:
    """Give *path* the time that the mirror says it was changed."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415

    if modified:
        moment = parsedate_to_datetime(modified).timestamp()
        os.utime(path, (moment, moment))
