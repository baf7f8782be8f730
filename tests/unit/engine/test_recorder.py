"""A journal that can no longer be written hides nothing of what befell a node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wizara.engine.recorder import Recorder
from wizara.record.unwritable import writing


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
