"""A unit runs with the files that stand on disk, however the last run ended (design §4.6)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wizara.operations.facts import UnitStatus
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
