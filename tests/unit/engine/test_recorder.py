"""What befell a node is told without a journal too, and the journal says which machine holds a copy of its head."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wizara.engine.reach import HostKey
from wizara.engine.recorder import Recorder
from wizara.record.journal import Journal
from wizara.record.unwritable import writing

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGqt9pcV0cJ2GBZ3LJ4zyS6n7zOw4LwyKcGUIYP3Ad7G"


class Machine:
    """A node that takes what it is given, or does not."""

    def __init__(self, taken: bool) -> None:
        self.data = SimpleNamespace(wizara_host_key=KEY)
        self._taken = taken

    def __str__(self) -> str:
        return "gw-hq"

    def run_shell_command(self, *_words: Any, **_options: Any) -> tuple[bool, list[str]]:
        return self._taken, []


class Full:
    """A journal on a full disk."""

    def append(self, *_words: Any, **_body: Any) -> Any:
        with writing(Path("/runs/journal.db")):
            raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        ("", "/runs/journal.db cannot be written"),
        ("a step failed — rolled back at 10:00:00", "a step failed — rolled back at 10:00:00 — /runs/journal.db"),
    ],
)
def test_the_end_of_a_node_is_told_without_a_journal(failure: str, told: str) -> None:
    journal: Any = Full()
    host: Any = "gw-hq"
    assert Recorder(journal, "run").end(host, failure).startswith(told)
    said = Recorder(journal, "run").end(host, failure)
    assert Recorder(journal, "run").end(host, said) == said


@pytest.mark.parametrize("taken", [True, False])
def test_the_journal_says_which_machine_took_its_head(tmp_path: Path, taken: bool) -> None:
    host: Any = Machine(taken)
    with Journal.open(tmp_path) as journal:
        recorder = Recorder(journal, "run")
        recorder.begin(host, ())
        recorder.end(host, "")
        (told,) = (entry.told for entry in journal.entries() if entry.kind == "node")
    assert told.get("kept") == (HostKey.parse(KEY).fingerprint if taken else None)
