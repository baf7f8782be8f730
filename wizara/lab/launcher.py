"""Keeps one machine running: its own control group, its overlay, its boot, and a wiped network at every reboot.

Run as ``python -m wizara.lab.launcher MACHINE.json``, a process of its own for each machine; standard library only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from wizara.lab import cgroup, namespace, reboot

#: systemd-nspawn's exit status when the machine asked to be started again.
_REBOOT = 133


def main() -> int:
    """Run the machine until it is switched off."""
    folder = Path(sys.argv[1]).parent
    machine: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    cgroup.join(machine["group"], machine["name"])
    namespace.enter(machine["namespace"])
    _mount(folder, machine["root"])
    wired = reboot.Wired.look(machine["wiring"])
    with (folder / "console.log").open("ab", buffering=0) as console:
        while True:
            status = _boot(folder, machine, console.fileno())
            if status != _REBOOT:
                return status
            wired.restore()


def _mount(folder: Path, root: str) -> None:
    namespace.unshare_mounts()
    # A slave: what is unmounted outside goes here too, so that this view never holds on to another lab's things.
    subprocess.run(["mount", "--make-rslave", "/"], check=True)
    options = f"lowerdir={root},upperdir={folder}/upper,workdir={folder}/work"
    subprocess.run(["mount", "-t", "overlay", "wizara", "-o", options, str(folder / "root")], check=True)


def _boot(folder: Path, machine: dict[str, Any], console: int) -> int:
    environment = {
        "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
        "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
        "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
    }
    # CAP_SYS_TIME is never given: the machine would steer this computer's clock.
    argv = [
        "systemd-nspawn", "--quiet", f"--directory={folder}/root", f"--machine={machine['name']}", f"--hostname={machine['name']}",
        "--register=no", "--keep-unit", "--boot", "--console=pipe", f"--network-namespace-path={machine['namespace']}",
        "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--capability=CAP_NET_ADMIN,CAP_NET_RAW,CAP_SYS_NICE",
        "--bind=/dev/net/tun",
    ]  # fmt: skip
    running = subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL, stdout=console, stderr=console)
    (folder / "nspawn.pid").write_text(str(running.pid))
    return running.wait()


if __name__ == "__main__":
    sys.exit(main())
