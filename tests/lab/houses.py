"""A ministry of one machine with its own inventory folder and lab, and wizara's command on it."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from wizara import tree
from wizara.inventory import load
from wizara.lab import Lab, rehearsal, rise

NODE = "machine"
ADDRESS = "10.99.0.1"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKYcw0NvDafAMP9PFyQpZv3pLDDMxreqK3Ps7VtQvrFS"


class _Plain(yaml.SafeDumper):
    """Writes no anchors: an inventory has none."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def plain(content: object) -> str:
    """Return *content* as an inventory is written."""
    return yaml.dump(content, Dumper=_Plain, sort_keys=False, allow_unicode=True)


@dataclass
class House:
    """The inventory's folder, its lab, and where runs are kept."""

    folder: Path
    name: str
    lab: Lab
    runs: Path = field(init=False)

    def __post_init__(self) -> None:
        self.runs = self.folder.parent / "runs"

    def line(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "wizara", *words]

    def wizara(
        self, *words: str, timeout: float = 300, debug: bool = False, **settings: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a verb in the lab; ``--lab`` and ``--runs`` are added."""
        added = ["--runs", str(self.runs)] if words[0] in {"plan", "apply"} else []
        verb = 2 if words[0] == "secrets" else 1
        first = ("--debug",) if debug else ()
        line = self.line(*first, *words[:verb], str(self.folder), *words[verb:], "--lab", self.name, *added)
        return subprocess.run(
            line, check=False, capture_output=True, text=True, timeout=timeout, env=environment(), stdin=subprocess.DEVNULL,
            **settings,
        )  # fmt: skip

    def result(self, verb: str, *words: str) -> dict[str, Any]:
        """Return the ``--json`` of a plan or apply."""
        done = self.wizara(verb, "--json", *words)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def sh(self, script: str, node: str = NODE, timeout: float = 120) -> str:
        """Run *script* as root in the machine and return what it printed."""
        done = self.lab.exec(node, ["sh", "-c", script], timeout=timeout)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def change(self, **node: Any) -> None:
        """Declare more of the node."""
        path = self.folder / "sites" / "hq.yaml"
        site = yaml.safe_load(path.read_text())
        site["nodes"][NODE] |= node
        path.write_text(plain(site))


def environment() -> dict[str, str]:
    """Return the environment that wizara is tested in."""
    return {**os.environ, "PYTHONPATH": str(tree.root()), "LANG": "C.UTF-8", "NO_COLOR": "1"}


def write(
    folder: Path, release: str, login: dict[str, Any], *, cdrom: bool = False, other: str | None = None, **node: Any
) -> None:
    """Write the inventory of one machine into *folder*; *other* is the release of a second one."""
    titles = {"fr": "Machine d'essai"}
    ports = {"adm": {"address": ADDRESS}, "wan": {}, **node.pop("ports", {})}
    site = {
        "title": titles, "kind": "headquarters",
        "lans": {
            "adm": {"network": "10.99.0.0/24", "purpose": "administration"},
            "servers": {"network": "10.98.0.0/24", "purpose": "servers"},
        },
        "uplinks": {"wan": {"class": "fibre", "address": "192.0.2.2/30", "gateway": "192.0.2.1"}},
        "nodes": {NODE: {"release": release, "parts": ["node", "names"], "manage": ADDRESS, "ports": ports, **node}},
    }  # fmt: skip
    if other:
        site["nodes"]["other"] = {"release": other, "manage": "10.99.0.2", "ports": {"adm": {"address": "10.99.0.2"}}}  # type: ignore[index]
    mirror = "http://203.0.113.10/debian"
    ministry = {
        "name": "single", "title": titles, "country": "DZ", "domain": "single.test", "management": ["10.99.0.0/24"],
        "engineers": ["essai"], "apt": {"mirror": mirror, "security": f"{mirror}-security"},
        "dns": {"forward": ["203.0.113.53"]},
        "people": {"essai": {"name": titles, "site": "hq", "mail": "essai", "ssh_keys": [KEY]}},
    }  # fmt: skip
    outside = {
        "gateway": "203.0.113.1/24", "operator": "203.0.113.2/24", "mirror": "203.0.113.10", "resolver": "203.0.113.53",
        "names": {"outside.test": "203.0.113.80"},
    }  # fmt: skip
    rehearsed = {"outside": outside, "logins": {NODE: login}, "cdrom": [NODE] if cdrom else []}
    (folder / "sites").mkdir(parents=True)
    for path, content in {"ministry.yaml": ministry, "sites/hq.yaml": site, "rehearsal.yaml": rehearsed}.items():
        (folder / path).write_text(plain(content))


def build(folder: Path, name: str) -> House:
    """Raise the lab of the inventory in *folder*."""
    lab = rise(load(folder), rehearsal.read(folder), name, lambda _who, _what: None)
    return House(folder, name, lab)


def on_terminal(line: list[str], answers: dict[str, str], seconds: float = 60, **settings: object) -> tuple[int, str]:
    """Run *line* on a terminal of its own, answering what it asks; return its exit code and all that it showed."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(str(settings["cwd"]))
        os.execvpe(line[0], line, settings["env"])  # type: ignore[arg-type]
    shown, left = "", dict(answers)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ready, _w, _x = select.select([terminal], [], [], 1)
        try:
            data = os.read(terminal, 4096) if ready else b""
        except OSError:
            break
        shown += data.decode(errors="replace")
        for question in [question for question in left if question in shown]:
            os.write(terminal, (left.pop(question) + "\n").encode())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown
