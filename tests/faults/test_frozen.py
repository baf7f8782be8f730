"""A controller that was frozen, as a suspended laptop is, and goes on later writes nothing on a node that is no longer its own."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest
from ground import NODE, SECONDS, Apply, Ground, clear, make

from wizara.engine.lock import PATIENCE
from wizara.record.progress import Step

pytestmark = pytest.mark.fault_kind("frozen controller")
FILES = 40
WAY = "/etc/nftables.d/frozen.nft"
# What is written with `reaches_node` is one change of the way to the node, up to the unit that puts it in force.
CHANGE = """
file(name="before", path="/etc/frozen/before", content={who!r})
file(name="filter", path="{way}", content="# {who}\\n", reaches_node=True)
file(name="server", path="/etc/ssh/sshd_config.d/90-frozen.conf", content="# {who}\\n", reaches_node=True)
unit(name="again", unit_name="ssh.service", files=("{way}",), reaches_node=True)
file(name="after", path="/etc/frozen/after", content={who!r})
"""


@pytest.fixture(scope="module", params=["trixie", "bookworm"])
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """A machine with the folders that are written to."""
    made = make(request.param)
    made.sh("mkdir -p /etc/frozen /etc/nftables.d")
    good = Apply(made, CHANGE.format(who="good", way=WAY))()
    assert good.outcome == "changed", good.message
    try:
        yield made
    finally:
        clear(made)


class Frozen:
    """An apply whose controller is stopped, some moments after an event, until it is thawed."""

    def __init__(self, ground: Ground, code: str, event: str, moments: float, node: str = NODE) -> None:
        self._event, self._moments = event, moments
        self.stopped = threading.Event()
        self.apply = Apply(ground, code, self._stop, node)
        self._doing = threading.Thread(target=self.apply)
        self._doing.start()
        assert self.stopped.wait(60), self.apply.message

    def _stop(self, apply: Apply, step: Step) -> None:
        if step.phase == "apply" and step.name == self._event and not self.stopped.is_set():
            time.sleep(self._moments)
            assert apply.session
            os.kill(apply.session._process.pid, signal.SIGSTOP)
            self.stopped.set()

    def thaw(self) -> None:
        """Let it go on, and wait for its end."""
        assert self.apply.session
        os.kill(self.apply.session._process.pid, signal.SIGCONT)
        self._doing.join(120)
        assert not self._doing.is_alive()


def second(ground: Ground, code: str, node: str = NODE) -> float:
    """Apply *code* as a second engineer, as soon as the lock is free; return after how long that was done."""
    began = time.monotonic()
    while time.monotonic() - began < 3 * PATIENCE:
        other = Apply(ground, code, node=node)()
        if other.outcome != "refused":
            assert other.outcome == "changed", other.message
            return time.monotonic() - began
        time.sleep(1)
    raise AssertionError("the lock was never free")


@pytest.mark.share
def test_nothing_is_written_after_the_node_took_the_change_back(ground: Ground) -> None:
    ground.settle()
    frozen = Frozen(ground, CHANGE.format(who="late", way=WAY), "snapshot and timer", 0.2)
    deadline = time.monotonic() + SECONDS + 30
    while f"{frozen.apply.change} rolled-back" not in ground.last_change() and time.monotonic() < deadline:
        time.sleep(0.3)
    time.sleep(1)
    frozen.thaw()
    print(frozen.apply.message)
    assert (frozen.apply.outcome, "rolled back at" in frozen.apply.message) == ("failed", True), frozen.apply.message
    # What was done before the change began was done in good order, and stays.
    assert {line.split()[1] for line in ground.differences()} <= {"etc/frozen/before"}
    assert ground.leftovers() == []


def test_a_second_engineer_who_took_the_lock_is_not_written_over_within_a_change(ground: Ground) -> None:
    frozen = Frozen(ground, CHANGE.format(who="first", way=WAY), "snapshot and timer", 0.2)
    seconds = second(ground, CHANGE.format(who="second", way=WAY))
    ground.settle()
    frozen.thaw()
    print(f"the second had it after {seconds:.0f} s; the first: {frozen.apply.message}")
    assert frozen.apply.outcome == "failed", frozen.apply.message
    assert ground.differences() == []
    assert ground.leftovers() == []


def test_a_plan_that_waits_for_an_open_change_says_so(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIZARA_CONFIRM_SECONDS", "25")
    ground.settle()
    frozen = Frozen(ground, CHANGE.format(who="open", way=WAY), "snapshot and timer", 0.2)
    try:
        planned = ground.wizara("plan")
        assert "waiting: a change is open here" in planned.stderr, planned.stderr
        assert "rolled-back" in planned.stdout
    finally:
        frozen.thaw()


def many(who: str) -> str:
    return "".join(
        f'file(name="{number}", path="/etc/frozen/{number}", content="{who}\\n")\n' for number in range(FILES)
    )


@pytest.mark.share
@pytest.mark.parametrize("number", [4, 20])
def test_a_second_engineer_who_took_the_lock_is_not_written_over_outside_one(ground: Ground, number: int) -> None:
    frozen = Frozen(ground, many(f"first {number}"), str(number), 0)
    seconds = second(ground, many(f"second {number}"))
    ground.settle()
    frozen.thaw()
    print(f"the second had it after {seconds:.0f} s; the first: {frozen.apply.message}")
    assert (frozen.apply.outcome, "was lost" in frozen.apply.message) == ("failed", True), frozen.apply.message
    assert ground.differences() == []
    assert ground.leftovers() == []
    assert ground.lab.runs(NODE)


@pytest.fixture
def pair() -> Iterator[Ground]:
    """A site whose lock is on one machine, and that has another."""
    made = make("trixie", other="trixie")
    try:
        yield made
    finally:
        clear(made)


def test_a_second_engineer_is_not_written_over_on_a_machine_that_has_not_the_lock(pair: Ground) -> None:
    pair.sh("mkdir -p /etc/frozen", "other")
    frozen = Frozen(pair, many("first"), "9", 0, "other")
    seconds = second(pair, many("second"), "other")
    frozen.thaw()
    print(f"the second had it after {seconds:.0f} s; the first: {frozen.apply.message}")
    assert (frozen.apply.outcome, "was lost" in frozen.apply.message) == ("failed", True), frozen.apply.message
    assert pair.sh("cat /etc/frozen/* | sort | uniq -c", "other").split() == [str(FILES), "second"]
    assert (
        pair.sh(
            "find / -xdev -name '.wizara-*' -not -path '/proc/*'; ls -A /run/wizara/jobs 2>/dev/null; true", "other"
        )
        == ""
    )
