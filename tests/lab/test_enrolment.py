"""The first meeting with a machine, whatever an installer left and wherever it is cut short."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable

import paramiko
import pytest
import yaml
from houses import ADDRESS, House, environment, on_terminal

from wizara.engine.enrolment import Meeting, enrol
from wizara.engine.reach import HostKey, Login, LoginRefused, Machine
from wizara.errors import Refusal
from wizara.inventory.secrets import Secret

pytestmark = pytest.mark.lab

EVERYTHING = "find /etc /home /root /var/lib/dpkg/info -type f -print0 | sort -z | xargs -0 sha256sum"


def pinned(house: House) -> dict[str, object]:
    return yaml.safe_load((house.lab.folder / "enrolled.yaml").read_text())


@pytest.mark.parametrize(
    ("release", "login"),
    [
        ("trixie", {"user": "root", "password": "rehearsal-a"}),
        ("bookworm", {"user": "essaya", "password": "rehearsal-b", "sudo": "password"}),
        ("trixie", {"user": "essaya", "password": "rehearsal-c", "sudo": "nopasswd"}),
    ],
)
def test_each_first_login_leads_in_once_and_is_closed(house, release, login):
    made = house(release, login, cdrom=True)
    made.sh("mkdir -p /etc/apt/sources.list.d; printf 'Types: deb\\nURIs: cdrom:[Debian]/\\nSuites: x\\nComponents: main\\n'"
            " > /etc/apt/sources.list.d/disc.sources")  # fmt: skip
    done = made.wizara("enrol")
    assert done.returncode == 0, done.stderr
    kept = (made.lab.folder / "enrolled.yaml").stat()
    state = made.sh(EVERYTHING)
    again = made.wizara("enrol")
    assert (again.returncode, again.stdout) == (0, "machine: already enrolled, nothing changed\n"), again.stderr
    assert made.sh(EVERYTHING) == state
    now = (made.lab.folder / "enrolled.yaml").stat()
    assert (now.st_ino, now.st_mtime_ns) == (kept.st_ino, kept.st_mtime_ns)
    with Machine(ADDRESS, namespace=made.lab.world().namespace) as machine, pytest.raises(LoginRefused):
        machine.log_in(Login(login["user"], password=Secret(login["password"])), machine.host_key)
    assert login["password"] not in made.sh("cat /home/wizara/.ssh/authorized_keys /etc/sudoers.d/wizara")
    assert "cdrom" in made.sh("cat /etc/apt/sources.list.before-wizara")
    if release == "bookworm":
        made.sh("apt-get -q update", timeout=120)


def test_sudo_that_an_installer_left_out_is_installed(house):
    made = house("bookworm", {"user": "root", "key": True})
    made.sh("SUDO_FORCE_REMOVE=yes dpkg --purge sudo")
    assert made.wizara("enrol").returncode == 0
    assert "NOPASSWD" in made.sh("cat /etc/sudoers.d/wizara")


FAKES = {
    "clock": ("printf '#!/bin/sh\\necho 1000000\\n' > /usr/local/bin/date; chmod 755 /usr/local/bin/date", "its clock is"),
    "space": ("printf '#!/bin/sh\\necho x; echo x x x 9 x\\n' > /usr/local/bin/df; chmod 755 /usr/local/bin/df", "MiB free"),
    "release": ("sed -i s/VERSION_CODENAME=.*/VERSION_CODENAME=forky/ /usr/lib/os-release", "runs forky, declared is trixie"),
    "sudo": ("rm /etc/sudoers.d/essaya", "may not use sudo"),
    "no sudo": ("SUDO_FORCE_REMOVE=yes dpkg --purge sudo", "has no sudo"),
}  # fmt: skip


def test_what_cannot_work_is_refused_and_nothing_is_changed(house):
    made = house("trixie", {"user": "essaya", "key": True, "sudo": "nopasswd"})
    for name, (fake, words) in FAKES.items():
        made.sh(f"cp -a /usr/lib/os-release /root/os; cp -a /etc/sudoers.d/essaya /root/rule 2>/dev/null; {fake}")
        before = made.sh(EVERYTHING)
        done = made.wizara("enrol")
        assert done.returncode == 6, (name, done.stderr)
        assert words in done.stderr, (name, done.stderr)
        assert "Traceback" not in done.stderr
        assert made.sh(EVERYTHING) == before, name
        assert "nodes" not in pinned(made)
        made.sh(
            "rm -f /usr/local/bin/date /usr/local/bin/df; cp -a /root/os /usr/lib/os-release; cp -a /root/rule /etc/sudoers.d/essaya"
        )


def test_a_changed_host_key_is_refused_until_its_fingerprint_is_given(house):
    made = house("trixie")
    assert made.wizara("enrol").returncode == 0
    made.sh(
        "rm /etc/ssh/ssh_host_ed25519_key*; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key; systemctl restart ssh"
    )
    done = made.wizara("enrol")
    assert done.returncode == 6
    assert "somebody stands between" in done.stderr
    assert made.wizara("plan").returncode == 6
    new = made.sh("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").split()[1]
    wrong = made.wizara("enrol", "machine", "--fingerprint", "SHA256:" + "A" * 43)
    assert wrong.returncode == 6
    assert "no login was tried" in wrong.stderr
    right = made.wizara("enrol", "machine", "--fingerprint", new)
    assert right.returncode == 0, right.stderr


class Watch(paramiko.ServerInterface):
    """An SSH server that counts what is tried on it."""

    def __init__(self) -> None:
        self.tried: list[str] = []

    def get_allowed_auths(self, username: str) -> str:
        self.tried.append("asked")
        return "password,publickey"

    def check_auth_password(self, username: str, password: str) -> int:
        self.tried.append(f"password of {username}")
        return paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.tried.append(f"key of {username}")
        return paramiko.AUTH_FAILED

    def check_auth_none(self, username: str) -> int:
        self.tried.append("none")
        return paramiko.AUTH_FAILED


def impostor(watch: Watch, listener: socket.socket) -> None:
    key = paramiko.RSAKey.generate(2048)
    while True:
        try:
            connection, _address = listener.accept()
        except OSError:
            return
        transport = paramiko.Transport(connection)
        transport.add_server_key(key)
        with contextlib.suppress(EOFError, paramiko.SSHException):
            transport.start_server(server=watch)


def test_another_key_gets_no_authentication(tmp_path):
    watch, listener = Watch(), socket.create_server(("127.0.0.9", 0))
    threading.Thread(target=impostor, args=(watch, listener), daemon=True).start()
    port = listener.getsockname()[1]
    other = HostKey("ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIKYcw0NvDafAMP9PFyQpZv3pLDDMxreqK3Ps7VtQvrFS")

    class Here(Meeting):
        def open(self) -> Machine:
            return Machine("127.0.0.9", port)

    plan = None
    login = Login("root", password=Secret("canary"))
    with pytest.raises(Refusal, match="shows the key"):
        enrol(Here(plan, login, login), other, lambda _node: False, lambda _words: None)
    assert watch.tried == []
    with Machine("127.0.0.9", port) as machine, pytest.raises(LoginRefused):
        machine.log_in(login, machine.host_key)
    assert "password of root" in watch.tried
    listener.close()


def test_killed_at_any_moment_it_completes_when_run_again(house):
    made = house("trixie", {"user": "essaya", "password": "rehearsal", "sudo": "password"}, cdrom=True)
    line = made.line("enrol", str(made.folder), "--lab", made.name)
    for wait in (0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.6):
        with subprocess.Popen(line, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
    done = made.wizara("enrol")
    assert done.returncode == 0, done.stderr
    assert made.sh("sshd -T | grep -E '^(permitrootlogin|passwordauthentication)'").split("\n")[:2] == [
        "permitrootlogin no", "passwordauthentication no",
    ]  # fmt: skip
    assert "nothing changed" in made.wizara("enrol").stdout
    assert made.sh("ls -A /etc/ssh | grep -c wizara- || true").strip() == "0"


@pytest.mark.parametrize("step", ["SUDO", "ACCOUNT", "CLOSE"])
def test_a_machine_that_lost_its_visitor_between_two_commands_is_completed(house, monkeypatch, step):
    """The kill of the machine's own shell after each of its lines, by a line put there."""
    from wizara.engine import programs

    made = house("trixie", {"user": "root", "key": True})
    whole = getattr(programs, step)
    marks = [
        number
        for number, line in enumerate(whole.splitlines())
        if line.startswith(("mv ", "chown", "umask", "mkdir", "if ", "changed"))
    ]
    from wizara.cli.meeting import Host, arrange, meet
    from wizara.cli.world import scene
    from wizara.errors import Unfinished

    for mark in marks:
        lines = whole.splitlines()
        lines.insert(mark + 1 if not lines[mark].startswith("if ") else mark, "kill -9 $$")
        monkeypatch.setattr(programs, step, "\n".join(lines))
        found = scene(str(made.folder), made.name)
        with contextlib.suppress(Unfinished):
            meet(found, arrange(found, Host("machine", None), lambda *_: None), lambda _words: None)
    monkeypatch.setattr(programs, step, whole)
    assert made.wizara("enrol").returncode == 0
    assert made.sh("sshd -T | grep '^permitrootlogin'").strip() == "permitrootlogin no"
    assert "nothing changed" in made.wizara("enrol").stdout
    with Machine(ADDRESS, namespace=made.lab.world().namespace) as machine, pytest.raises(LoginRefused):
        machine.log_in(Login("root", made.lab.folder / "operator_ed25519"), machine.host_key)


