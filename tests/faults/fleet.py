"""A fleet on the loopback of a network namespace of its own: good nodes, and nodes that are sick in each way that is met in the field."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
from delay import Delay
from farm import Farm

_CLONE_NEWNET = 0x40000000
PORT = 22
STEPS = 12
#: A machine of the farm has no sudo and no systemd; its login is root by another name.
_SUDO = (
    '#!/bin/sh\nwhile :; do case "$1" in -n|-H|-k|-S) shift ;; -p|-u) shift 2 ;; *) break ;; esac; done\nexec "$@"\n'
)
_SYSTEMCTL = "#!/bin/sh\nexit 3\n"
_DEPLOY = f"""
from wizara.operations import directory, file, this_node

folder = f"/srv/bench/{{this_node().name}}"
directory(name="folder", path=folder)
for number in range({STEPS}):
    file(name=f"file {{number}}", path=f"{{folder}}/{{number}}", content=f"VERSION {{number}}\\n" + "x" * 3000)
"""


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.setns(namespace, _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())


@contextlib.contextmanager
def inside(namespace: int) -> Iterator[None]:
    """Let this thread, and what it starts, be in *namespace*."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _enter(namespace)
        yield
    finally:
        _enter(before)
        os.close(before)


@contextlib.contextmanager
def own_network() -> Iterator[int]:
    """Make a namespace that has a loopback and nothing else."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    assert ctypes.CDLL(None).unshare(_CLONE_NEWNET) == 0
    made = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    finally:
        _enter(before)
        os.close(before)
    yield made
    os.close(made)


@contextlib.contextmanager
def mute(addresses: tuple[str, ...]) -> Iterator[None]:
    """Take connections on *addresses* and say nothing."""
    doors = [socket.create_server((address, PORT), backlog=50) for address in addresses]
    kept: list[socket.socket] = []

    def hold(door: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                kept.append(door.accept()[0])

    for door in doors:
        threading.Thread(target=hold, args=(door,), daemon=True).start()
    try:
        yield
    finally:
        for one in (*doors, *kept):
            one.close()


@dataclass
class Told:
    """What a run told of its nodes, and when."""

    code: int
    outcomes: dict[str, str]
    messages: dict[str, str]
    ended: dict[str, float]
    """Node → seconds from the beginning."""
    began: list[tuple[float, str]] = field(default_factory=list)
    """When a node's first step was begun."""


