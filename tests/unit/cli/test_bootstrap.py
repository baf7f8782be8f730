"""The first run says what it needs, does it once, and gives up with a useful line."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wizara import bootstrap


class Machine:
    """What the set-up asked this pretended machine to do."""

    def __init__(self) -> None:
        self.lines: list[list[str]] = []
        self.failing: tuple[str, ...] = ()

    def run(self, line: list[str], **_named: object) -> subprocess.CompletedProcess[str]:
        self.lines.append(line)
        failed = any(word in line for word in self.failing)
        return subprocess.CompletedProcess(line, int(failed), stdout="")

    def did(self, *words: str) -> bool:
        return any(all(word in line for word in words) for line in self.lines)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Pretend a checkout without environment on a Debian with every program, as root, outside any environment."""
    pretended = Machine()
    (tmp_path / "requirements.lock").write_text("x==1\n")
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / ".venv" / "wizara.stamp")
    monkeypatch.setattr(bootstrap, "LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(bootstrap.subprocess, "run", pretended.run)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda program, path=None: f"/usr/bin/{program}")
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "execv", lambda program, line: pretended.lines.append(["execv", *line]))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    return pretended


def _absent(monkeypatch: pytest.MonkeyPatch, *programs: str) -> None:
    monkeypatch.setattr(bootstrap.shutil, "which", lambda program, path=None: None if program in programs else "/x")


