"""Killed anywhere: whatever dies in the middle of an apply, the next one comes to the state of one that was never interrupted."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from chain import Acknowledged
from ground import BEYOND, NODE, SECONDS, Ground, clear, make
from houses import environment

from wizara.errors import WizaraError

#: What the uninterrupted run does, as its own events name it; the first of each is a boundary to die at.
STEPS = (
    "Base packages", "Name server", "No other administrators", "Administrator essai", "SSH folder of essai", "SSH keys of essai", "Administrators may use sudo",
    "Kernel network settings", "SSH server", "Packet filter", "Time", "Zones and access", "Packet filter is in force",
    "No other packet filter", "Kernel network settings are in force", "SSH server runs", "No other name server", "Name server answers",
    "Time is kept", "Resolver", "This machine was applied to", "snapshot and timer", "confirming over a new connection",
)  # fmt: skip
#: The timer of a change in a run that is going to be killed: each second of it is waited for afterwards.
DYING = 2 * SECONDS
_SHARED = {"confirming over a new connection"}
#: Seconds after the start, from a fixed seed: within steps, wherever they fall.
_CHANCE = random.Random(3)
MOMENTS = [round(_CHANCE.uniform(0.6, 11), 1) for _number in range(10)]
_HOLD_LOCK = """perl -MFcntl -e 'open F, "+>", "/var/lib/dpkg/lock-frontend"; $want = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0); fcntl(F, F_SETLK, $want) or die; open M, ">/run/apt-is-held"; close M; sleep 15; open M, ">/run/apt-was-freed"'"""
_FILL = """
set -e
mkdir -p /mnt/small; mount -t tmpfs -o size=3m,mode=755 tmpfs /mnt/small; cp -a @FOLDER@/. /mnt/small/; chmod --reference=@FOLDER@ /mnt/small
mount --bind /mnt/small @FOLDER@; dd if=/dev/zero of=@FOLDER@/filler bs=4k 2>/dev/null || true
"""
_EMPTY = """
set -e
rm @FOLDER@/filler; umount @FOLDER@; cp -a /mnt/small/. @FOLDER@/; umount /mnt/small; rmdir /mnt/small 2>/dev/null || true
"""


class Reference:
    """The state of uninterrupted runs, without what differs between two of them: keys that each machine makes for itself."""

    def __init__(self, release: str) -> None:
        with ThreadPoolExecutor() as both:
            first, second = both.map(self._one, (release, release))
        self.own = {_path(line) for line in set(first) ^ set(second)}
        self.lines = self.common(first)

    def _one(self, release: str) -> list[str]:
        ground = make(release)
        try:
            assert ground.wizara("apply", "--yes").returncode == 0
            return ground.state()
        finally:
            clear(ground)

    def common(self, lines: list[str]) -> set[str]:
        """Return those of *lines* that are the same on every machine."""
        return {line for line in lines if _path(line) not in self.own}


def _path(line: str) -> str:
    return " ".join(line.split()[:2])


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    """Let the changes of what heals wait longer: on a busy computer a proof of life may take some seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WIZARA_CONFIRM_SECONDS", "30")
        yield


@pytest.fixture(scope="module", params=["trixie", "bookworm"])
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def reference(release: str) -> Reference:
    """What an uninterrupted run comes to."""
    return Reference(release)


@pytest.fixture
def ground(release: str) -> Iterator[Ground]:
    """A fresh machine, enrolled."""
    made = make(release)
    yield made
    clear(made)