class Fleet:
    """Nodes by kind; *counts* says how many there are of each."""

    def __init__(self, folder: Path, counts: dict[str, int], seconds: float = 0.3, gateway: str = "") -> None:
        """*seconds*: the round trip to the slow ones; all others wait for *gateway*."""
        self.folder = folder
        self.names = {kind: [f"{kind}{number}" for number in range(count)] for kind, count in counts.items()}
        self.every = [name for names in self.names.values() for name in names]
        programs = folder / "bin"
        programs.mkdir(parents=True)
        for name, text in {"sudo": _SUDO, "systemctl": _SYSTEMCTL}.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        served = [name for kind in ("good", "full", "slow") for name in self.names.get(kind, [])]
        self._farm = Farm(folder / "farm", len(served), programs, PORT, private=True, prepare=self._prepared())
        self.addresses = dict(zip(served, self._farm.addresses, strict=True))
        self._behind = {name: self.addresses[name] for name in self.names.get("slow", [])}
        for number, name in enumerate(one for kind in ("slow", "mute", "refusing") for one in self.names.get(kind, [])):
            self.addresses[name] = f"127.2.0.{number + 1}"
        self._seconds, self._gateway = seconds, gateway
        self._version = 0
        self._write()

    def _prepared(self) -> str:
        full = " ".join(self.names.get("full", []))
        return (
            "cp /etc/passwd $FARM/passwd; echo 'wizara:x:0:0::/root:/bin/sh' >> $FARM/passwd; mount --bind $FARM/passwd /etc/passwd; "
            f"touch /var/lib/wizara/applied; for name in {full}; do mkdir -p /srv/bench/$name; "
            "mount -t tmpfs -o mode=755,size=16k none /srv/bench/$name; head -c 20000 /dev/zero > /srv/bench/$name/full 2>/dev/null || true; done"
        )

    @contextlib.contextmanager
    def up(self) -> Iterator[Fleet]:
        """Let the fleet run while the block does."""
        with contextlib.ExitStack() as stack:
            self._network = stack.enter_context(own_network())
            with inside(self._network):
                stack.enter_context(self._farm)
                for name, behind in self._behind.items():
                    stack.enter_context(Delay((self.addresses[name], PORT), (behind, PORT), self._seconds))
                stack.enter_context(mute(tuple(self.addresses[name] for name in self.names.get("mute", []))))
            yield self

    def _write(self) -> None:
        titles = {"fr": "Essai"}
        nodes = {
            name: {
                "release": "trixie",
                "manage": self.addresses[name],
                "ports": {"adm": {"address": self.addresses[name]}},
            }
            for name in self.every
        }
        nodes[self.every[0]]["parts"] = ["node", "names"]
        site = {"title": titles, "kind": "headquarters", "lans": {"adm": {"network": "127.0.0.0/8", "purpose": "administration"}}, "nodes": nodes}  # fmt: skip
        if self._gateway:
            site["uplinks"] = {"wan": {"class": "fibre", "address": "192.0.2.2/30", "gateway": "192.0.2.1"}}
            nodes[self._gateway]["ports"]["wan"] = {}  # type: ignore[index]
        key = " ".join(self._farm.key.with_suffix(".pub").read_text().split()[:2])
        ministry = {
            "name": "fleet", "title": titles, "country": "DZ", "domain": "fleet.test", "management": ["127.0.0.0/8"], "engineers": ["essai"],
            "people": {"essai": {"name": titles, "site": "hq", "mail": "essai", "ssh_keys": [key]}},
        }  # fmt: skip
        enrolled = {"nodes": {name: {"host_key": self._farm.host_key} for name in self.every}}
        (self.folder / "inventory" / "sites").mkdir(parents=True)
        for path, content in {"ministry.yaml": ministry, "sites/hq.yaml": site, "enrolled.yaml": enrolled}.items():
            (self.folder / "inventory" / path).write_text(json.dumps(content, indent=1))
        (self.folder / ".ssh").mkdir()
        (self.folder / ".ssh" / "id_ed25519").write_text(self._farm.key.read_text())
        (self.folder / ".ssh" / "id_ed25519").chmod(0o600)

    def apply(self, *kinds: str, at_once: bool = True, **brakes: Any) -> Told:
        """Apply a new version of the deploy on the nodes of *kinds*, as the verb does."""
        from wizara.cli.provision import Provision
        from wizara.cli.world import scene
        from wizara.record import RunFolder

        self._version += 1
        deploy = self.folder / f"deploy{self._version}.py"
        deploy.write_text(_DEPLOY.replace("VERSION", str(self._version)))
        names = tuple(name for kind in kinds or self.names for name in self.names[kind])
        ended: dict[str, float] = {}
        began: list[tuple[float, str]] = []
        append, home = RunFolder.append, os.environ["HOME"]

        def noted(folder: RunFolder, name: str, line: Any) -> None:
            moment = time.monotonic() - start
            if line.event == "ended":
                ended[line.node] = moment
            elif line.event == "step" and line.phase == "apply" and line.number == 1:
                began.append((moment, line.node))
            append(folder, name, line)

        RunFolder.append = noted  # type: ignore[method-assign]
        os.environ["HOME"] = str(self.folder)
        start = time.monotonic()
        try:
            found = scene(str(self.folder / "inventory"), None)
            made = Provision(
                found,
                "apply",
                names,
                self.folder / "runs",
                deploy=str(deploy.with_suffix("")),
                at_once=at_once,
                **brakes,
            )
            with inside(self._network):
                result = made.run(lambda provision: tuple(provision.pending()))
        finally:
            RunFolder.append, os.environ["HOME"] = append, home  # type: ignore[method-assign]
        return Told(
            result.exit_code, {one.node: one.outcome for one in result.nodes}, {one.node: one.message for one in result.nodes}, ended, began
        )  # fmt: skip
