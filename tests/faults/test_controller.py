"""The controller's own troubles in an open change: its disk is full, somebody interrupts it, or kills the command alone."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ground import SECONDS, Ground, clear, make
from houses import environment

from wizara.record import Journal

pytestmark = pytest.mark.fault_kind("controller in trouble")


@pytest.fixture(scope="module", params=["trixie"])
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """A machine in its declared state."""
    made = make(request.param)
    assert made.wizara("apply", "--yes").returncode == 0
    made.settle()
    # A change that is over in half a second could not be met open.
    slow = "/run/systemd/system/ssh.service.d"
    made.sh(
        f"mkdir -p {slow}; printf '[Service]\\nExecReload=/bin/sleep 4\\n' > {slow}/slow.conf; systemctl daemon-reload"
    )
    try:
        yield made
    finally:
        clear(made)


@contextmanager
def applying(ground: Ground, runs: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Apply over a drift of the SSH server's settings and the packet filter; yield once the change is about to be opened."""
    ground.sh("echo '# drift' >> /etc/ssh/sshd_config.d/00-wizara.conf; echo '# drift' >> /etc/nftables.conf")
    line = ground.line("apply", str(ground.folder), "--lab", ground.name, "--runs", str(runs), "--yes")
    with subprocess.Popen(
        line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as process:
        assert process.stderr
        said: list[str] = []
        for words in process.stderr:
            said.append(words)
            if "snapshot and timer" in words:
                break
        yield process, said


def wait_until_decided(ground: Ground) -> None:
    time.sleep(2)
    deadline = time.monotonic() + 2 * SECONDS + 30
    while ground.sh("ls -d /var/lib/wizara/changes/*/ 2>/dev/null; true") and time.monotonic() < deadline:
        time.sleep(0.5)


def test_a_disk_that_fills_up_is_told_with_the_outcome_of_the_node(ground: Ground, tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)], check=True)
    try:
        with applying(ground, tmp_path) as (process, _said):
            subprocess.run(["dd", "if=/dev/zero", f"of={tmp_path}/full", "bs=1k"], check=False, capture_output=True)
            out, err = process.communicate(timeout=180)
        print(out, err)
        assert process.returncode == 3, out + err
        assert "machine: failed" in out
        assert "rolled back at" in out
        assert "cannot be written" in out
        assert "Traceback" not in err
        subprocess.run(["mount", "-o", "remount,ro", str(tmp_path)], check=True)
        for verb in ("plan", "apply"):
            refused = subprocess.run(
                ground.line(verb, str(ground.folder), "--lab", ground.name, "--runs", str(tmp_path)), check=False,
                capture_output=True, text=True, env=environment(), stdin=subprocess.DEVNULL,
            )  # fmt: skip
            assert refused.returncode == 2, refused.stderr
        read = subprocess.run(
            ground.line("log", "--runs", str(tmp_path)), check=False, capture_output=True, text=True, env=environment()
        )
        assert (read.returncode, "begins apply of" in read.stdout) == (0, True), read.stderr
    finally:
        subprocess.run(["umount", str(tmp_path)], check=False)
    assert ground.leftovers() == []


@pytest.mark.parametrize("how", ["terminated", "killed"])
def test_a_controller_that_ends_in_an_open_change_says_and_records_nothing_false(
    ground: Ground, how: str, tmp_path: Path
) -> None:
    with applying(ground, tmp_path) as (process, _said):
        time.sleep(1)
        process.terminate() if how == "terminated" else process.kill()
        _out, err = process.communicate(timeout=60)
    print(err)
    assert process.returncode == (130 if how == "terminated" else -9)
    if how == "terminated":
        assert "machine: a change of the way to it is open; nobody confirms it now, so the node takes it back by" in err
    wait_until_decided(ground)
    assert ground.leftovers() == []
    with Journal.open(tmp_path) as journal:
        assert [one.node for one in journal.entries() if one.kind == "node"] == []
    assert "rolled-back" in ground.last_change()
