"""The corpus's network: namespaces without names on one bridge, and hosts that run Debian daemons in overlays of their own.

Everything hangs on this process: when it ends, however it ends, the kernel takes namespaces, mounts and daemons away.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self, TypeVar

from wizara.lab.namespace import CLONE_NEWNET, within

_libc = ctypes.CDLL(None, use_errno=True)
_Result = TypeVar("_Result")
NETWORK = "10.77.0"
AUDITOR = 250
_PREFIX = "wizara-corpus-"
#: Who speaks IPv6: the auditor, and the false routers.
IPV6 = frozenset({AUDITOR, 74, 83})
#: What a host does first: its own root over the tree, its own processes, then its own script.
_BOOT = r"""
set -e
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount --rbind /dev dev
mount -t proc proc proc
mount -t tmpfs none run
cp -a "$3/." .
chmod 1777 tmp
# Not by exec: a daemon that changes its user would forget that it is to end with us, and this shell does not.
chroot . /bin/sh -c '. /script'
exit $?
"""


class Ground:
    """A bridge and what is plugged into it."""

    def __init__(self) -> None:
        _sweep()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        (self.folder / "mount").mkdir()
        self._spaces: dict[int, int] = {}
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self._core = _new_namespace()
        self._ip(self._core, "link add lan type bridge forward_delay 0", "link set lan up", "link set lo up")
        self.plug(AUDITOR)
        return self

    def __exit__(self, *_fault: object) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
        for descriptor in (*self._spaces.values(), self._core):
            os.close(descriptor)
        shutil.rmtree(self.folder, ignore_errors=True)

    def namespace(self, last: int) -> Path:
        """Return the file of a host's network namespace, good as long as this process lives."""
        return Path(f"/proc/{os.getpid()}/fd/{self._spaces[last]}")

    def plug(self, last: int, mac: str | None = None) -> None:
        """Plug a host in at address ``.last``; nothing when it is there already."""
        if last in self._spaces:
            return
        self._spaces[last] = descriptor = _new_namespace(ipv6=last in IPV6)
        port, where = f"h{last}", f"/proc/{os.getpid()}/fd/{descriptor}"
        self._ip(
            self._core, f"link add {port} type veth peer name lan0 address {mac or f'52:54:00:77:00:{last:02x}'} netns {where}",
            f"link set {port} master lan", f"link set {port} up",
        )  # fmt: skip
        self._ip(descriptor, "link set lo up", f"addr add {NETWORK}.{last}/24 dev lan0", "link set lan0 up")

    def twin(self, last: int) -> None:
        """Plug in a second machine that claims the address ``.last``."""
        self._twin = descriptor = _new_namespace()
        where = f"/proc/{os.getpid()}/fd/{descriptor}"
        self._ip(
            self._core, f"link add t{last} type veth peer name lan0 address 02:00:00:77:01:{last:02x} netns {where}",
            f"link set t{last} master lan", f"link set t{last} up",
        )  # fmt: skip
        self._ip(descriptor, "link set lo up", f"addr add {NETWORK}.{last}/24 dev lan0", "link set lan0 up")

    def _ip(self, descriptor: int, *lines: str) -> None:
        subprocess.run(
            ["nsenter", f"--net=/proc/{os.getpid()}/fd/{descriptor}", "ip", "-batch", "-"], input="\n".join(lines), text=True, check=True,
            capture_output=True,
        )  # fmt: skip

    def host(self, last: int, tree: Path, files: Mapping[str, str | bytes], script: str) -> None:
        """Run *script* on the host ``.last`` in an overlay of *tree* with *files* laid over it."""
        self.plug(last)
        laid = self.folder / str(last)
        for name, content in ({"script": script} | dict(files)).items():
            path = laid / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        laid.mkdir(exist_ok=True)
        log = (self.folder / f"{last}.log").open("ab")
        line = [
            "nsenter", f"--net={self.namespace(last)}", "setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork",
            "--kill-child=KILL", "sh", "-c", _BOOT, "boot", str(self.folder / "mount"), str(tree), str(laid),
        ]  # fmt: skip
        self.processes.append(subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/"))

    def inside(self, last: int, action: Callable[[], _Result]) -> _Result:
        """Return what *action* gives in the host's namespace: sockets that it opens stay there."""
        return within(self.namespace(last), action)

    def wait(self, missing: Mapping[int, int], seconds: float = 60.0) -> None:
        """Wait until the TCP ports answer; TimeoutError names the hosts whose did not."""
        ends = time.monotonic() + seconds
        while missing:
            missing = {last: port for last, port in missing.items() if not self._answers(last, port)}
            if missing and time.monotonic() > ends:
                raise TimeoutError(f"not up: {missing}; see {self.folder}")
            time.sleep(0.2)
        time.sleep(1)  # the daemons that only datagrams tell of

    def _answers(self, last: int, port: int) -> bool:
        def knock() -> bool:
            with socket.socket() as channel:
                channel.settimeout(0.5)
                return channel.connect_ex((f"{NETWORK}.{last}", port)) == 0

        return self.inside(AUDITOR, knock)

    def command(self, last: int, *line: str) -> list[str]:
        """Return *line* as it is run in a host's namespace."""
        return ["nsenter", f"--net={self.namespace(last)}", *line]


def _sweep() -> None:
    """Remove the folders of processes that died: files are all that the kernel does not take away."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(folder, ignore_errors=True)


def _new_namespace(*, ipv6: bool = False) -> int:
    """Return the descriptor of a new network namespace; it lives as long as the descriptor and what runs in it."""
    found: list[int] = []

    def make() -> None:
        if _libc.unshare(CLONE_NEWNET) == 0:
            for which in (
                () if ipv6 else ("all", "default")
            ):  # one address a host, so that the table has one line a weakness
                Path(f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6").write_text("1")
            found.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))

    maker = threading.Thread(target=make)
    maker.start()
    maker.join()
    if not found:
        raise PermissionError("a network namespace needs root")
    return found[0]
