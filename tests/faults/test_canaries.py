"""Twelve secrets are seen by nobody whom they are not for, whatever becomes of the run that carries them."""

from __future__ import annotations

import base64
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "lab"))
import houses
import ios_stub
import paramiko
from houses import NODE, House
from watching import Watched, watched

from wizara import tree
from wizara.audit.job import DeviceLogin
from wizara.cli.world import scene
from wizara.inventory.secrets import open_secrets, read_identity, secrets_of_nodes
from wizara.lab import leftovers

pytestmark = [pytest.mark.lab, pytest.mark.fault_kind("secrets seen by nobody else")]
PASSWORD = "canary-of-the-enrolment-7Qx"
CANARIES = (
    "mailbox password", "mailbox hash", "DKIM key", "TLS key", "CA key", "VPN private key", "age identity", "operator's SSH key", "enrolment password",
    "node's host key", "device password", "enable secret",
)  # fmt: skip
_HAND = (
    "for path in $(grep -v nftables /var/lib/wizara/originals/index); do [ ! -f $path ] || echo '# hand' >> $path; done"
)


def forms(value: str) -> set[bytes]:
    """Return what would betray *value*: a line of it, or that line as programs write it elsewhere."""
    lines = {line.strip() for line in value.splitlines() if len(line.strip()) >= 12 and "-----" not in line}
    found = set()
    for line in lines:
        found |= {
            line,
            json.dumps(line)[1:-1],
            urllib.parse.quote(line, safe=""),
            base64.b64encode(line.encode()).decode().rstrip("=")[:-2],
        }
    return {form.encode() for form in found if len(form) >= 12}


@dataclass
class Evidence:
    """What the runs left to be seen, by place."""

    secrets: dict[str, str]
    places: dict[str, bytes]
    watched: Watched

    def hits(self, name: str) -> dict[str, int]:
        """Return place → how often a form of the secret *name* is found there."""
        found = forms(self.secrets[name])
        assert found
        return {place: sum(text.count(form) for form in found) for place, text in self.places.items()}


def _house(folder: Path, name: str) -> House:
    login = {"user": "essaya", "password": PASSWORD, "sudo": "password"}
    houses.write(folder, "trixie", login, parts=["node", "names", "mail", "intranet"])
    path = folder / "ministry.yaml"
    path.write_text(
        houses.plain({**yaml.safe_load(path.read_text()), "intranet": {"hub": NODE, "network": "10.97.0.0/24"}})
    )
    return houses.build(folder, name)


def _interrupted(house: House) -> tuple[int, str]:
    """Press Ctrl-C when a step that carries a secret is under way."""
    line = house.line("apply", str(house.folder), "--lab", house.name, "--runs", str(house.runs), "--yes")
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=houses.environment(), stdin=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
    assert process.stdout
    said = ""
    for text in process.stdout:
        said += text
        if "Mail server" in text or "Mailbox passwords" in text or "DKIM" in text:
            os.killpg(process.pid, signal.SIGINT)
            break
    said += process.stdout.read()
    return process.wait(60), said


def _tried(house: House) -> Iterator[str]:
    """Do all that carries secrets, and yield what it said."""

    def do(*words: str, codes: tuple[int, ...] = (0,), debug: bool = True) -> str:
        done = house.wizara(*words, debug=debug)
        assert done.returncode in codes, done.stdout + done.stderr
        return done.stdout + done.stderr

    yield do("secrets", "generate")
    yield do("enrol")
    plan = str(house.runs.parent / "saved.plan")
    yield do("plan", "--out", plan, codes=(4,))
    yield do("plan", "--json", codes=(4,))
    code, said = _interrupted(house)
    assert code == 130, said
    yield said
    yield do(
        "apply", "--yes", "--accept-closing", "tcp/22,/etc/postfix/main.cf,/etc/postfix/master.cf"
    )  # its postinst wrote them
    house.sh(_HAND)
    yield do("plan", codes=(4,))
    yield do("plan", "--json", "--out", plan, codes=(4,))
    house.sh("systemctl mask --quiet --now nftables")
    yield do("apply", "--yes", "--json", codes=(3,))
    house.sh("systemctl unmask --quiet nftables")
    yield do("apply", "--yes", "--json")
    yield do("verify", codes=(0, 4, 5))


