"""Lays on a machine's own layer what an installer would have left there: name, keys, first login, package sources."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from wizara.lab.process import run
from wizara.lab.rehearsal import Login, Outside

#: What must differ in a lab, all in one folder; ``wizara lab doctor`` lists it.
DROPINS = Path(__file__).resolve().parent / "dropins"
_DISC = "deb cdrom:[Debian GNU/Linux {suite} - Official amd64 NETINST]/ {suite} main non-free-firmware\n"


@dataclass(frozen=True)
class Layer:
    """The writable layer of a machine over its cached tree."""

    upper: Path
    lower: Path

    def folder(self, path: str) -> Path:
        """Return *path* as a folder of this layer, with owner and mode as in the tree below."""
        target = self.upper / path.lstrip("/")
        if not target.is_dir():
            below = self.lower / path.lstrip("/")
            self.folder(os.path.dirname(path))  # noqa: PTH120 - a path inside the machine
            target.mkdir()
            if below.is_dir():
                shutil.copystat(below, target)
                os.chown(target, below.stat().st_uid, below.stat().st_gid)
        return target

    def write(self, path: str, content: str, mode: int = 0o644, owner: int = 0, group: int | None = None) -> None:
        """Write a file of this layer."""
        folder = self.folder(os.path.dirname(path)) if path.strip("/").count("/") else self.upper  # noqa: PTH120
        target = folder / os.path.basename(path)  # noqa: PTH119
        target.touch(mode=0o600)
        target.write_text(content)
        target.chmod(mode)
        os.chown(target, owner, owner if group is None else group)

    def read(self, path: str) -> str:
        """Return a file of this layer, else of the tree below."""
        own = self.upper / path.lstrip("/")
        return (own if own.exists() else self.lower / path.lstrip("/")).read_text()


def lay(
    layer: Layer, name: str, suite: str, login: Login, outside: Outside | None, operator_key: str, *, disc: bool
) -> str:
    """Prepare the machine *name* and return its public host key."""
    layer.write("/etc/hostname", f"{name}\n")
    layer.write("/etc/hosts", f"127.0.0.1\tlocalhost\n127.0.1.1\t{name}\n::1\tlocalhost ip6-localhost ip6-loopback\n")
    if outside:
        layer.write("/etc/resolv.conf", f"nameserver {outside.resolver}\n")
        layer.write(
            "/etc/apt/sources.list", _DISC.format(suite=suite) if disc else _sources(suite, str(outside.mirror))
        )
    _let_in(layer, login, operator_key)
    _lay_dropins(layer)
    return _host_key(layer)


def _sources(suite: str, mirror: str) -> str:
    base = f"http://{mirror}/debian"
    return f"deb {base} {suite} main\ndeb {base} {suite}-updates main\ndeb {base}-security {suite}-security main\n"


def _host_key(layer: Layer) -> str:
    folder = layer.folder("/etc/ssh")
    key = folder / "ssh_host_ed25519_key"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key])
    return " ".join(key.with_suffix(".pub").read_text().split()[:2])


def _let_in(layer: Layer, login: Login, operator_key: str) -> None:
    number, home = (0, "/root") if login.user == "root" else (1000, f"/home/{login.user}")
    hashed = run(["openssl", "passwd", "-6", "-stdin"], feed=login.password + "\n").strip() if login.password else "*"
    if number:
        _add_user(layer, login, hashed)
    elif login.password:
        shadow = layer.read("/etc/shadow").splitlines(keepends=True)
        changed = [
            ":".join(["root", hashed, *line.split(":")[2:]]) if line.startswith("root:") else line for line in shadow
        ]
        layer.write("/etc/shadow", "".join(changed), 0o640, 0, 42)
        layer.write("/etc/ssh/sshd_config.d/10-installer.conf", "PermitRootLogin yes\n")
    if login.key:
        folder = layer.folder(f"{home}/.ssh")
        folder.chmod(0o700)
        os.chown(folder, number, number)
        layer.write(f"{home}/.ssh/authorized_keys", operator_key + "\n", 0o600, number)


def _add_user(layer: Layer, login: Login, hashed: str) -> None:
    user, home = login.user, f"/home/{login.user}"
    layer.write("/etc/passwd", layer.read("/etc/passwd") + f"{user}:x:1000:1000:{user}:{home}:/bin/bash\n")
    layer.write("/etc/shadow", layer.read("/etc/shadow") + f"{user}:{hashed}:20000:0:99999:7:::\n", 0o640, 0, 42)
    groups = layer.read("/etc/group") + f"{user}:x:1000:\n"
    if login.sudo == "password":
        groups = "".join(
            line.rstrip("\n") + (user if line.startswith("sudo:") else "") + "\n" for line in groups.splitlines()
        )
    layer.write("/etc/group", groups)
    if login.sudo == "nopasswd":
        layer.write(f"/etc/sudoers.d/{user}", f"{user} ALL=(ALL:ALL) NOPASSWD: ALL\n", 0o440)
    folder = layer.folder(home)
    folder.chmod(0o750)
    os.chown(folder, 1000, 1000)


def _lay_dropins(layer: Layer) -> None:
    for path in sorted(DROPINS.rglob("*")):
        if path.is_file():
            layer.write(f"/{path.relative_to(DROPINS)}", path.read_text())
