"""Every way that wizara has to another machine, met by a server that holds another key: none of them tries to log in."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import paramiko
import pytest
from pydantic import SecretStr

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))
from delay import Delay
from farm import Farm
from fleet import inside, own_network
from impostor import listen

from wizara import tree
from wizara.audit.job import DeviceLogin, Station
from wizara.engine import window
from wizara.engine.carrier import NoWay, UnknownHostKey, Way, connect
from wizara.engine.line import Line
from wizara.engine.reach import HostKey, Login, Machine, dial
from wizara.engine.shell import Command, Cut
from wizara.errors import WizaraError

pytestmark = pytest.mark.lab
ADDRESS = "127.3.0.1"
KINDS: dict[str, Callable[[], paramiko.PKey]] = {
    "ed25519": lambda: paramiko.PKey.from_path(_made("ed25519")), "rsa": lambda: paramiko.RSAKey.generate(2048),
    "ecdsa": lambda: paramiko.ECDSAKey.generate(bits=256),
}  # fmt: skip


@dataclass
class Scene:
    """An impostor on port 22 of an address, and a key of the operator."""

    folder: Path
    key_file: Path
    right: paramiko.PKey
    wrong: paramiko.PKey
    pin: str
    log: Path

    def attempts(self) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if line.startswith("auth")]


def _made(kind: str, folder: Path | None = None) -> Path:
    path = (folder or Path(tempfile.mkdtemp())) / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)
    return path


@pytest.fixture
def network() -> Iterator[None]:
    with own_network() as made, inside(made):
        yield


@pytest.fixture(params=["other", "own"])
def scene(
    request: pytest.FixtureRequest, network: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    """*other*: it holds another key than the pinned one; *own*: the right one, which shows that its log tells."""
    right, wrong = KINDS["ed25519"](), KINDS["ed25519"]()
    (tmp_path / ".ssh").mkdir()
    key = _made("ed25519", tmp_path / ".ssh")
    key.rename(key.with_name("id_ed25519"))
    monkeypatch.setenv("HOME", str(tmp_path))
    log = tmp_path / "log"
    door = listen(ADDRESS, 22, wrong if request.param == "other" else right, log)
    pin = f"{right.get_name()} {right.get_base64()}"
    yield Scene(tmp_path, key.with_name("id_ed25519"), right, wrong, pin, log)
    door.close()


def _way(scene: Scene) -> None:
    connect(Way(ADDRESS, "wizara", scene.pin, key_file=str(scene.key_file))).close()


def _own_keys(scene: Scene) -> None:
    connect(Way(ADDRESS, "wizara", scene.pin)).close()


def _jump(scene: Scene) -> None:
    (scene.folder / ".ssh" / "config").write_text(f"Host 127.4.0.1\n ProxyJump jump@{ADDRESS}\n")
    connect(Way("127.4.0.1", "wizara", scene.pin, pins=((ADDRESS, scene.pin),))).close()


def _known_jump(scene: Scene) -> None:
    (scene.folder / ".ssh" / "config").write_text(f"Host 127.4.0.1\n ProxyJump jump@{ADDRESS}\n")
    (scene.folder / ".ssh" / "known_hosts").write_text(
        f"@cert-authority * {scene.wrong.get_name()} {scene.wrong.get_base64()}\n{ADDRESS} {scene.pin}\n"
    )
    connect(Way("127.4.0.1", "wizara", scene.pin)).close()


def _machine(scene: Scene) -> None:
    with Machine(ADDRESS) as machine:
        machine.log_in(Login("wizara", scene.key_file), HostKey.parse(scene.pin))


def _confirming(scene: Scene) -> None:
    data: Any = type("Data", (dict,), {"__getattr__": dict.__getitem__})(
        ssh_hostname=ADDRESS, ssh_key=str(scene.key_file), wizara_host_key=scene.pin
    )
    with window.new_connection(SimpleNamespace(data=data)):  # type: ignore[arg-type]
        pass


def _vantage(scene: Scene) -> None:
    collectors = tree.load("audits.lan.collectors")
    collectors.reached(
        Station(name="n", address=IPv4Address(ADDRESS), host_key=scene.pin, user="wizara", key_file=scene.key_file)
    ).close()


def _device(scene: Scene) -> None:
    login = DeviceLogin(
        name="sw", address=IPv4Address(ADDRESS), platform="cisco_ios", username="audit", password=SecretStr("device-password"), host_key=scene.pin
    )  # fmt: skip
    told = tree.load("audits.devices.reader").look(
        lambda address, port, seconds: dial(address, port, None, seconds), login
    )
    assert told["answer"] is False
    if told["reason"] == "host-key":
        raise UnknownHostKey(f"{told['fault']}")
    raise NoWay(told["reason"])


WAYS = {
    "the line to a node": _way, "with the operator's own keys": _own_keys, "over a jump host": _jump, "over a jump host of known_hosts": _known_jump,
    "verify, locks, enrolment, the journal's witnesses": _machine, "the confirmation of a change": _confirming,
    "an audit from a node": _vantage, "a device's command line": _device,
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_nobody_logs_in_to_another_key(scene: Scene, way: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises((UnknownHostKey, NoWay, WizaraError)) as fault:
        WAYS[way](scene)
    time.sleep(0.2)
    if request.node.callspec.params["scene"] == "own":
        assert scene.attempts(), "its log tells nothing"
        return
    assert scene.attempts() == []
    assert "ready" in scene.log.read_text()
    if way != "a device's command line":
        said = str(fault.value)
        assert scene.wrong.fingerprint in said
        assert scene.right.fingerprint in said
        assert "wizara enrol" in said


@pytest.mark.parametrize(
    "line",
    ["127.3.0.1 ssh-ed25519 !!!!", "127.3.0.1 ssh-ed25519", "@revoked", "@other x ssh-ed25519 AAAA", "one two three"],
)
def test_a_line_of_known_hosts_that_cannot_be_read_opens_no_way(
    network: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    right, log = KINDS["ed25519"](), tmp_path / "log"
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text(f"Host 127.4.0.1\n ProxyJump jump@{ADDRESS}\n")
    known = tmp_path / ".ssh" / "known_hosts"
    known.write_text(f"# a comment\n{ADDRESS} {right.get_name()} {right.get_base64()}\n{line}\n")
    door = listen(ADDRESS, 22, right, log)
    with pytest.raises(UnknownHostKey, match=r"known_hosts:3 "):
        connect(Way("127.4.0.1", "wizara", f"{right.get_name()} {right.get_base64()}"))
    known.write_text(
        f"@revoked * {right.get_name()} {right.get_base64()}\n{ADDRESS} {right.get_name()} {right.get_base64()}\n"
    )
    with pytest.raises(UnknownHostKey, match="neither enrolled"):
        connect(Way("127.4.0.1", "wizara", f"{right.get_name()} {right.get_base64()}"))
    door.close()
    assert log.read_text() == "ready\n"


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_a_key_of_another_kind_is_another_key(network: None, tmp_path: Path, kind: str) -> None:
    right, log = KINDS["ed25519"](), tmp_path / "log"
    key = _made("ed25519", tmp_path)
    door = listen(ADDRESS, 22, KINDS[kind](), log)
    pin = f"{right.get_name()} {right.get_base64()}"
    with pytest.raises(UnknownHostKey) as fault:
        connect(Way(ADDRESS, "wizara", pin, key_file=str(key)))
    assert right.fingerprint in str(fault.value)
    with pytest.raises(WizaraError), Machine(ADDRESS) as machine:
        machine.log_in(Login("wizara", key), HostKey.parse(pin))
    time.sleep(0.2)
    door.close()
    assert "auth" not in log.read_text()


@contextlib.contextmanager
def _two(folder: Path) -> Iterator[tuple[Line, Delay, Farm, Path]]:
    """A line to a machine whose place another one takes when its connection is cut."""
    log = folder / "log"
    with Farm(folder / "farm", 1, port=22) as farm, Delay((ADDRESS, 22), (farm.addresses[0], 22), 0.02) as between:
        door = listen("127.3.0.2", 22, KINDS["ed25519"](), log)
        line = Line(Way(ADDRESS, "root", farm.host_key, key_file=str(farm.key)))
        try:
            yield line, between, farm, log
        finally:
            line.close()
            door.close()


@pytest.mark.parametrize("long", [False, True])
def test_a_key_that_changes_in_mid_run_ends_it(network: None, tmp_path: Path, long: bool) -> None:
    with _two(tmp_path) as (line, between, _farm, log):
        assert line.ask(Command("echo one", ())).out == b"one\n"

        def swap() -> None:
            time.sleep(1)
            between._there = ("127.3.0.2", 22)
            between.cut()

        swapping = threading.Thread(target=swap)
        swapping.start()
        with pytest.raises((UnknownHostKey, Cut, NoWay)) as first:
            line.act(Command("sleep 3; echo two", (), long=long), 30)
        swapping.join()
        if long:
            assert isinstance(first.value, UnknownHostKey)
        with pytest.raises((UnknownHostKey, Cut)) as second:
            line.act(Command("echo three", ()), 30)
        assert "expected" in str(second.value)
        time.sleep(0.2)
    assert "met" in log.read_text()
    assert "auth" not in log.read_text()


@pytest.mark.parametrize(
    "pin", ["", "ssh-ed25519", "ssh-ed25519 !!!!", "ssh-ed25519 AAAA", "no-such-kind AAAA", "ssh-ed25519 " + "A" * 67]
)
def test_a_pin_that_cannot_be_read_lets_nobody_in(network: None, tmp_path: Path, pin: str) -> None:
    """The inventory refuses it before; this is the wall behind."""
    key, log = _made("ed25519", tmp_path), tmp_path / "log"
    door = listen(ADDRESS, 22, KINDS["ed25519"](), log)
    with pytest.raises((UnknownHostKey, NoWay, WizaraError, ValueError)):
        connect(Way(ADDRESS, "wizara", pin, key_file=str(key)))
    with pytest.raises((WizaraError, ValueError)), Machine(ADDRESS) as machine:
        machine.log_in(Login("wizara", key), HostKey.parse(pin))
    time.sleep(0.2)
    door.close()
    assert "auth" not in log.read_text()
