"""A disk of this computer that is full or only read: told in one line, and nothing that is there already is lost by it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from wizara.errors import UsageFault
from wizara.record import Journal, RunFolder
from wizara.record.run import Run
from wizara.record.unwritable import Unopened, Unwritable
from wizara.record.world import World


def fill(journal: Journal) -> None:
    """Let the disk have no room for one page more, as SQLite sees it."""
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count={pages}")


def test_a_journal_on_a_full_disk_says_so_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        journal.append("r", "intent", "a")
        fill(journal)
        with pytest.raises(Unwritable, match=r"journal\.db cannot be written: .*full.*make room"):
            journal.append("r", "step", "a", text="x" * 50_000)
        journal._connection.execute("PRAGMA max_page_count=100000")
        journal.append("r", "step", "a", text="y")
        assert [entry.kind for entry in journal.entries()] == ["begin", "intent", "step"]
        assert journal.faults() == ()


def test_a_line_that_the_disk_does_not_take_is_told_with_its_place(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "apply", "mps", World())
    (folder.path / "events.jsonl").symlink_to("/dev/full")
    with pytest.raises(Unwritable, match=r"events\.jsonl cannot be written: No space left on device"):
        folder.append("events.jsonl", folder.run)


@pytest.fixture
def read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one run that nothing can be written to any more."""
    RunFolder.create(tmp_path, "apply", "mps", World())
    opened, made = os.open, Path.mkdir

    def refusing(path: Any, flags: int, *more: Any, **settings: Any) -> int:
        if str(path).startswith(str(tmp_path)) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return opened(path, flags, *more, **settings)

    def unmade(path: Path, *more: Any, **settings: Any) -> None:
        if str(path).startswith(str(tmp_path)) and not path.exists():
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        made(path, *more, **settings)

    monkeypatch.setattr(os, "open", refusing)
    monkeypatch.setattr(Path, "mkdir", unmade)
    return tmp_path


def test_nothing_is_begun_where_nothing_can_be_kept(read_only: Path) -> None:
    with pytest.raises(Unopened, match="Read-only file system") as told:
        RunFolder.create(read_only, "plan", "mps", World())
    assert isinstance(told.value, UsageFault)
    with pytest.raises(Unopened, match="Read-only file system"):
        Journal.open(read_only)


def test_a_journal_that_cannot_be_written_is_read_to_its_newest_entry(read_only: Path) -> None:
    before = sorted(path.name for path in read_only.iterdir())
    with Journal.reading(read_only) as journal:
        assert [entry.kind for entry in journal.entries()] == ["begin", "run"]
    assert sorted(path.name for path in read_only.iterdir()) == before
    assert RunFolder.open(read_only, "last").read("run.json", Run).verb == "apply"
