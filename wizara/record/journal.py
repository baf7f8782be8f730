"""The journal of all runs of a folder: append-only, each entry chained to the one before, durable once told."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from pydantic import JsonValue

from wizara.errors import UsageFault
from wizara.place import Place
from wizara.record.run import Head, Record
from wizara.record.unwritable import Unopened, beginning, writing
from wizara.text import _

FILE = "journal.db"
_TABLE = """
CREATE TABLE IF NOT EXISTS journal (
  seq INTEGER PRIMARY KEY, time TEXT NOT NULL, run TEXT NOT NULL, kind TEXT NOT NULL, node TEXT NOT NULL,
  body TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS by_node ON journal (node, kind, seq);
CREATE INDEX IF NOT EXISTS by_run ON journal (run, kind);
CREATE TRIGGER IF NOT EXISTS no_edit BEFORE UPDATE ON journal BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS no_drop BEFORE DELETE ON journal BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;
"""
# Begun, not concluded, and nothing newer was begun on that node in that world.
_OPEN = """
WITH here AS (SELECT run FROM journal WHERE kind = 'run'
              AND json_extract(body, '$.world') = ? AND json_extract(body, '$.ministry') = ?)
SELECT i.run, i.node, i.time FROM journal i WHERE i.kind = 'intent' AND i.run IN here
  AND NOT EXISTS (SELECT 1 FROM journal e WHERE e.run = i.run AND e.node = i.node AND e.kind = 'node')
  AND NOT EXISTS (SELECT 1 FROM journal l WHERE l.node = i.node AND l.kind = 'intent' AND l.seq > i.seq AND l.run IN here)
ORDER BY i.seq
"""
_COLUMNS = "seq, time, run, kind, node, body, previous, hash"


class Entry(Record):
    """One line of the journal. ``hash`` covers all the other fields, ``previous`` among them."""

    seq: int
    time: str
    """UTC, ISO 8601."""
    run: str
    kind: str
    """``begin`` of the journal itself, ``run``, ``intent``, ``step``, ``node`` and ``end``."""
    node: str
    body: str
    """JSON of what the kind tells."""
    previous: str
    hash: str

    def digest(self) -> str:
        """Return what the hash must be: SHA-256 over the canonical JSON of the other fields."""
        told = [self.seq, self.time, self.run, self.kind, self.node, self.body, self.previous]
        return hashlib.sha256(json.dumps(told, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()

    @property
    def told(self) -> dict[str, Any]:
        """The body, parsed."""
        try:
            content = json.loads(self.body)
        except ValueError:  # somebody else's hand: log verify tells
            return {}
        return content if isinstance(content, dict) else {}


class Interruption(Record):
    """A node that a run began to change and did not conclude: killed, cut off, or still at it."""

    run: str
    node: str
    time: str
    step: str
    """The last step that was acknowledged; empty when none was."""


class Journal:
    """The journal of one folder of runs; several processes may append to it at once."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def open(cls, runs: Path) -> Self:
        """Open the journal of the folder *runs*, and begin one where there is none; UsageFault when it is no journal."""
        path = runs / FILE
        with beginning(), _legible(path), writing(path), _one_at_a_time(runs):
            connection = sqlite3.connect(path, timeout=30, isolation_level=None)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.executescript(_TABLE)
            journal = cls(path, connection)
            journal._begin()
        return journal

    @classmethod
    @contextmanager
    def reading(cls, runs: Path) -> Iterator[Self]:
        """Yield the journal of *runs* to read it, also where nothing can be written: a copy of it then."""
        try:
            journal = cls.open(runs)
        except Unopened:
            if not (runs / FILE).is_file():
                raise
            with tempfile.TemporaryDirectory(prefix="wizara-journal-") as folder, beginning(), writing(Path(folder)):
                for name in (FILE, f"{FILE}-wal"):  # the newest entries may stand in the second one only
                    if (runs / name).exists():
                        shutil.copyfile(runs / name, Path(folder) / name)
                with cls.open(Path(folder)) as copy:
                    yield copy
            return
        with journal:
            yield journal

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self.close()

    def append(self, run: str, kind: str, node: str = "", **body: JsonValue) -> Head:
        """Add an entry; it is on the disk when this returns."""
        with _legible(self.path), writing(self.path), self._alone():
            return self._append(run, kind, node, body)

    def entries(self) -> Iterator[Entry]:
        """Yield all entries, the oldest first."""
        with _legible(self.path):
            for row in self._connection.execute(f"SELECT {_COLUMNS} FROM journal ORDER BY seq"):  # noqa: S608 - names of ours
                yield Entry.model_validate(dict(zip(_COLUMNS.split(", "), map(_plain, row), strict=True)))

    def faults(self, heads: Collection[Head] = (), runs: Iterable[Head] = ()) -> tuple[str, ...]:
        """Return, in words, each place where the chain is broken, or is not what others have seen of it.

        *heads* of other journals, seen by nodes, are another engineer's, unless they are of a run that this journal tells of;
        the *runs* of this folder have no other journal.
        """
        found: list[str] = []
        hashes: dict[int, str] = {}
        told: set[str] = set()
        expected, previous = 0, ""
        for entry in self.entries():
            if entry.seq != expected:
                found.append(_("entry {seq}: {expected} was expected here").format(seq=entry.seq, expected=expected))
            if entry.digest() != entry.hash:
                found.append(_("entry {seq} was edited").format(seq=entry.seq))
            if entry.previous != previous:
                found.append(_("entry {seq} does not follow the one before it").format(seq=entry.seq))
            hashes[entry.seq] = previous = entry.hash
            told.add(entry.run)
            expected = entry.seq + 1
        own = hashes.get(0)
        for head in (*runs, *(head for head in heads if head.journal == own)):
            if head.journal != own or hashes.get(head.seq) != head.hash:
                words = _("entry {seq} is not the one that {keeper} has seen: cut off, or rewritten")
                found.append(words.format(seq=head.seq, keeper=head.kept))
        for head in heads:
            if head.run and head.journal != own and head.run in told:
                words = _("{keeper} has seen the run {run} in another journal than this: this one was rewritten")
                found.append(words.format(keeper=head.kept, run=head.run))
        return tuple(dict.fromkeys(found))

    def forgotten(
        self, machines: Mapping[str, str], heads: Iterable[Head], world: str, ministry: str
    ) -> tuple[str, ...]:
        """Return, in words, each of the *machines* that holds none of *heads* of this journal, though a run left one there.

        *machines* that answered: node → fingerprint of its host key; one with another key than the run's never had it.
        """
        runs: set[str] = set()
        left: dict[str, Entry] = {}
        begun: dict[tuple[str, str], int] = {}
        for entry in self.entries():
            told = entry.told
            if entry.kind == "run" and (told.get("world"), told.get("ministry")) == (world, ministry):
                runs.add(entry.run)
            elif entry.kind == "intent":
                begun[entry.run, entry.node] = entry.seq
            elif entry.kind == "node" and entry.run in runs and told.get("kept"):
                left[entry.node] = entry
        own = self.name
        holding: dict[str, int] = {}
        for head in heads:
            if head.journal == own:
                holding[head.kept] = max(head.seq, holding.get(head.kept, 0))
        words = _(
            "{node} holds no head of this journal any more, though the run {run} left it one: removed, or the machine was put back"
        )
        older = _("{node} holds an older head of this journal than the run {run} left it: the machine was put back")
        return tuple(
            (older if node in holding else words).format(node=node, run=left[node].run)
            for node, fingerprint in machines.items()
            if node in left
            and holding.get(node, -1) < begun.get((left[node].run, node), 0)
            and left[node].told["kept"] == fingerprint
        )

    def interrupted(self, world: str, ministry: str) -> tuple[Interruption, ...]:
        """Return what was begun on a node in *world*, never told its end, and was not begun anew since."""
        with _legible(self.path):
            rows = self._connection.execute(_OPEN, (world, ministry)).fetchall()
            return tuple(
                Interruption(run=run, node=node, time=time, step=self._last_step(run, node)) for run, node, time in rows
            )

    def _last_step(self, run: str, node: str) -> str:
        words = "SELECT json_extract(body, '$.name') FROM journal WHERE run = ? AND node = ? AND kind = 'step' ORDER BY seq DESC LIMIT 1"
        row = self._connection.execute(words, (run, node)).fetchone()
        return str(row[0]) if row else ""

    @property
    def name(self) -> str:
        """The journal's own name: the hash of its first entry."""
        row = self._connection.execute("SELECT hash FROM journal WHERE seq = 0").fetchone()
        return str(row[0]) if row else ""

    def _begin(self) -> None:
        with self._alone():
            if self._connection.execute("SELECT count(*) FROM journal").fetchone()[0] == 0:
                self._append("", "begin", "", {"name": secrets.token_hex(16)})

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk has ended it already
                self._connection.execute("ROLLBACK")
            raise

    def _append(self, run: str, kind: str, node: str, body: dict[str, JsonValue]) -> Head:
        last = self._connection.execute("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
        seq, previous = (int(last[0]) + 1, str(last[1])) if last else (0, "")
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry = Entry(seq=seq, time=moment, run=run, kind=kind, node=node, body=text, previous=previous, hash="")
        digest = entry.digest()
        row = (seq, moment, run, kind, node, text, previous, digest)
        self._connection.execute(f"INSERT INTO journal ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608 - names of ours
        kept = self._connection.execute(f"SELECT {_COLUMNS} FROM journal WHERE seq = ?", (seq,)).fetchone()  # noqa: S608 - the same
        if kept != row:  # somebody's trigger: nothing may be acknowledged that is not told
            raise sqlite3.DatabaseError(_("it does not keep what is written to it"))
        return Head(journal=digest if seq == 0 else self.name, seq=seq, hash=digest)


def _plain(value: object) -> object:
    """Return a column's value as an entry holds it; what else somebody wrote there becomes text, of another digest."""
    return value if isinstance(value, (int, str)) else repr(value)


@contextmanager
def _one_at_a_time(runs: Path) -> Iterator[None]:
    """Let one process at a time begin a journal in *runs*: SQLite does not wait while a new file is turned to WAL."""
    runs.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(runs / FILE, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    folder = os.open(runs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


@contextmanager
def _legible(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as fault:
        raise UsageFault(
            _("the journal cannot be used: {fault}").format(fault=fault), place=Place(str(path)),
            hint=_("keep the file for whoever looks into it; --runs names another folder"),
        ) from fault  # fmt: skip
