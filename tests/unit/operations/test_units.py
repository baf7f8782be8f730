"""A unit runs with the files that stand on disk, however the last run ended (design §4.6)."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from wizara.operations.facts import Unit, UnitStatus
from wizara.operations.units import needed

RUNNING = UnitStatus(
    loaded=True, active=True, enabled=True, invocation="i1", active_since=1000, needs_daemon_reload=False, stamp="i1 d1", digest="d1",
    newest_file=900,
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "status", "action"),
    [
        ("as it was stamped", RUNNING, "none"),
        ("not running", replace(RUNNING, active=False), "start"),
        ("a run died between written and restarted", replace(RUNNING, digest="d2", newest_file=1100), "restart"),
        ("first meeting, files older than the start", replace(RUNNING, stamp=""), "stamp"),
        ("first meeting, files newer than the start", replace(RUNNING, stamp="", newest_file=1100), "restart"),
        ("written in the very second of the start", replace(RUNNING, stamp="", newest_file=1000), "restart"),
        ("rebooted", replace(RUNNING, invocation="i2", active_since=5000), "stamp"),
        (
            "restarted by hand after a hand edit that was healed",
            replace(RUNNING, invocation="i2", active_since=5000, newest_file=5100),
            "restart",
        ),
    ],
)
def test_what_a_unit_needs(name: str, status: UnitStatus, action: str) -> None:
    assert needed(status) == action, name


def test_a_unit_that_can_reload_is_not_restarted() -> None:
    assert needed(replace(RUNNING, digest="d2"), reloads=True) == "reload"
    assert needed(replace(RUNNING, active=False), reloads=True) == "start"


def test_an_active_unit_whose_work_was_undone_beside_it_is_done_again() -> None:
    assert needed(RUNNING, reloads=True, in_force=False) == "reload"
    assert needed(RUNNING, in_force=False) == "restart"
    assert needed(replace(RUNNING, active=False), reloads=True, in_force=False) == "start"


@pytest.mark.parametrize(
    ("line", "expected"), [("", True), ("true", True), ("exit 1", False), ("echo yes; false", False)]
)
def test_what_is_in_force_is_told_by_the_end_of_its_line_alone(line: str, expected: bool, tmp_path: Path) -> None:
    told = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nInvocationID=i1\nNeedDaemonReload=no"
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(f"#!/bin/sh\necho '{told}'\n")
    systemctl.chmod(0o755)
    asked = Unit().command("some.service", (), line).get_raw_value()
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    answer = subprocess.run(
        ["sh", "-c", asked], capture_output=True, text=True, check=True, env=environment
    ).stdout.splitlines()
    assert Unit().process(answer).in_force is expected
