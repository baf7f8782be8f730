"""Gives the LANs their hosts: starts their daemons in one shared tree, each in its host's own namespace.

Run as ``python -m wizara.lab.population POPULATION.json`` it is the process that holds the tree and starts them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from wizara.lab import daemon, namespace, state

if TYPE_CHECKING:
    from wizara.lab.rehearsal import Rehearsal
    from wizara.lab.wiring import Wiring

#: What the daemons' packages would have at boot from systemd-tmpfiles.
_RUN = ("sshd", "vsftpd/empty", "redis", "lock")


def is_serving(rehearsal: Rehearsal) -> bool:
    """Tell whether any host of *rehearsal* serves anything."""
    return any(resident.serves for resident in rehearsal.population.values())


def start(lab: str, wiring: Wiring, rehearsal: Rehearsal, tree: Path) -> list[state.KeptProcess]:
    """Lay what the hosts of *rehearsal* serve and start it."""
    from wizara.lab.services import Host, serve  # noqa: PLC0415 - only who raises a lab makes certificates

    folder = state.folder(lab) / "hosts"
    for part in ("upper", "work", "root", "received"):
        (folder / part).mkdir(parents=True)
    (folder / "upper").chmod(0o755)
    started: list[dict[str, object]] = []
    for name, resident in rehearsal.population.items():
        address = wiring.spaces[name].ports[0].address
        host = Host(name, str(address.ip) if address else "", folder / "upper", folder / "received" / name)
        for serving in resident.serves:
            serve(host, serving)
        space = str(namespace.path(lab, name))
        root = ["chroot", str(folder / "root")]
        started += [{"namespace": space, "argv": [*root, *words]} for words in host.daemons]
        started += [{"namespace": space, "argv": daemon.python(f"hosts.{one[0]}", *one[1:])} for one in host.stand_ins]
    path = folder / "population.json"
    path.write_text(json.dumps({"folder": str(folder), "tree": str(tree), "started": started}))
    return [daemon.start(lab, "hosts", daemon.python("population", str(path)))]


def main() -> None:
    """Hold the tree and keep what runs in it company until all of it has ended."""
    whole = json.loads(Path(sys.argv[1]).read_text())
    _mount(Path(whole["folder"]), whole["tree"])
    processes = [
        subprocess.Popen(["nsenter", f"--net={one['namespace']}", "--", *one["argv"]], stdin=subprocess.DEVNULL)
        for one in whole["started"]
    ]
    for process, one in zip(processes, whole["started"], strict=True):
        status = process.wait()
        print(one["argv"], "ended with", status, flush=True)  # noqa: T201 - goes to the lab's log


def _mount(folder: Path, tree: str) -> None:
    namespace.unshare_mounts()
    root = folder / "root"
    options = f"lowerdir={tree},upperdir={folder}/upper,workdir={folder}/work"
    for argv in (
        ["mount", "--make-rslave", "/"],
        ["mount", "-t", "overlay", "wizara", "-o", options, str(root)],
        ["mount", "-t", "proc", "proc", f"{root}/proc"],
        ["mount", "--rbind", "/dev", f"{root}/dev"],
        ["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", f"{root}/run"],
    ):
        subprocess.run(argv, check=True)
    for part in _RUN:
        (root / "run" / part).mkdir(parents=True)


if __name__ == "__main__":
    main()
