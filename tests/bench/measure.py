"""Runs a peer as a process of its own, and tells how long it took and what it used."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from delay import Delay
from farm import Farm

PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Figure:
    """What one run of a peer took."""

    wall: float
    cpu: float
    """Seconds of this computer's processors, of the controller alone."""
    said: dict[str, Any] = field(default_factory=dict)
    output: str = ""
    sessions: int = 0
    up: int = 0
    down: int = 0


def run(
    line: list[str],
    stdin: str,
    link: Delay | None = None,
    farm: Farm | None = None,
    env: Mapping[str, str] | None = None,
) -> Figure:
    """Run *line* to its end and return its figure; RuntimeError with what it said when it fails."""
    if link:
        link.reset()
    sessions = farm.log().count("ctype session") if farm else 0
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        line, input=stdin, capture_output=True, text=True, check=False, env=dict(env or os.environ), timeout=2400
    )
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{line[:3]} ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
    time.sleep(0.2)
    return Figure(
        wall=wall, cpu=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        said=json.loads(done.stdout) if done.stdout.startswith("{") else {}, output=done.stdout + done.stderr,
        sessions=farm.log().count("ctype session") - sessions if farm else 0,
        up=link.count.up if link else 0, down=link.count.down if link else 0,
    )  # fmt: skip


def _asked(farm: Farm, addresses: tuple[str, ...], port: int, **more: Any) -> str:
    return (
        json.dumps({"addresses": addresses, "port": port, "key": str(farm.key), "host_key": farm.host_key, **more})
        + "\n"
    )


def wizara(
    farm: Farm, addresses: tuple[str, ...], port: int, link: Delay | None = None, *, version: str = "1", batch: str = "",
    apply: bool = True,
) -> Figure:  # fmt: skip
    """Plan and apply with wizara."""
    asked = _asked(farm, addresses, port, apply=apply, batch=batch)
    figure = run(
        [sys.executable, str(PEERS / "wizara_run.py")], asked, link, farm, os.environ | {"BENCH_VERSION": version}
    )
    if figure.said["messages"] or set(figure.said["operations"]) != {30}:
        raise RuntimeError(str(figure.said))
    return figure


def batch(farm: Farm, addresses: tuple[str, ...], port: int, link: Delay | None, path: str) -> Figure:
    """Ask the same by hand."""
    return run([sys.executable, str(PEERS / "batch_run.py")], _asked(farm, addresses, port, batch=path), link, farm)


def pyinfra(
    program: Path, farm: Farm, addresses: tuple[str, ...], port: int, link: Delay | None = None, *, plan: bool = True,
    version: str = "1",
) -> Figure:  # fmt: skip
    """Run the stock CLI: plan and apply, or with *plan* off apply alone (``-y``)."""
    inventory = farm.folder / "inventory.py"
    settings = {"ssh_port": port, "ssh_user": "root", "ssh_key": str(farm.key), "ssh_known_hosts_file": str(farm.folder / "known_hosts"),
                "ssh_strict_host_key_checking": "yes"}  # fmt: skip
    inventory.write_text(f"hosts = ({list(addresses)!r}, {settings!r})\n")
    known = [f"[{address}]:{port} {farm.host_key}\n" for address in addresses]
    (farm.folder / "known_hosts").write_text("".join(known))
    line = [str(program / "pyinfra"), "-y", str(inventory), str(PEERS / "pyinfra_deploy.py")]
    if plan:
        line.remove("-y")
    figure = run(line, "\n", link, farm, os.environ | {"BENCH_VERSION": version, "NO_COLOR": "1"})
    total = re.search(r"Grand total\s+(\d+)\s+(\S+)\s+(\S+)\s+(\d+)", figure.output)
    if not total or total[2] != "-" or total[1] != total[4]:
        raise RuntimeError(f"pyinfra did something: {figure.output[-3000:]}")
    return figure


def ansible(program: Path, farm: Farm, addresses: tuple[str, ...], port: int, link: Delay | None = None) -> Figure:
    """Run the playbook with pipelining and a kept connection, gathering no facts."""
    import declared

    (farm.folder / "bench.j2").write_text(declared.TEMPLATE)
    tasks: list[dict[str, Any]] = [{"name": name, "apt": {"name": name}} for name in declared.PACKAGES]
    tasks += [
        {"name": path, "file": {"path": path, "state": "directory", "mode": "0755"}} for path in declared.DIRECTORIES
    ]
    tasks += [
        {"name": path, "template": {"src": str(farm.folder / "bench.j2"), "dest": path, "mode": "0644"},
         "vars": {"number": number, "version": version}} for path, (number, version) in declared.TEMPLATES.items()
    ]  # fmt: skip
    tasks += [
        {"name": path, "copy": {"content": content, "dest": path, "mode": "0644"}}
        for path, content in declared.FILES.items()
    ]
    tasks += [{"name": name, "user": {"name": name, "create_home": False}} for name in declared.LOGINS]
    tasks += [{"name": name, "systemd": {"name": name, "state": "started", "enabled": True}} for name in declared.UNITS]
    tasks += [{"name": "nothing", "file": {"path": declared.ABSENT, "state": "absent"}}]
    (farm.folder / "playbook.json").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    options = f"-o UserKnownHostsFile={farm.folder}/known_hosts -o StrictHostKeyChecking=yes -o ControlMaster=auto -o ControlPersist=60s"
    settings = {
        "ANSIBLE_PIPELINING": "1", "ANSIBLE_SSH_ARGS": options, "ANSIBLE_HOST_KEY_CHECKING": "1", "NO_COLOR": "1",
        "ANSIBLE_HOME": str(farm.folder / "ansible"), "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3", "ANSIBLE_SSH_CONTROL_PATH_DIR": str(farm.folder / "cp"),
    }  # fmt: skip
    known = [f"[{address}]:{port} {farm.host_key}\n" for address in addresses]
    (farm.folder / "known_hosts").write_text("".join(known))
    line = [str(program / "ansible-playbook"), "-i", "".join(f"{address}," for address in addresses), "-u", "root", "--private-key", str(farm.key),
            "-e", f"ansible_port={port}", str(farm.folder / "playbook.json")]  # fmt: skip
    figure = run(line, "", link, farm, os.environ | settings)
    if re.search(r"changed=[1-9]", figure.output) or "ok=30" not in figure.output:
        raise RuntimeError(f"Ansible did something: {figure.output[-3000:]}")
    return figure
