"""An audit of planted weaknesses finds each of them, and accuses nobody else: neither their hosts of more, nor a hardened one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from corpus import audits
from corpus.ground import Ground
from corpus.population import corpus
from corpus.table import CONTROLS, PLANTS

from wizara.tree import root

pytestmark = pytest.mark.lab

#: A part that stands in a quarter of a minute: one of each protocol, other makes among them.
PART = {
    13, 15, 16, 19, 20, 22, 24, 27, 28, 31, 33, 36, 37, 38, 42, 44, 45, 52, 54, 55, 56, 57, 60, 61, 67, 68, 75, 76, 77, 78, 79, 102,
    103, 104, 106, 109, 112,
}  # fmt: skip


def check(found: audits.Audit, wanted: set[int]) -> None:
    must, may = audits.expected(wanted)
    assert must - found.found == set(), "missed"
    assert found.found - must - may == set(), "accused without need"
    assert {one for one in found.found if one[1] in CONTROLS} == set()


def test_the_list_is_whole() -> None:
    assert len({one.number for one in PLANTS if not one.held_out}) >= 60
    assert len({one.last for one in PLANTS}) >= 45
    assert sum(one.held_out for one in PLANTS) >= 15
    assert len(CONTROLS) >= 15
    assert len({one for one in PLANTS if one.last in PART}) >= 20


def test_a_part_of_the_corpus_and_all_controls(tmp_path: Path) -> None:
    assert os.geteuid() == 0
    wanted = PART | {*CONTROLS}
    with corpus(wanted) as up:
        done = audits.audit(up, tmp_path, "--profile", "fast")
        check(done, wanted)
        assert {count for _port, count in up.heard} <= {0}, "a printer or a controller was spoken to"
        kept = b"".join(path.read_bytes() for path in done.folder.iterdir() if path.is_file())
        assert not [word for word in (b"admin:admin", b"YWRtaW46YWRtaW4", b"cisco:cisco") if word in kept]
    assert not up.folder.exists()


_RAISE = """
import sys
sys.path[:0] = sys.argv[1:3]
from corpus.population import corpus
with corpus({57, 210}) as up:
    print(up.folder, *(one.pid for one in up.processes), flush=True)
    sys.stdin.read()
"""


def test_a_killed_corpus_leaves_no_process_and_its_files_only_until_the_next(tmp_path: Path) -> None:
    line = [sys.executable, "-c", _RAISE, str(Path(__file__).parent), str(root())]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as raised:
        assert raised.stdout is not None
        folder, *pids = raised.stdout.readline().split()
        assert pids
        raised.kill()
    ends = time.monotonic() + 10
    while any(running(pid) for pid in pids) and time.monotonic() < ends:
        time.sleep(0.1)
    assert [pid for pid in pids if running(pid)] == []
    assert folder not in Path("/proc/self/mounts").read_text()
    with Ground():
        assert not Path(folder).exists()


def test_no_daemon_outlives_its_corpus() -> None:
    with corpus({57, 58, 60, 62, 65, 70}) as up:
        spaces = {os.fstat(descriptor).st_ino for descriptor in up._spaces.values()}
        assert len(standing(spaces)) >= 6
    ends = time.monotonic() + 5
    while standing(spaces) and time.monotonic() < ends:
        time.sleep(0.1)
    assert standing(spaces) == []


def standing(spaces: set[int]) -> list[str]:
    """Return the processes in the network namespaces of these numbers, by their command lines."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (path / "ns/net").stat().st_ino in spaces:
                found.append((path / "cmdline").read_text().replace("\0", " "))
    return found


def running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize(("profile", "bar"), [("fast", 30.0), ("polite", 120.0)])
def test_the_whole_corpus(tmp_path: Path, profile: str, bar: float) -> None:
    began = time.monotonic()
    with corpus() as up:
        assert time.monotonic() - began < 60
        done = audits.audit(up, tmp_path, "--profile", profile)
        check(done, {one.last for one in PLANTS} | {*CONTROLS})
        assert done.seconds < bar
        assert {count for _port, count in up.heard} <= {0}