def test_passwords_are_asked_on_the_terminal_and_the_console_line_is_shown(house, tmp_path):
    made: House = house("trixie", {"user": "essaya", "password": "rehearsal-pty", "sudo": "password"})
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id_ed25519").write_text((made.lab.folder / "operator_ed25519").read_text())
    (home / ".ssh" / "id_ed25519").chmod(0o600)
    ministry = yaml.safe_load((made.folder / "ministry.yaml").read_text())
    ministry["people"]["essai"]["ssh_keys"] = [(made.lab.folder / "operator_ed25519.pub").read_text().strip()]
    (made.folder / "ministry.yaml").write_text(yaml.safe_dump(ministry))
    inside = [
        "nsenter",
        f"--net={made.lab.world().namespace}",
        "--",
        *made.line("enrol", str(made.folder), "--user", "essaya"),
    ]
    settings = {"cwd": tmp_path, "env": {**environment(), "HOME": str(home), "TERM": "dumb"}}
    truth = made.sh("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").split()[1]

    code, shown = on_terminal(inside, {"password of essaya": "rehearsal-pty", "are they the same?": "n"}, **settings)
    assert code == 130
    assert "nothing was sent to the machine" in shown
    code, shown = on_terminal(inside, {"password of essaya": "rehearsal-pty", "are they the same?": "y"}, **settings)
    assert code == 0, shown
    assert truth in shown
    assert "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" in shown
    assert "rehearsal-pty" not in shown
    written = "".join(
        path.read_text() for path in made.folder.rglob("*") if path.is_file() and path.name != "rehearsal.yaml"
    )
    assert "rehearsal-pty" not in written
    assert (made.folder / "enrolled.yaml").is_file()


