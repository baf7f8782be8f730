"""The lock of a site: one engineer at a time, and it dies with its holder."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import yaml
from houses import ADDRESS, House, environment

from wizara.engine.lock import PATIENCE, Holder, Locked, Lost, SiteLock
from wizara.engine.reach import HostKey, Login, Machine

pytestmark = pytest.mark.lab

# Holds the lock until its input ends; with "orphan" it has begun a long command on the machine as well.
HOLD = """
import pathlib, sys
from wizara.engine.lock import Holder, SiteLock
from wizara.engine.reach import HostKey, Login, Machine
namespace, key, pin, address = sys.argv[1:5]
machine = Machine(address, namespace=pathlib.Path(namespace))
machine.log_in(Login("wizara", key_file=pathlib.Path(key)), HostKey.parse(pin))
lock = SiteLock("hq", "machine", machine)
lock.take(Holder("alice@ctl1", "20261122T000000Z-apply-single-0001", "2026-11-22T00:00:00+00:00"))
if "orphan" in sys.argv:
    machine.begin_as_root("sleep 300")
print("ours", flush=True)
sys.stdin.read()
"""


def pin(house: House) -> str:
    return str(yaml.safe_load((house.lab.folder / "enrolled.yaml").read_text())["nodes"]["machine"]["host_key"])


@contextlib.contextmanager
def holder(house: House, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Let somebody else hold the lock."""
    line = [
        sys.executable,
        "-c",
        HOLD,
        str(house.lab.world().namespace),
        str(house.lab.folder / "operator_ed25519"),
        pin(house),
        ADDRESS,
    ]
    with subprocess.Popen(
        [*line, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ours\n"
        yield process
        process.kill()


def ours(house: House) -> SiteLock:
    machine = Machine(ADDRESS, namespace=house.lab.world().namespace)
    machine.log_in(Login("wizara", key_file=house.lab.folder / "operator_ed25519"), HostKey.parse(pin(house)))
    return SiteLock("hq", "machine", machine)


def seconds_until_free(house: House, limit: float) -> float:
    """Return after how long the lock can be had."""
    began = time.monotonic()
    while time.monotonic() - began < limit:
        lock = ours(house)
        try:
            lock.take(Holder("bob@ctl2", "r", "now"))
        except Locked:
            time.sleep(0.2)
        else:
            return time.monotonic() - began
        finally:
            lock.release()
    raise AssertionError(f"not free after {limit} s")


@pytest.fixture
def enrolled(house, release: str) -> House:
    made = house(release)
    assert made.wizara("enrol").returncode == 0
    return made


@pytest.mark.parametrize("release", ["trixie", "bookworm"])
def test_a_second_engineer_is_refused_at_once_and_let_in_after_a_kill(enrolled):
    with holder(enrolled, "orphan") as process:
        second = ours(enrolled)
        began = time.monotonic()
        with pytest.raises(Locked, match=r"alice@ctl1.*20261122T000000Z-apply-single-0001.*since 2026-11-22"):
            second.take(Holder("bob@ctl2", "r", "now"))
        assert time.monotonic() - began < 2
        second.release()
        done = enrolled.wizara("apply", "--yes")
        assert done.returncode == 6, done.stdout + done.stderr
        assert "alice@ctl1" in done.stdout
        process.kill()
        assert seconds_until_free(enrolled, 10) < 2
    # The last holder has let go; what its machine's end still does takes a moment.
    enrolled.sh(
        "i=0; while [ -s /run/wizara/lock ] && [ $i -lt 50 ]; do sleep 0.1; i=$((i+1)); done; [ ! -s /run/wizara/lock ]"
    )


@pytest.mark.parametrize("release", ["trixie"])
def test_a_cut_link_frees_it_within_half_a_minute_and_the_holder_is_told(enrolled):
    mine = ours(enrolled)
    mine.take(Holder("bob@ctl2", "r", "now"))
    enrolled.sh("nft 'table inet cut { chain in { type filter hook input priority -300; iif != lo drop; };"
                " chain out { type filter hook output priority -300; oif != lo drop; }; }'")  # fmt: skip
    try:
        began = time.monotonic()
        while enrolled.sh("flock -n /run/wizara/lock true && echo free || echo held").strip() != "free":
            assert time.monotonic() - began < 30
            time.sleep(0.5)
        assert time.monotonic() - began > PATIENCE - 5, "it went before its holder had a chance"
    finally:
        enrolled.sh("nft delete table inet cut")
    deadline = time.monotonic() + 60
    while mine.held and time.monotonic() < deadline:
        with contextlib.suppress(Lost):
            mine.beat()
        time.sleep(0.5)
    with pytest.raises(Lost, match="was lost"):
        mine.beat()


@pytest.mark.parametrize("release", ["bookworm"])
def test_a_reboot_leaves_no_stale_lock(enrolled):
    with holder(enrolled):
        enrolled.lab.reboot("machine")
        enrolled.lab.wait_port("operator", ADDRESS, 22)
        assert seconds_until_free(enrolled, 10) < 5
