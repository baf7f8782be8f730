"""Who is met and who is let in, against real OpenSSH servers: pinned keys first, on jump hosts too, then the operator's keys."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from lines import PORT, Farm, sh, way

from wizara.engine.carrier import NoWay, UnknownHostKey, connect
from wizara.engine.line import Line
from wizara.engine.reach import LoginRefused, Machine
from wizara.errors import Refusal, Unreachable

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """Two machines of the loopback."""
    with Farm(tmp_path_factory.mktemp("farm"), 2, port=PORT + 6) as made:
        yield made


def other_key(farm: Farm) -> str:
    return " ".join(farm.key.with_suffix(".pub").read_text().split()[:2])


def test_a_machine_with_another_key_is_refused_before_any_login(farm: Farm) -> None:
    before = farm.log()
    with pytest.raises(UnknownHostKey):
        connect(way(farm, pin=other_key(farm)))
    with pytest.raises(UnknownHostKey):
        connect(way(farm, pin="ssh-rsa AAAAB3NzaC1yc2E="))
    assert "publickey" not in farm.log()[len(before) :]


def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, farm: Farm, known: str) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / ".ssh").mkdir()
    lines = [
        f"Host {farm.addresses[0]}", "  ProxyJump bastion", "Host bastion", f"  HostName {farm.addresses[1]}", f"  Port {farm.port}",
        "  User root", "Host *", f"  IdentityFile {farm.key}",
    ]  # fmt: skip
    (tmp_path / ".ssh" / "config").write_text("\n".join(lines) + "\n")
    (tmp_path / ".ssh" / "known_hosts").write_text(f"[{farm.addresses[1]}]:{farm.port} {known}\n" if known else "")


def test_a_jump_host_that_the_operator_knows_is_gone_through(
    farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _home(tmp_path, monkeypatch, farm, farm.host_key)
    line = Line(way(farm, key_file=None))
    assert (
        farm.addresses[1].encode() in line.ask(sh("echo $SSH_CONNECTION")).out or line.ask(sh("echo ok")).out == b"ok\n"
    )
    line.close()


def test_locks_and_confirmations_go_through_the_jump_host_as_well(
    farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _home(tmp_path, monkeypatch, farm, farm.host_key)
    before = farm.log().count("Accepted publickey")
    with Machine.over(way(farm, key_file=None)) as machine:
        assert machine.run_as_root('echo "$1"; id -u', "here") == "here\n0\n"
    assert farm.log().count("Accepted publickey") == before + 2
    with pytest.raises(Refusal):
        Machine.over(way(farm, key_file=None, pin=other_key(farm)))


def test_who_is_not_let_in_is_told_apart_from_who_gets_no_answer(farm: Farm, tmp_path: Path) -> None:
    key = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    with pytest.raises(LoginRefused):
        Machine.over(way(farm, key_file=str(key)))
    with pytest.raises(Unreachable):
        Machine.over(way(farm, port=PORT - 1))


@pytest.mark.parametrize("known", ["", "other"])
def test_a_jump_host_that_is_unknown_or_another_gets_no_login(
    farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    _home(tmp_path, monkeypatch, farm, other_key(farm) if known else "")
    before = farm.log()
    with pytest.raises(UnknownHostKey):
        connect(way(farm, key_file=None))
    assert "publickey" not in farm.log()[len(before) :]


def test_the_machine_behind_a_jump_host_is_met_as_strictly(
    farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _home(tmp_path, monkeypatch, farm, farm.host_key)
    with pytest.raises(UnknownHostKey):
        connect(way(farm, key_file=None, pin=other_key(farm)))


def test_a_user_certificate_beside_the_key_lets_in(farm: Farm, tmp_path: Path) -> None:
    authority, key = tmp_path / "ca", tmp_path / "id"
    for path in (authority, key):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    with pytest.raises(NoWay):
        connect(way(farm, key_file=str(key)))
    subprocess.run(["ssh-keygen", "-q", "-s", str(authority), "-I", "engineer", "-n", "root", f"{key}.pub"], check=True)
    (farm.folder / "trusted").write_text(authority.with_suffix(".pub").read_text())
    connect(way(farm, key_file=str(key))).close()


def test_keys_of_an_agent_let_in(farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(place)], stdout=subprocess.DEVNULL)
    try:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
        while not place.exists():
            time.sleep(0.05)
        with pytest.raises(NoWay):
            connect(way(farm, key_file=None))
        subprocess.run(["ssh-add", "-q", str(farm.key)], check=True)
        connect(way(farm, key_file=None)).close()
    finally:
        agent.terminate()
        agent.wait()


def test_a_machine_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch, farm: Farm) -> None:
    monkeypatch.setattr("wizara.engine.carrier._CONNECT_SECONDS", 1)
    with socket.create_server(("127.1.1.242", PORT + 2)), pytest.raises(NoWay):
        connect(way(farm, address="127.1.1.242", port=PORT + 2))
    with pytest.raises(NoWay):
        connect(way(farm, address="127.1.1.242", port=PORT + 2))
