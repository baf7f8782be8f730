"""A result that cannot be written is told, in one line and by the exit code; a reader that went away is not told of."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wizara import tree
from wizara.record import Journal

WIZARA = [sys.executable, "-c", "from wizara.cli.main import main; main()"]


def wizara(*words: str, stdout: int, stderr: int = subprocess.PIPE) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": str(tree.root()), "LC_ALL": "C.UTF-8"}
    done = subprocess.run([*WIZARA, *words], stdout=stdout, stderr=stderr, text=True, env=environment, check=False)
    return done.returncode, done.stderr or ""


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    with Journal.open(tmp_path) as journal:
        journal.append("20261121T233500Z-apply-mps-1f3a", "step", "gw-hq", number=1, name="Time", changes=[])
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ["schema", "site"],  # by click
        ["log", "--runs", "RUNS"],  # by print, written as the process ends
        ["--help"],
    ],
    ids=" ".join,
)
def test_a_full_disk_behind_standard_output_is_one_line(words: list[str], runs: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended, err = wizara(*[word.replace("RUNS", str(runs)) for word in words], stdout=full.fileno())
    assert (ended, err) == (3, "standard output cannot be written: No space left on device\n")


@pytest.mark.parametrize(
    "words", [["schema", "site"], ["log", "--runs", "RUNS"], ["--help"], ["show", "mps", "--json"]], ids=" ".join
)
def test_a_reader_that_went_away_is_told_nothing(words: list[str], runs: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = wizara(*[word.replace("RUNS", str(runs)) for word in words], stdout=writing)
    finally:
        os.close(writing)
    assert ended == (0, "")


def test_a_full_disk_behind_the_words_changes_no_exit_code() -> None:
    with Path("/dev/full").open("w") as full:
        assert wizara("check", "nosuch", stdout=subprocess.DEVNULL, stderr=full.fileno())[0] == 2


def test_words_that_nobody_can_read_end_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert wizara("check", "mps", stdout=subprocess.DEVNULL, stderr=writing)[0] == 0
    finally:
        os.close(writing)
    with Path("/dev/full").open("w") as full:
        assert wizara("check", "mps", stdout=subprocess.DEVNULL, stderr=full.fileno())[0] == 0
    line = f"{sys.executable} -c 'from wizara.cli.main import main; main()' check mps >&- 2>&-"
    environment = {**os.environ, "PYTHONPATH": str(tree.root())}
    assert subprocess.run(["sh", "-c", line], env=environment, check=False).returncode == 0


def test_a_letter_that_the_terminal_lacks_is_written_as_its_escape() -> None:
    environment = {**os.environ, "PYTHONPATH": str(tree.root()), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([*WIZARA, "show", "mps"], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stderr, "\\u2194" in done.stdout) == (0, "", True)


def test_a_slow_reader_of_a_pipe_that_does_not_block_loses_nothing() -> None:
    environment = {**os.environ, "PYTHONPATH": str(tree.root())}
    whole = subprocess.run([*WIZARA, "schema", "site"], capture_output=True, env=environment, check=True).stdout
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writing, False)
    with subprocess.Popen([*WIZARA, "schema", "site"], stdout=writing, env=environment) as process:
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            time.sleep(0.5)  # the pipe is full meanwhile
            said = pipe.read()
    assert (process.returncode, said == whole, len(whole) > 4096) == (0, True, True)