class Running:
    """An apply as it is typed, in a session of its own, watched by what it shows."""

    def __init__(self, ground: Ground) -> None:
        line = ground.line("apply", str(ground.folder), "--lab", ground.name, "--runs", str(ground.runs), "--yes")
        self.shown = ""
        self.process = subprocess.Popen(
            line, env=environment() | {"WIZARA_CONFIRM_SECONDS": str(DYING)}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def until(self, words: str) -> None:
        """Return when it shows *words*."""
        assert self.process.stderr
        for line in self.process.stderr:
            self.shown += line
            if words in line:
                return
        raise AssertionError(f"{words} was never shown: {self.shown[-1500:]}")

    def kill(self) -> None:
        """SIGKILL the worker, which the command outlives."""
        os.kill(self.worker(), signal.SIGKILL)
        assert self.wait() != 0

    def kill_command(self) -> None:
        """SIGKILL the command, which its worker must not outlive: it holds the lock of the site."""
        self.process.kill()
        began = time.monotonic()
        assert self.wait() != 0  # what is read there ends with the last process that could write it
        assert time.monotonic() - began < 5

    def worker(self) -> int:
        """Return the number of the engine's worker."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return next(int(child) for child in children if b"wizara.engine" in Path(f"/proc/{child}/cmdline").read_bytes())

    def wait(self) -> int:
        """Return its exit code."""
        if self.process.stderr:
            self.shown += self.process.stderr.read()
        return self.process.wait(timeout=240)


Heal = Callable[[Ground, Reference, Running], None]


@pytest.fixture
def heals(record_property: Callable[[str, object], None]) -> Heal:
    """Return what sees an apply heal, and counts what the fault has lost of what was acknowledged before."""

    def see(ground: Ground, reference: Reference, running: Running) -> None:
        acknowledged = Acknowledged.after(ground, running.shown)
        heal(ground, reference)
        told = acknowledged.still_there(ground)
        record_property("acknowledged things lost", told)
        assert told.startswith("0 of "), acknowledged.lost

    return see


def heal(ground: Ground, reference: Reference) -> None:
    """Apply once more, and find what an uninterrupted run makes, nothing left over, and nothing to do."""
    again = ground.wizara("apply", "--yes", timeout=400)
    assert again.returncode == 0, again.stdout + again.stderr[-2000:]
    now = reference.common(ground.state())
    assert (sorted(now - reference.lines), sorted(reference.lines - now)) == ([], [])
    assert ground.leftovers() == []
    plan = ground.wizara("plan")
    assert plan.returncode == 0, plan.stdout


@pytest.mark.fault_kind("controller killed at a step's start")
@pytest.mark.parametrize(
    "step", [pytest.param(step, marks=pytest.mark.share if step in _SHARED else ()) for step in STEPS]
)
def test_the_controller_is_killed_between_steps(ground: Ground, reference: Reference, heals: Heal, step: str) -> None:
    running = Running(ground)
    running.until(step)
    running.kill()
    heals(ground, reference, running)


@pytest.mark.fault_kind("command killed at any moment")
@pytest.mark.parametrize("moment", MOMENTS)
def test_the_command_is_killed_at_any_moment(ground: Ground, reference: Reference, heals: Heal, moment: float) -> None:
    running = Running(ground)
    time.sleep(moment)
    running.kill_command()
    heals(ground, reference, running)


@pytest.mark.fault_kind("remote side killed")
@pytest.mark.parametrize("step", ["Base packages", "Packet filter", "SSH server runs"])
def test_the_remote_side_is_killed(ground: Ground, reference: Reference, heals: Heal, step: str) -> None:
    running = Running(ground)
    running.until(step)
    ground.sh("pkill -KILL -u wizara; true")
    assert running.wait() in {0, 3}
    heals(ground, reference, running)


@pytest.mark.fault_kind("link cut for 20 s")
@pytest.mark.parametrize("step", ["Base packages", "Zones and access"])
def test_the_link_is_cut(ground: Ground, reference: Reference, heals: Heal, step: str) -> None:
    running = Running(ground)
    running.until(step)
    assert ground.lab.exec("operator", ["ip", "link", "set", "adm", "down"]).returncode == 0
    time.sleep(20)
    assert ground.lab.exec("operator", ["ip", "link", "set", "adm", "up"]).returncode == 0
    assert running.wait() in {0, 3}
    heals(ground, reference, running)


@pytest.mark.fault_kind("disk full")
@pytest.mark.parametrize("folder", ["/etc", "/var/lib/wizara"])
def test_the_disk_is_full(ground: Ground, reference: Reference, heals: Heal, folder: str) -> None:
    ground.sh(f"[ -d {folder} ] || mkdir -m 755 {folder}")
    packages = Running(ground)  # which a full disk would stop first
    packages.until("Administrator essai")
    packages.kill()
    time.sleep(DYING + BEYOND)
    ground.sh(_FILL.replace("@FOLDER@", folder))
    full = ground.wizara("apply", "--yes")
    assert full.returncode == 3, full.stdout + full.stderr[-1000:]
    ground.sh(_EMPTY.replace("@FOLDER@", folder))
    heals(ground, reference, packages)


@pytest.mark.fault_kind("apt's lock is held")
def test_apts_lock_is_held(ground: Ground, reference: Reference) -> None:
    ground.sh(f"systemd-run --quiet --collect {_HOLD_LOCK}; until [ -e /run/apt-is-held ]; do sleep 0.05; done")
    heal(ground, reference)
    ground.sh("test /var/lib/dpkg/info/unbound.list -nt /run/apt-was-freed")


@pytest.mark.fault_kind("systemd executed anew in an installation")
def test_systemd_answers_nobody_for_moments(ground: Ground, reference: Reference, heals: Heal) -> None:
    """Installations make it execute itself anew; whoever asks for a unit then is refused."""
    running = Running(ground)
    running.until("Base packages")
    ground.sh("i=0; while [ $i -lt 12 ]; do systemctl daemon-reexec; sleep 0.3; i=$((i+1)); done")
    assert running.wait() == 0, running.shown
    heals(ground, reference, running)


@pytest.mark.fault_kind("dpkg killed")
@pytest.mark.parametrize("after", [0.0, 0.4, 0.8])
def test_dpkg_is_killed(ground: Ground, reference: Reference, heals: Heal, after: float) -> None:
    running = Running(ground)
    running.until("Base packages")
    _wait_for(lambda: _succeeds(ground, "pgrep -x dpkg"))
    time.sleep(after)
    ground.sh("pkill -KILL -x dpkg; pkill -KILL -x apt-get; true")
    assert running.wait() in {0, 3}
    heals(ground, reference, running)


def _succeeds(ground: Ground, script: str) -> bool:
    try:
        return ground.lab.exec(NODE, ["sh", "-c", script]).returncode == 0
    except WizaraError:
        return False


def _wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, os.getpid()
        time.sleep(0.02)
