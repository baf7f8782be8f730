"""A node in trouble harms no other, and no secret shows anywhere, whatever happens."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from houses import House

from wizara.cli.world import scene
from wizara.inventory.secrets import secrets_of_nodes

pytestmark = [pytest.mark.lab, pytest.mark.slow]


def test_a_node_that_is_down_or_fails_harms_no_other(house: Callable[..., House]) -> None:
    made = house("trixie", other="bookworm")
    done = made.wizara("enrol")
    assert done.returncode == 0, done.stderr
    made.sh("systemctl stop ssh.socket ssh.service", node="other")
    down = made.result("apply", "--yes")
    assert down["exit_code"] == 5
    assert {one["node"]: one["outcome"] for one in down["nodes"]} == {"machine": "changed", "other": "unreachable"}

    made.sh("systemctl start ssh.service; mkdir -p /etc/chrony/chrony.conf", node="other")
    made.sh("echo '# by hand' >> /etc/unbound/unbound.conf")
    failing = made.result("apply", "--yes")
    assert failing["exit_code"] == 3, failing
    assert {one["node"]: one["outcome"] for one in failing["nodes"]} == {"machine": "changed", "other": "failed"}
    assert failing["nodes"][1]["message"] or failing["nodes"][0]["message"]

    made.sh("rmdir /etc/chrony/chrony.conf", node="other")
    whole = made.result("apply", "--yes")
    assert whole["exit_code"] == 0, whole
    assert made.result("plan")["exit_code"] == 0


@contextlib.contextmanager
def watched() -> Iterator[list[bytes]]:
    """Sample all processes of this computer and of its machines while the block runs."""
    seen: list[bytes] = []
    done = threading.Event()

    def sample() -> None:
        while not done.wait(0.05):
            lines = []
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    lines.append(path.read_bytes())
            seen.append(b"\n".join(lines))

    watcher = threading.Thread(target=sample)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


def forms(value: str) -> set[str]:
    """Return what would betray *value*: itself, or a line of it."""
    return {line.strip() for line in value.splitlines() if len(line.strip()) >= 12 and "-----" not in line}


def test_secrets_are_in_no_output_record_nor_process_list(house: Callable[..., House]) -> None:
    made = house("trixie", parts=["node", "names", "mail"])
    assert made.wizara("secrets", "generate").returncode == 0
    outputs: list[str] = []
    with watched() as seen:
        for words in (["enrol"], ["plan", "--json"], ["apply", "--yes"], ["apply", "--yes", "--json"], ["plan"]):
            done = made.wizara(*words, debug=True)
            outputs += [done.stdout, done.stderr]
            assert done.returncode in {0, 4}, done.stdout + done.stderr
        made.sh(
            "for path in $(grep -v nftables /var/lib/wizara/originals/index); do [ ! -f $path ] || echo '# hand' >> $path; done"
        )
        made.sh("systemctl mask --quiet nftables")
        for words in (["plan"], ["apply", "--yes", "--json"]):
            done = made.wizara(*words, debug=True)
            outputs += [done.stdout, done.stderr]
        assert done.returncode == 3, "it fails after every secret was on its way again"
    found = scene(str(made.folder), made.name)
    opened = secrets_of_nodes(found.ministry, ["machine"], found.secrets, found.identity)["machine"]
    canaries = {form for secret in opened.values() for form in forms(secret.reveal())}
    assert len(canaries) >= 3
    records = [path.read_text(errors="replace") for path in made.runs.rglob("*") if path.is_file()]
    assert records
    for canary in canaries:
        assert not any(canary in text for text in (*outputs, *records))
        assert not any(canary.encode() in lines for lines in seen)