NETWORKS = {
    "networkd": "systemctl start systemd-networkd",
    "ifupdown": "apt-get -q update && apt-get -q -y --no-install-recommends install ifupdown"
    " && printf 'source /etc/network/interfaces.d/*\\nauto lo\\niface lo inet loopback\\n' > /etc/network/interfaces",
}


@pytest.mark.parametrize(("release", "network"), [("bookworm", "networkd"), ("trixie", "ifupdown")])
def test_a_bare_port_that_is_declared_with_its_mac_gets_its_address(house: Callable[..., House], release, network):
    mac = "52:54:00:98:00:01"
    made = house(release, ports={"servers": {"address": "10.98.0.1", "mac": mac}})
    made.sh(
        f"ip address flush dev servers; ip link set servers down; ip link set servers name ens9; {NETWORKS[network]}"
    )
    before = made.sh("ip -o -4 address show dev adm; ip route")
    done = made.wizara("enrol")
    assert done.returncode == 0, done.stderr
    assert pinned(made)["nodes"]["machine"]["devices"] == {"servers": "ens9"}  # type: ignore[index]
    assert "10.98.0.1/24" in made.sh("ip -o -4 address show dev ens9")
    assert all(line in made.sh("ip -o -4 address show dev adm; ip route") for line in before.splitlines())
    assert "nothing changed" in made.wizara("enrol").stdout
