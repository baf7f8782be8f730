"""Good changes stay, one after another and over a restart; a change that is still open lets no second one in."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import yaml
from ground import BEYOND, NODE, SECONDS, Apply, Ground, clear, make
from houses import plain

from wizara.engine import window
from wizara.record.progress import Step

pytestmark = pytest.mark.fault_kind("good changes and order")


@pytest.fixture(scope="module", params=["trixie", "bookworm"])
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """A machine, applied once by the command as it is typed: a first apply goes through the envelope as well."""
    made = make(request.param)
    try:
        done = made.wizara("apply", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        assert made.last_change().split()[1] == "kept"
        yield made
    finally:
        clear(made)


def sshd(ground: Ground, tries: int) -> str:
    """Return a good change of the SSH server's settings, and one of names."""
    text = ground.sh("grep -v MaxAuthTries /etc/ssh/sshd_config.d/00-wizara.conf") + f"MaxAuthTries {tries}\n"
    hosts = ground.sh("grep -v faults /etc/hosts") + f"192.0.2.{tries} faults.test\n"
    return f"""
file(name='sshd', path='/etc/ssh/sshd_config.d/00-wizara.conf', content={text!r}, mode='600', reaches_node=True)
unit(name='ssh', unit_name='ssh.service', files=('/etc/ssh/sshd_config.d/00-wizara.conf',), reloads=True, reaches_node=True)
file(name='hosts', path='/etc/hosts', content={hosts!r}, reaches_node=True)
"""


def stands(ground: Ground, tries: int) -> bool:
    found = ground.sh("sshd -T | grep -i maxauthtries; grep faults /etc/hosts")
    return f"maxauthtries {tries}\n" in found and f"192.0.2.{tries} " in found


@pytest.mark.share
def test_two_good_changes_stay_beyond_the_timer_and_over_a_restart(ground: Ground) -> None:
    first = Apply(ground, sshd(ground, 5))()
    second = Apply(ground, sshd(ground, 3))()
    assert (first.outcome, second.outcome) == ("changed", "changed"), first.message + second.message
    assert [name for _when, name in second.steps].count("snapshot and timer") == 2
    time.sleep(SECONDS + BEYOND)
    assert stands(ground, 3)
    ground.settle()
    ground.lab.reboot(NODE)
    ground.lab.wait_unit(NODE, "multi-user.target")
    assert stands(ground, 3)
    assert ground.leftovers() == []
    assert ground.sh("systemctl is-active ssh nftables").split() == ["active", "active"]


def test_a_change_that_died_open_does_not_undo_the_next(ground: Ground) -> None:
    def die(apply: Apply, step: Step) -> None:
        if step.name.startswith("confirming"):
            apply.kill()

    before = ground.sh("sshd -T | grep -i maxauthtries")
    first = Apply(ground, sshd(ground, 6), die)()
    assert first.ended is None
    second = Apply(ground, sshd(ground, 2))()
    assert second.outcome == "changed", second.message
    assert second.planned is not None
    assert [one.kind for one in second.planned.standing] == ["rolled-back"]
    removed = [line for one in second.planned.changes for line in one.diff if line.lower().startswith("-maxauthtries")]
    assert [line.lower().lstrip("-") for line in removed] == [before.strip()]
    time.sleep(SECONDS + BEYOND)
    assert stands(ground, 2)
    assert ground.leftovers() == []


def test_nothing_is_armed_while_a_change_is_open(ground: Ground) -> None:
    assert ground.sh("cd /var/lib/wizara/changes; mkdir other-1; : > other-1/armed; echo made") == "made\n"
    try:
        program, *words = window.lay("second-1", 5, 60, ())
        done = ground.lab.exec(NODE, ["sh", "-c", program, "wizara", *words])
        assert (done.returncode, "is pending" in done.stderr) == (75, True), done.stderr
        assert ground.sh("ls /var/lib/wizara/changes").split() == ["history", "lock", "other-1"]
    finally:
        ground.sh("rm -r /var/lib/wizara/changes/other-1")


def test_a_step_longer_than_the_timer_keeps_its_change(ground: Ground) -> None:
    wait = f"sleep {3 * SECONDS}"
    code = sshd(ground, 4).replace("reloads=True", f"reloads=True, ready={wait!r}")
    long = Apply(ground, code)()
    assert long.outcome == "changed", long.message
    assert stands(ground, 4)


@pytest.mark.share
def test_a_wrong_management_network_ends_with_3_and_is_told_later(ground: Ground) -> None:
    as_declared = ground.wizara("apply", "--yes")
    assert as_declared.returncode == 0, as_declared.stdout
    path = ground.folder / "ministry.yaml"
    good = path.read_text()
    path.write_text(plain(yaml.safe_load(good) | {"management": ["10.77.0.0/24"]}))
    ground.settle()
    try:
        done = ground.wizara("apply", "--yes")
        assert (done.returncode, "rolled back" in done.stdout) == (3, True), done.stdout + done.stderr
        assert ground.differences() == []
    finally:
        path.write_text(good)
    told = ground.wizara("plan")
    assert (told.returncode, "it was rolled back at" in told.stdout) == (0, True), told.stdout
    again = ground.wizara("apply", "--yes")
    assert again.returncode == 0
    assert ground.leftovers() == []


def test_while_steps_run_a_second_look_waits_for_the_decision(ground: Ground) -> None:
    code = sshd(ground, 5).replace("reloads=True", f"reloads=True, ready='sleep {2 * SECONDS}'")
    first = Apply(ground, code)
    doing = threading.Thread(target=first)
    doing.start()
    while not any(name == "ssh" for _when, name in first.steps):
        time.sleep(0.1)
    began = time.monotonic()
    second = Apply(ground, sshd(ground, 5))()
    doing.join()
    assert first.outcome == "changed", first.message
    assert time.monotonic() - began > SECONDS
    assert second.outcome in {"unchanged", "changed", "refused"}, second.message
    assert stands(ground, 5)


def test_a_bad_change_is_taken_back_though_its_timer_was_killed(ground: Ground) -> None:
    """Systemd starts it again; what it had begun it begins anew."""
    text = ground.sh("cat /etc/ssh/sshd_config.d/00-wizara.conf") + "Port 2222\n"
    code = f"""
file(name='sshd', path='/etc/ssh/sshd_config.d/00-wizara.conf', content={text!r}, mode='600', reaches_node=True)
unit(name='ssh', unit_name='ssh.service', files=('/etc/ssh/sshd_config.d/00-wizara.conf',), reaches_node=True)
"""

    def kill_timer(_apply: Apply, step: Step) -> None:
        if step.name.startswith(("confirming", "waiting until")):
            ground.sh("systemctl kill --signal KILL 'wizara-window-*'")

    ground.settle()
    bad = Apply(ground, code, kill_timer)()
    assert (bad.outcome, "rolled back" in bad.message) == ("failed", True), bad.message
    assert ground.differences() == []
    assert ground.leftovers() == []
