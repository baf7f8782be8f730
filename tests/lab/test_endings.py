"""Whatever becomes of the process that raises a lab, nothing of it stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from wizara.errors import Refusal
from wizara.lab import find, leftovers, remnants, rise, single

pytestmark = pytest.mark.lab

RAISE = """
import sys
from wizara.lab import rise, single
rise(single.ministry("trixie"), single.rehearsal(), sys.argv[1], lambda who, what: print(who, what, flush=True))
print("up", flush=True)
import time; time.sleep(60)
"""


@pytest.fixture
def name():
    chosen = f"e{os.getpid()}"
    yield chosen
    leftovers.clear(chosen)


def raising(name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RAISE, name],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    )


def read_until(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout
    for line in process.stdout:
        if word in line:
            return
    raise AssertionError(word)


@pytest.mark.parametrize("moment", ["networks", "boot", "up"])
def test_after_a_kill_down_leaves_nothing(name, moment):
    with raising(name) as process:
        read_until(process, moment)
        process.kill()
    assert remnants(name)
    leftovers.clear(name)
    assert remnants(name) == []


@pytest.mark.parametrize(("moment", "wait"), [("networks", 0), ("networks", 0.2), ("boot", 0), ("boot", 0.3)])
def test_an_interrupted_rise_clears_up_after_itself(name, moment, wait):
    with raising(name) as process:
        read_until(process, moment)
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        process.wait(30)
    assert process.returncode != 0
    assert remnants(name) == []


def test_two_labs_stand_side_by_side(clone, name):
    first = clone("trixie")
    second = rise(single.ministry("bookworm"), single.rehearsal(), name, lambda *_words: None)
    assert find(first.name).exec("machine", ["hostname"]).stdout == second.exec("machine", ["hostname"]).stdout
    assert (
        first.exec("machine", ["cat", "/etc/debian_version"]).stdout
        != second.exec("machine", ["cat", "/etc/debian_version"]).stdout
    )
    second.down()
    assert first.runs("machine")
    assert remnants(second.name) == []


def test_a_second_rise_of_the_same_name_is_refused(clone):
    lab = clone("trixie")
    with pytest.raises(Refusal):
        rise(single.ministry("trixie"), single.rehearsal(), lab.name, lambda *_words: None)
    assert lab.runs("machine")


def test_a_lab_that_is_not_up_is_not_found():
    with pytest.raises(Refusal):
        find("never-raised")
