"""A machine that is not the one that was enrolled is told apart before anything is said to it, whoever speaks and however."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import houses
import pytest
from houses import ADDRESS, NODE, House

from wizara import tree
from wizara.engine.reach import HostKey
from wizara.inventory import load
from wizara.lab import leftovers

pytestmark = [pytest.mark.lab, pytest.mark.slow]
_IMPOSTOR = Path(__file__).with_name("impostor.py")
WRONG = "SHA256:" + "A" * 43
#: What is done → exit code it ends with.
WAYS: dict[tuple[str, ...], int] = {
    ("plan",): 6,
    ("apply", "--yes"): 6,
    ("drift",): 6,
    ("enrol",): 6,
    ("enrol", "--fingerprint", WRONG): 6,
    ("restore-original", NODE): 6,
    ("verify",): 4,
    ("log", "verify"): 5,
}


@dataclass
class Scene:
    """A house that was enrolled, and what its impostor notes."""

    house: House
    folder: Path

    @property
    def pinned(self) -> HostKey:
        enrolled = load(self.house.folder, enrolled=self.house.lab.folder / "enrolled.yaml").enrolled
        return HostKey.parse(enrolled.nodes[NODE].host_key)

    @contextmanager
    def impostor(self, key: Path) -> Iterator[Path]:
        """Let a server with *key* answer in the machine's place."""
        log = self.folder / f"{time.monotonic_ns()}.log"
        self.house.sh("systemctl stop ssh.socket ssh.service")
        enter = ["nsenter", f"--net={self.house.lab.namespace(NODE)}", "--", sys.executable]
        server = subprocess.Popen([*enter, str(_IMPOSTOR), "0.0.0.0", "22", str(key), str(log)])
        try:
            for _try in range(100):
                if log.exists():
                    break
                time.sleep(0.1)
            assert log.exists()
            yield log
        finally:
            server.kill()
            server.wait()
            self.house.sh("systemctl reset-failed ssh.service; systemctl start ssh.service")

    def do(self, words: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        verb = 2 if words[0] == "log" else 1
        runs = ["--runs", str(self.house.runs)] if words[0] in {"plan", "apply", "log", "drift", "verify"} else []
        line = self.house.line(*words[:verb], str(self.house.folder), *words[verb:], "--lab", self.house.name, *runs)
        return subprocess.run(line, check=False, capture_output=True, text=True, timeout=120, env=houses.environment(), stdin=subprocess.DEVNULL)  # fmt: skip


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    name = f"wal{os.getpid()}"
    folder = tmp_path_factory.mktemp("wrong") / "single"
    houses.write(folder, "trixie", {"user": "root", "key": True})
    try:
        house = houses.build(folder, name)
        done = house.wizara("enrol")
        assert done.returncode == 0, done.stderr
        made = Scene(house, folder.parent)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(made.folder / "other")], check=True)
        own = made.folder / "own"
        own.touch(mode=0o600)
        own.write_text(house.sh("cat /etc/ssh/ssh_host_ed25519_key"))
        yield made
    finally:
        leftovers.clear(name)


def attempts(log: Path) -> list[str]:
    return [line for line in log.read_text().splitlines() if line.startswith("auth")]


@pytest.mark.parametrize("words", WAYS, ids=" ".join)
def test_another_machine_gets_no_attempt_to_log_in(scene: Scene, words: tuple[str, ...]) -> None:
    seen = HostKey.parse((scene.folder / "other.pub").read_text()).fingerprint
    with scene.impostor(scene.folder / "other") as log:
        done = scene.do(words)
    assert attempts(log) == []
    assert "met" in log.read_text(), done.stdout + done.stderr
    assert done.returncode == WAYS[words], done.stdout + done.stderr
    said = done.stdout + done.stderr
    expected = WRONG if WRONG in words else scene.pinned.fingerprint
    assert seen in said, said
    assert expected in said, said
    assert "Traceback" not in said
    if WRONG not in words:
        assert "wizara enrol" in said


@pytest.mark.parametrize("words", [one for one in WAYS if WRONG not in one], ids=" ".join)
def test_the_impostor_would_have_noted_it(scene: Scene, words: tuple[str, ...]) -> None:
    """With the machine's own key it is tried to log in to: so its log tells."""
    with scene.impostor(scene.folder / "own") as log:
        scene.do(words)
    assert attempts(log)


def test_the_stock_command_is_as_strict(scene: Scene) -> None:
    pyinfra = Path(sys.executable).with_name("pyinfra")
    world = scene.house.lab.world().namespace
    settings = {**houses.environment(), "WIZARA_LAB_STATE": str(scene.house.lab.folder)}
    line = [
        "nsenter",
        f"--net={world}",
        "--",
        str(pyinfra),
        "--dry",
        "-y",
        f"@wizara/{scene.house.folder}",
        "deploys/node.py",
    ]
    tried = {}
    for key in ("other", "own"):
        with scene.impostor(scene.folder / key) as log:
            done = subprocess.run(
                line, check=False, capture_output=True, text=True, timeout=120, env=settings, cwd=tree.root()
            )
            tried[key] = attempts(log)
        assert "met" in log.read_text(), done.stdout + done.stderr
        assert done.returncode != 0
        if key == "other":
            assert scene.pinned.fingerprint in done.stdout + done.stderr
    assert tried["other"] == []
    assert tried["own"]


@pytest.mark.parametrize(
    "pin", ["ssh-ed25519 " + "A" * 68, "ssh-ed25519 nothing", "@cert-authority ssh-ed25519 AAAA", ""]
)
@pytest.mark.parametrize("words", [("plan",), ("apply", "--yes"), ("verify",), ("log", "verify")], ids=" ".join)
def test_a_pin_that_cannot_be_read_opens_no_connection(scene: Scene, pin: str, words: tuple[str, ...]) -> None:
    enrolled = scene.house.lab.folder / "enrolled.yaml"
    good = enrolled.read_text()
    key = str(scene.pinned)
    assert key in good
    enrolled.write_text(good.replace(key, pin or "''"))
    try:
        with scene.impostor(scene.folder / "own") as log:
            done = scene.do(words)
    finally:
        enrolled.write_text(good)
    assert log.read_text() == "ready\n"
    assert done.returncode in {2, 6}, done.stdout + done.stderr
    assert "enrolled.yaml:" in done.stderr
    assert ADDRESS not in done.stdout