def test_a_first_run_installs_by_the_lock_and_becomes_itself(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    bootstrap.prepare(["check", "mps"])
    assert machine.did("venv", "--clear")
    assert machine.did("pip", "install", "--require-hashes", "-r")
    assert machine.did("pip", "install", "--no-deps", "--no-build-isolation", "-e")
    assert machine.lines[-1][:1] + machine.lines[-1][2:] == ["execv", "-m", "wizara", "check", "mps"]
    assert "installing the locked Python libraries" in capsys.readouterr().err


def test_no_index_address_is_ever_given(machine: Machine) -> None:
    bootstrap.prepare([])
    assert not any(
        "://" in word or word.startswith(("--index", "--extra-index", "-i")) for line in machine.lines for word in line
    )


def test_a_second_run_installs_nothing_until_the_lock_changes(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    bootstrap.prepare([])
    (bootstrap.VENV / "bin").mkdir()
    (bootstrap.VENV / "bin" / "python").touch()
    machine.lines.clear()
    capsys.readouterr()
    bootstrap.prepare([])
    assert [line[0] for line in machine.lines] == ["execv"]
    assert capsys.readouterr().err == ""
    bootstrap.LOCK.write_text("x==2\n")
    bootstrap.prepare([])
    assert machine.did("pip", "--require-hashes")


def test_an_interrupted_installation_is_no_installation(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.failing = ("--require-hashes",)
    with pytest.raises(SystemExit) as ended:
        bootstrap.prepare([])
    assert ended.value.code == 3
    assert "The next run continues" in capsys.readouterr().err
    assert not bootstrap.STAMP.exists()
    machine.failing = ()
    machine.lines.clear()
    bootstrap.prepare([])
    assert machine.did("pip", "--require-hashes")


@pytest.mark.parametrize(
    ("arguments", "lab"),
    [
        (["demo"], True), (["lab", "up", "mps"], True), (["test"], True), (["test", "lab"], True), (["test", "fresh"], True),
        (["--lang", "fr", "demo"], False), (["test", "lint", "unit"], False), (["check", "mps"], False), ([], False),
        (["demo", "--help"], False), (["--debug", "demo"], True),
    ],
)  # fmt: skip
def test_the_labs_packages_are_wanted_by_the_verbs_that_use_it(
    arguments: list[str],
    lab: bool,
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _absent(monkeypatch, "systemd-nspawn", "nft")
    bootstrap.prepare(arguments)
    assert machine.did("apt-get", "install", "systemd-container", "nftables") == lab
    assert ("apt-get install -y --no-install-recommends systemd-container nftables" in capsys.readouterr().err) == lab


def test_a_user_is_told_of_sudo_before_it_is_used(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    _absent(monkeypatch, "mmdebstrap")
    bootstrap.prepare(["demo"])
    assert "sudo apt-get install -y --no-install-recommends mmdebstrap" in capsys.readouterr().err
    assert machine.did("sudo", "env", "DEBIAN_FRONTEND=noninteractive", "mmdebstrap")
    assert not machine.did("sudo", "pip")


def test_root_leaves_no_file_of_its_own_in_a_persons_checkout(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class His(type(Path())):  # type: ignore[misc]
        """A checkout that belongs to somebody."""

        def stat(self, **_how: object) -> os.stat_result:
            return os.stat_result((0o40755, 0, 0, 1, 1000, 1000, 0, 0, 0, 0))

    given: dict[str, int] = {}
    (tmp_path / "wizara/__pycache__").mkdir(parents=True)
    (tmp_path / "wizara/__pycache__/bootstrap.pyc").touch()
    monkeypatch.setattr(bootstrap, "ROOT", His(tmp_path))
    monkeypatch.setattr(os, "chown", lambda path, owner, _group, **_how: given.update({Path(path).name: owner}))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "")
    bootstrap.prepare(["check", "mps"])
    assert {"__pycache__": 1000, "bootstrap.pyc": 1000, ".venv": 1000}.items() <= given.items()
    assert sys.dont_write_bytecode
    assert os.environ["PYTHONDONTWRITEBYTECODE"] == "1"


def _too_old(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))


def _no_sudo(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    _absent(monkeypatch, "mmdebstrap", "sudo")


def _locked_out(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    _absent(monkeypatch, "mmdebstrap")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    machine.failing = ("-n",)


def _no_apt(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> None:
    _absent(monkeypatch, "mmdebstrap", "apt-get")


def _no_network(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> None:
    _absent(monkeypatch, "mmdebstrap")
    machine.failing = ("mmdebstrap",)


def _read_only(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)


@pytest.mark.parametrize(
    ("arrange", "english", "french"),
    [
        (_too_old, "needs Python 3.11 or newer", "demande Python 3.11"),
        (_locked_out, "let you in here: run as root: apt-get install", "exécutez en root"),
        (_no_sudo, "let you in here: run as root: apt-get install", "ne vous laisse pas entrer ici : exécutez en root"),
        (_no_apt, "on Debian only", "que sous Debian"),
        (_no_network, "is the network or the mirror down?", "réseau ou miroir en panne ?"),
        (_read_only, "cannot be written", "n'est pas accessible en écriture"),
    ],
)
def test_what_hinders_is_one_useful_line(
    arrange: Callable[[pytest.MonkeyPatch, Machine], None], english: str, french: str, machine: Machine,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    arrange(monkeypatch, machine)
    for language, said in (("C.UTF-8", english), ("fr_DZ.UTF-8", french)):
        monkeypatch.setenv("LC_ALL", language)
        with pytest.raises(SystemExit) as ended:
            bootstrap.prepare(["demo"])
        assert ended.value.code == 3
        assert said in capsys.readouterr().err.splitlines()[-1]


def test_an_environment_of_somebody_else_is_left_alone(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/somebody/else")
    bootstrap.prepare(["demo"])
    assert machine.lines == []


def test_a_wheel_sets_nothing_up(machine: Machine) -> None:
    bootstrap.LOCK.unlink()
    bootstrap.prepare(["demo"])
    assert machine.lines == []


def test_the_announced_size_was_measured_for_this_lock() -> None:
    lock = Path(__file__).parents[3] / "requirements.lock"
    digest, megabytes = bootstrap.FETCH
    assert hashlib.sha256(lock.read_bytes()).hexdigest().startswith(digest), "measure again: pip download --no-deps -r"
    assert len(digest) == 12
    assert megabytes > 0
