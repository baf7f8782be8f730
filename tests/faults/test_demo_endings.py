"""Ctrl-C at any moment of a demonstration leaves nothing behind (acceptance 7); by name: ``python3 -m wizara test faults``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wizara.lab import leftovers, remnants
from wizara.lab.namespace import mark
from wizara.record.world import state_folder

#: Seconds after its start: set-up, boot, enrolment, apply, verification, audit.
_share = pytest.mark.share
MOMENTS = (0.7, 1.5, pytest.param(2.5, marks=_share), 4, 8, pytest.param(20, marks=_share), 40, 60, 90, 130)


def standing() -> dict[str, set[str]]:
    """What a demonstration of this state folder makes, as it stands now; another one on this computer is not its own."""
    groups = {str(path) for path in Path("/sys/fs/cgroup").glob(f"**/wizara.demo@{mark()}*") if path.is_dir()}
    own = str(state_folder() / "labs/demo")
    mounts = {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines() if own in line}
    spaces = {path.name for path in Path("/run/netns").glob(f"wz-demo.*@{mark()}")}
    processes = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if (path.parent / "ns/pid").stat().st_ino != Path("/proc/self/ns/pid").stat().st_ino:
                continue
            words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if own in words or f"@{mark()}" in words or f"{sys.executable} -m wizara demo" in words:
            processes.add(f"{path.parent.name} {words[:100]}")
    return {"cgroups": groups, "mounts": mounts, "namespaces": spaces, "processes": processes}


@pytest.fixture(autouse=True)
def clear():
    leftovers.clear("demo")
    yield
    leftovers.clear("demo")


def start(said: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    environment.pop("WIZARA_CONFIRM_SECONDS", None)  # the other tests' five seconds are too few beyond 300 ms
    # A group of its own, interrupted whole, as a terminal does.
    with said.open("wb") as words:
        return subprocess.Popen([sys.executable, "-m", "wizara", "demo"], env=environment, start_new_session=True,
                                stdin=subprocess.DEVNULL, stdout=words, stderr=words)  # fmt: skip


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interrupted_demonstration_leaves_nothing(moment: float, tmp_path: Path) -> None:
    before = standing()
    said = tmp_path / "said"
    demo = start(said)
    time.sleep(moment)
    assert demo.poll() is None, f"it was over before the moment:\n{said.read_text()[-3000:]}"
    os.killpg(demo.pid, signal.SIGINT)
    assert demo.wait(timeout=60) == 130
    time.sleep(0.5)
    assert remnants("demo") == []
    assert standing() == before


def test_after_a_kill_lab_down_leaves_nothing(tmp_path: Path) -> None:
    before = standing()
    demo = start(tmp_path / "said")
    time.sleep(12)
    os.kill(demo.pid, signal.SIGKILL)
    demo.wait()
    assert remnants("demo")
    subprocess.run([sys.executable, "-m", "wizara", "lab", "down", "--name", "demo"], check=True, timeout=60, stdout=subprocess.DEVNULL,
                   env={**os.environ, "PYTHONPATH": ":".join(sys.path)})  # fmt: skip
    assert remnants("demo") == []
    after = standing()
    assert {kind: after[kind] - before[kind] for kind in after} == {kind: set() for kind in after}
