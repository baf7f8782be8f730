"""The journal: whatever is done to it afterwards is seen, and what was told to be written is there."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wizara.errors import UsageFault
from wizara.record.journal import FILE, Journal
from wizara.record.run import Head


def written(runs: Path, count: int = 12) -> list[Head]:
    with Journal.open(runs) as journal:
        return [journal.append("r1", "step", "gw-hq", number=number) for number in range(count)]


def tampered(runs: Path, *statements: str) -> None:
    """Do what somebody does who can write the file: the triggers do not stop him."""
    with sqlite3.connect(runs / FILE) as connection:
        connection.executescript(
            "DROP TRIGGER IF EXISTS no_edit; DROP TRIGGER IF EXISTS no_drop;" + ";".join(statements)
        )


def faults(runs: Path, heads: list[Head] | None = None) -> tuple[str, ...]:
    with Journal.open(runs) as journal:
        return journal.faults(heads or ())


def test_a_journal_nobody_touched_is_whole(tmp_path: Path) -> None:
    heads = written(tmp_path)
    assert faults(tmp_path, heads) == ()
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


EDITS: dict[str, str] = {
    "time": "UPDATE journal SET time = '2020-01-01' WHERE seq = 5",
    "run": "UPDATE journal SET run = 'r2' WHERE seq = 5",
    "kind": "UPDATE journal SET kind = 'node' WHERE seq = 5",
    "node": "UPDATE journal SET node = 'dc1' WHERE seq = 5",
    "body": "UPDATE journal SET body = '{}' WHERE seq = 5",
    "hash": "UPDATE journal SET hash = 'f00' WHERE seq = 5",
    "last hash": "UPDATE journal SET hash = 'f00' WHERE seq = 12",
    "dropped": "DELETE FROM journal WHERE seq = 5",
    "dropped, closed up": "DELETE FROM journal WHERE seq = 5; UPDATE journal SET seq = seq - 1 WHERE seq > 5",
    "reordered": "UPDATE journal SET seq = -1 WHERE seq = 5; UPDATE journal SET seq = 5 WHERE seq = 6; UPDATE journal SET seq = 6 WHERE seq = -1",
    "first dropped": "DELETE FROM journal WHERE seq = 0",
}


@pytest.mark.parametrize("statement", EDITS.values(), ids=EDITS)
def test_an_edit_is_found(tmp_path: Path, statement: str) -> None:
    written(tmp_path)
    tampered(tmp_path, statement)
    assert faults(tmp_path)


def test_an_entry_that_is_no_text_is_found_and_breaks_nothing(tmp_path: Path) -> None:
    written(tmp_path)
    tampered(
        tmp_path, "UPDATE journal SET body = x'ff00' WHERE seq = 5", "UPDATE journal SET body = '{' WHERE seq = 12"
    )
    assert len(faults(tmp_path)) == 2
    with Journal.open(tmp_path) as journal:
        assert [one.told for one in journal.entries() if one.seq in {5, 12}] == [{}, {}]


def test_a_node_remembers_a_run_of_a_journal_that_was_written_anew(tmp_path: Path) -> None:
    before = [head.model_copy(update={"kept": "gw-hq", "run": "r1"}) for head in written(tmp_path / "before")]
    written(tmp_path / "anew")
    (fault,) = faults(tmp_path / "anew", before[-1:])
    assert "gw-hq" in fault
    assert "r1" in fault
    others = [before[-1].model_copy(update={"run": "r9"})]
    assert faults(tmp_path / "anew", others) == ()


def test_every_entry_of_a_thousand_is_guarded(tmp_path: Path) -> None:
    written(tmp_path, 1000)
    for seq in (*range(0, 1000, 83), 1000):
        tampered(tmp_path, f"UPDATE journal SET body = body || ' ' WHERE seq = {seq}")
        assert faults(tmp_path), seq
        tampered(tmp_path, f"UPDATE journal SET body = rtrim(body) WHERE seq = {seq}")
    assert faults(tmp_path) == ()


def test_a_cut_end_is_found_by_a_head_kept_elsewhere(tmp_path: Path) -> None:
    heads = written(tmp_path)
    tampered(tmp_path, "DELETE FROM journal WHERE seq > 9")
    assert faults(tmp_path) == ()
    assert faults(tmp_path, heads[:9]) == ()
    assert len(faults(tmp_path, heads)) == 3


def test_a_rewritten_chain_is_found_by_a_head_kept_elsewhere(tmp_path: Path) -> None:
    heads = written(tmp_path)
    for file in tmp_path.iterdir():
        file.unlink()
    written(tmp_path)
    assert faults(tmp_path) == ()
    with Journal.open(tmp_path) as journal:
        assert journal.faults(heads) == (), "another engineer's journal is none of ours"
        assert len(journal.faults(runs=heads)) == 12, "the runs of this folder saw another one"


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\nfrom wizara.record.journal import Journal\n"
        "journal = Journal.open(pathlib.Path(sys.argv[1]))\nnumber = 0\n"
        "while True:\n    print(journal.append('r1', 'step', 'n', number=number).seq, flush=True)\n    number += 1\n"
    )
    last = 0
    for wanted in (5, 17, 41):
        with subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            for _line in range(wanted):
                last = int(writer.stdout.readline())
            os.kill(writer.pid, signal.SIGKILL)
            last = max([last, *(int(line) for line in writer.stdout.read().splitlines())])
        with Journal.open(tmp_path) as journal:
            assert journal.faults() == ()
            assert [entry.seq for entry in journal.entries()][-1] >= last


def test_many_processes_begin_one_journal_at_the_same_moment(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib, time\nfrom wizara.record.journal import Journal\n"
        "sys.stdout.write('.'); sys.stdout.flush(); sys.stdin.readline()\n"
        "for number in range(20): Journal.open(pathlib.Path(sys.argv[1]) / str(number)).close()\n"
    )
    line = [sys.executable, "-c", program, str(tmp_path)]
    openers = [subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _number in range(6)]
    for one in openers:
        assert one.stdout is not None
        one.stdout.read(1)
    for one in openers:
        assert one.stdin is not None
        one.stdin.close()
    assert [one.wait(timeout=60) for one in openers] == [0] * 6
    for number in range(20):
        with Journal.open(tmp_path / str(number)) as journal:
            assert len(list(journal.entries())) == 1


def test_several_writers_make_one_chain(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\nfrom wizara.record.journal import Journal\n"
        "with Journal.open(pathlib.Path(sys.argv[1])) as journal:\n"
        "    for number in range(40): journal.append(sys.argv[2], 'step', 'n', number=number)\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path), name]) for name in ("a", "b", "c")]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    with Journal.open(tmp_path) as journal:
        assert journal.faults() == ()
        assert len(list(journal.entries())) == 121


@pytest.fixture
def begun(tmp_path: Path) -> Callable[..., Journal]:
    def build(*told: tuple[str, str, str]) -> Journal:
        journal = Journal.open(tmp_path)
        for run, kind, node in told:
            journal.append(run, kind, node, world="field", ministry="mps", name="Packet filter")
        return journal

    return build


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([("r1", "run", ""), ("r1", "intent", "a"), ("r1", "node", "a")], []),
        ([("r1", "run", ""), ("r1", "intent", "a"), ("r1", "step", "a")], [("r1", "a", "Packet filter")]),
        ([("r1", "run", ""), ("r1", "intent", "a")], [("r1", "a", "")]),
        ([("r1", "run", ""), ("r1", "intent", "a"), ("r2", "run", ""), ("r2", "intent", "a"), ("r2", "node", "a")], []),
        ([("r1", "run", ""), ("r1", "intent", "a"), ("r2", "run", ""), ("r2", "intent", "b"), ("r2", "node", "b")], [("r1", "a", "")]),
    ],
)  # fmt: skip
def test_what_was_begun_and_not_concluded_is_told(
    begun: Callable[..., Journal], told: list[tuple[str, str, str]], expected: list[tuple[str, str, str]]
) -> None:
    found = begun(*told).interrupted("field", "mps")
    assert [(one.run, one.node, one.step) for one in found] == expected


def test_another_world_is_not_told(begun: Callable[..., Journal]) -> None:
    assert begun(("r1", "run", ""), ("r1", "intent", "a")).interrupted("lab x", "mps") == ()


def test_a_file_that_is_no_journal_is_a_fault_with_its_place(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database" * 100)
    with pytest.raises(UsageFault, match=r"journal\.db"):
        Journal.open(tmp_path)


@pytest.mark.parametrize(
    "trigger",
    [
        "BEFORE INSERT ON journal BEGIN SELECT raise(IGNORE); END",
        "AFTER INSERT ON journal BEGIN UPDATE journal SET body = '{}' WHERE seq = NEW.seq; END",
    ],
)
def test_what_somebodys_trigger_swallows_is_never_acknowledged(tmp_path: Path, trigger: str) -> None:
    with Journal.open(tmp_path) as journal:
        with sqlite3.connect(journal.path) as connection:
            connection.executescript(f"DROP TRIGGER no_edit; CREATE TRIGGER swallow {trigger};")
        with pytest.raises(UsageFault, match="does not keep"):
            journal.append("r1", "step", "gw-hq", number=1)
