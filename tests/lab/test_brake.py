"""The brakes of an apply: nobody follows a canary that failed, and no more is begun once too many have failed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from applied import Applied

pytestmark = pytest.mark.lab

DRIFTED = ("dc1", "mail1", "gw-ons")


@pytest.fixture
def drifted(applied_ministry: Applied) -> Iterator[Applied]:
    """Three nodes differ, and dc1 cannot be mended: its folder cannot be written to."""
    for node in DRIFTED:
        applied_ministry.lab.exec(node, ["sh", "-c", "echo '# drift' >> /etc/chrony/chrony.conf"])
    applied_ministry.lab.exec(
        "dc1", ["sh", "-c", "mount --bind /etc/chrony /etc/chrony && mount -o remount,bind,ro /etc/chrony"]
    )
    yield applied_ministry
    applied_ministry.lab.exec("dc1", ["umount", "/etc/chrony"])
    assert applied_ministry.wizara("apply", "--yes").returncode == 0


def outcomes(made: Applied, *words: str) -> tuple[int, dict[str, str]]:
    done = made.wizara("apply", "--yes", "--json", *words)
    told = json.loads(done.stdout)
    return done.returncode, {one["node"]: one["outcome"] for one in told["nodes"]}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--canary", "dc1"), {"dc1": "failed", "mail1": "skipped", "gw-ons": "skipped"}),
        (("--canary", "gw-ons"), {"dc1": "failed", "mail1": "changed", "gw-ons": "changed"}),
    ],
)
def test_nobody_follows_a_canary_that_failed(
    drifted: Applied, words: tuple[str, ...], expected: dict[str, str]
) -> None:
    code, found = outcomes(drifted, *words)
    assert (code, {node: found[node] for node in DRIFTED}) == (3, expected)
    kept = drifted.lab.exec("mail1", ["grep", "-c", "# drift", "/etc/chrony/chrony.conf"]).stdout.strip()
    assert kept == ("1" if expected["mail1"] == "skipped" else "0")


def test_a_mute_node_delays_no_other(applied_ministry: Applied) -> None:
    link = next(name for name in applied_ministry.lab.kept.links if name.startswith("cneap."))
    applied_ministry.lab.exec("gw-ons", ["sh", "-c", "echo '# drift' >> /etc/chrony/chrony.conf"])
    applied_ministry.lab.block(link)
    try:
        done = applied_ministry.wizara("apply", "--yes", "--json")
    finally:
        applied_ministry.lab.unblock(link)
    told = json.loads(done.stdout)
    assert {one["node"]: one["outcome"] for one in told["nodes"]}["gw-ons"] == "changed"
    assert {one["node"]: one["outcome"] for one in told["nodes"]}["gw-cneap"] == "unreachable"
    assert done.returncode == 5
    events = (applied_ministry.runs / told["run"] / "events.jsonl").read_text().splitlines()
    ended = [one["node"] for one in map(json.loads, events) if one["event"] == "ended"]
    assert ended.index("gw-ons") < ended.index("gw-cneap") == len(ended) - 1
