"""A worker whose command is gone ends without a word, and one that waits for an open change says so."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from wizara.engine import runner
from wizara.engine.request import Request
from wizara.engine.runner import Runner
from wizara.engine.shell import Answer


def test_a_worker_that_nobody_hears_ends_at_once_and_blames_no_node() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    asked = Request(verb="plan", folder="/nonexistent", nodes=("a",), run="r").model_dump_json()
    done = subprocess.run(
        [sys.executable, "-m", "wizara.engine"], input=asked + "\n", stdout=writing, stderr=subprocess.PIPE, text=True,
        check=False,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.parametrize(("said", "words"), [(b"", []), (b"41\n", ["41 s"]), (b"3\n59\n", ["59 s"])])
def test_a_node_that_waits_for_an_open_change_says_so(
    said: bytes, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    line = SimpleNamespace(ask=lambda _question: Answer(0, said, b""))
    monkeypatch.setattr(runner, "connector", lambda _host: SimpleNamespace(line=line))
    host: Any = "gw-hq"
    asked: Any = SimpleNamespace(_emit=told.append)
    Runner._tell_wait(asked, host)
    assert [(one.phase, word in one.name) for one, word in zip(told, words, strict=True)] == [("check", True)] * len(
        words
    )