def _all(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def evidence() -> Iterator[Evidence]:
    name = f"walc{os.getpid()}"
    with tempfile.TemporaryDirectory(prefix="wizara-canaries-") as made:
        folder = Path(made) / "single"
        try:
            house = _house(folder, name)
            root = Path(f"/proc/{house.lab.leader(NODE)}/root")
            with watched(root) as seen:
                said = "".join(_tried(house))
            secrets = _secrets(house)
            node = house.sh(
                "journalctl -o cat --no-pager; cat /root/.bash_history /home/*/.bash_history /var/log/*.log 2>/dev/null; true"
            ).encode()
            places = {
                "output": said.encode(), "runs": _all(house.runs), "saved plan": (folder.parent / "saved.plan").read_bytes(),
                "processes": seen.texts(), "files of others": b"\n".join(seen.open_files.values()), "node's logs": node,
                "node's files for all": house.sh(_OPEN).encode(), "temp": house.sh("cat /tmp/* /var/tmp/* /dev/shm/* 2>/dev/null; true").encode(),
                "crashes": b"".join(path.read_bytes() for path in Path.cwd().glob("core*") if path.is_file()),
            }  # fmt: skip
            yield Evidence(secrets, places, seen)
        finally:
            leftovers.clear(name)


#: Everything that anybody on the node may read and that this run wrote.
_OPEN = "find /etc /var/lib /var/spool /var/vmail /root /home /run /tmp /opt /srv -xdev -type f -perm -o=r -newer /etc/hostname -size -512k -exec cat {} + 2>/dev/null; true"


def _private(pem: str) -> str:
    """Return the private part of *pem*."""
    return next(
        part.partition("-----END")[0].partition("-----")[2]
        for part in pem.split("-----BEGIN ")[1:]
        if "PRIVATE KEY" in part[:30]
    )


def _secrets(house: House) -> dict[str, str]:
    found = scene(str(house.folder), house.name)
    opened = secrets_of_nodes(found.ministry, [NODE], found.secrets, found.identity)[NODE]
    named = {name: secret.reveal() for name, secret in opened.items()}
    box = json.loads(next(value for name, value in named.items() if name.startswith("mailbox-")))
    assert found.identity
    authority = open_secrets(found.secrets, ["hq/ca"], read_identity(found.identity))["hq/ca"].reveal()
    return {
        "mailbox password": box["password"], "mailbox hash": box["hash"],
        "DKIM key": next(value for name, value in named.items() if name.startswith("dkim-")),
        "TLS key": _private(next(value for name, value in named.items() if name.endswith("-tls"))),
        "CA key": _private(authority), "VPN private key": house.sh("cat /etc/wireguard/wg0.key"),
        "age identity": (house.lab.folder / "identity.age").read_text().splitlines()[-1],
        "operator's SSH key": (house.lab.folder / "operator_ed25519").read_text(), "enrolment password": PASSWORD,
        "node's host key": house.sh("cat /etc/ssh/ssh_host_ed25519_key"),
    }  # fmt: skip


@pytest.mark.parametrize("name", [name for name in CANARIES if name not in {"device password", "enable secret"}])
def test_a_secret_is_seen_by_nobody(evidence: Evidence, name: str) -> None:
    hits = evidence.hits(name)
    print(f"{name:<22}" + "  ".join(f"{place} {count}" for place, count in hits.items()))
    assert sum(hits.values()) == 0, hits


def test_the_watchers_saw_enough(evidence: Evidence) -> None:
    """A look every 20 ms, as far as a busy computer lets it; what is planted is found."""
    assert evidence.watched.samples > 500
    assert all(
        evidence.places[place]
        for place in (
            "output",
            "runs",
            "saved plan",
            "processes",
            "files of others",
            "node's logs",
            "node's files for all",
        )
    )
    assert b"wizara.engine" in evidence.places["processes"]
    planted = {"planted": evidence.secrets["DKIM key"]}
    for place in evidence.places:
        line = next(iter(forms(evidence.secrets["DKIM key"])))
        told = Evidence(planted, {**evidence.places, place: evidence.places[place] + line}, evidence.watched)
        assert told.hits("planted")[place] == 1


def test_a_watched_secret_on_a_command_line_or_in_an_open_file_is_seen(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    with watched(tmp_path) as seen:
        time.sleep(0.1)
        subprocess.run(
            [sys.executable, "-c", "import time; time.sleep(0.3)", "canary-in-argv"],
            env={"SECRET": "canary-in-env"},
            check=True,
        )
        (tmp_path / "tmp" / "open").write_text("canary-in-file")
        (tmp_path / "tmp" / "shut").touch(mode=0o600)
        (tmp_path / "tmp" / "shut").write_text("canary-kept")
        time.sleep(0.3)
    assert b"canary-in-argv" in seen.texts()
    assert b"canary-in-env" in seen.texts()
    assert b"canary-in-file" in b"".join(seen.open_files.values())
    assert b"canary-kept" not in b"".join(seen.open_files.values())


@pytest.mark.parametrize("name", ["device password", "enable secret"])
@pytest.mark.parametrize("enable", ["hunter2-enable", "wrong-enable-secret"])
def test_a_device_s_secrets_are_in_no_log_nor_answer(
    name: str, enable: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = {"device password": "hunter2-login", "enable secret": enable}[name]
    caplog.set_level(logging.DEBUG)
    ours, theirs = socket.socketpair()
    key = paramiko.ECDSAKey.generate(bits=256)
    threading.Thread(target=ios_stub.serve, args=(theirs, key), daemon=True).start()
    login = DeviceLogin(
        name="sw", address=IPv4Address("192.0.2.1"), platform="cisco_ios", username="audit", password=SecretStr("hunter2-login"),
        enable=SecretStr(enable), host_key=f"{key.get_name()} {key.get_base64()}",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        told = tree.load("audits.devices.reader").look(lambda *_way: ours, login)
        assert not list(Path(folder).iterdir())
    assert ("version" in told) == (enable == "hunter2-enable"), told
    shown = capfd.readouterr()
    seen = "\n".join((caplog.text, repr(caplog.records), shown.out, shown.err, repr(told), repr(login), str(login)))
    assert len(caplog.text) > 500
    assert secret not in seen
