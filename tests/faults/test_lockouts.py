"""Nobody locks himself out: each of twelve bad changes is taken back by the node, also without its controller and over a reboot."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import lockouts
import pytest
from ground import BEYOND, NODE, SECONDS, Apply, Ground, clear, make

from wizara.record.progress import Step

pytestmark = pytest.mark.fault_kind("lock-out")
SHARE = {
    ("firewall drop", "plain"),
    ("MTU", "plain"),
    ("address change", "killed"),
    ("user removed", "rebooted"),
    ("sudoers broken", "plain"),
}


@pytest.fixture(scope="module", params=["trixie", "bookworm"])
def ground(request: pytest.FixtureRequest) -> Iterator[tuple[Ground, str]]:
    """A machine with a tunnel to a peer, in a good state that was confirmed."""
    made = make(request.param, other=request.param)
    try:
        yield made, lockouts.prepare(made)
    finally:
        clear(made)


class Struck:
    """Does something once, right after the switch: when the change is about to be confirmed, or its last step hangs or failed."""

    def __init__(self, act: Callable[[Apply], None], last: int) -> None:
        self.act, self.last = act, last
        self.moment = 0.0
        self._once = threading.Lock()

    def __call__(self, apply: Apply, step: Step) -> None:
        if step.name.startswith(("confirming", "waiting until")):
            self.strike(apply)
        elif step.phase == "apply" and step.number == self.last and step.name != "snapshot and timer":
            timer = threading.Timer(1.5, self.strike, (apply,))
            timer.daemon = True
            timer.start()

    def strike(self, apply: Apply) -> None:
        if self._once.acquire(blocking=False):
            self.moment = time.monotonic()
            self.act(apply)


def reboot(ground: Ground) -> None:
    """Restart the machine, and come back when it is on its way up."""
    before = ground.lab.leader(NODE)
    ground.lab.exec(NODE, ["systemctl", "--no-block", "reboot"], timeout=20)
    while ground.lab.runs(NODE) and ground.lab.leader(NODE) == before:
        time.sleep(0.1)


def cases() -> Iterator[object]:
    for name in lockouts.LOCKOUTS:
        for how in ("plain", "killed", "rebooted"):
            kind = {
                "plain": "lock-out",
                "killed": "lock-out, controller killed",
                "rebooted": "lock-out, node restarted",
            }[how]
            marks = [pytest.mark.fault_kind(kind)] + ([pytest.mark.share] if (name, how) in SHARE else [])
            yield pytest.param(name, how, marks=marks, id=f"{name}-{how}".replace(" ", "_"))


@pytest.mark.parametrize(("name", "how"), list(cases()))
def test_the_node_is_back_as_it_was(ground: tuple[Ground, str], name: str, how: str) -> None:
    machine, peer = ground
    lockouts.wait_for_tunnel(machine)
    code = lockouts.LOCKOUTS[name](machine, peer)
    acts: dict[str, Callable[[Apply], None]] = {
        "plain": lambda _apply: None, "killed": Apply.kill, "rebooted": lambda _apply: reboot(machine),
    }  # fmt: skip
    struck = Struck(acts[how], code.count("(name="))
    apply = Apply(machine, code, struck)
    doing = threading.Thread(target=apply)
    doing.start()
    while not struck.moment and doing.is_alive():
        time.sleep(0.05)
    assert struck.moment, apply.message
    seconds = machine.back_after(struck.moment, apply.change)
    doing.join(90)
    assert seconds <= SECONDS + BEYOND, machine.last_change()
    print(f"{name}, {how}: back after {seconds:.1f} s: {apply.message}")
    machine.lab.wait_unit(NODE, "multi-user.target")
    time.sleep(1 if how == "rebooted" else 0)
    assert machine.differences() == []
    assert machine.leftovers() == []
    if how != "killed":
        assert (apply.outcome, "rolled back" in apply.message) == ("failed", True), apply.message
