"""Machines to measure on: OpenSSH servers of our own on addresses of the loopback, all showing one file system.

What the measured operations write lies in folders that only these servers see.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_PER_SERVER = 16  # addresses that one sshd listens on at most
PORT = 22022
#: what operations write lies in these; a private farm has them empty and for itself
OWN = ("/srv/bench", "/var/lib/wizara", "/run/wizara")


class Farm:
    """*count* machines in *folder*; ``addresses`` are theirs, ``key`` lets root in, ``host_key`` is what all show."""

    def __init__(
        self,
        folder: Path,
        count: int = 1,
        bin_folder: Path | None = None,
        port: int = PORT,
        *,
        private: bool = False,
        prepare: str = "",
    ) -> None:
        self.folder, self.port = folder, port
        self.addresses = tuple(f"127.1.{number // 200}.{number % 200 + 1}" for number in range(count))
        self.key, self._host = folder / "operator_ed25519", folder / "host_ed25519"
        self._servers: subprocess.Popen[bytes] | None = None
        self._bin, self._private, self._prepare = bin_folder, private, prepare
        folder.mkdir(parents=True, exist_ok=True)
        for path in (self.key, self._host):
            if not path.exists():
                subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
        self.host_key = " ".join(self._host.with_suffix(".pub").read_text().split()[:2])

    def __enter__(self) -> Self:
        Path("/run/sshd").mkdir(exist_ok=True)
        for folder in OWN:
            Path(folder).mkdir(parents=True, exist_ok=True)
        self._prepare = self._prepare.replace("$FARM", str(self.folder))
        starts = range(0, len(self.addresses), _PER_SERVER)
        configs = [self._configure(self.addresses[start : start + _PER_SERVER], start) for start in starts]
        mounts = "".join(f"mount -t tmpfs -o mode=755 none {folder}; " for folder in OWN) if self._private else ""
        servers = "".join(f"/usr/sbin/sshd -D -f {config} -E {config}.log & " for config in configs)
        program = [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-ec",
            f"{mounts}{self._prepare}\n{servers}wait",
        ]
        self._servers = subprocess.Popen(program, start_new_session=True)
        for address in self.addresses:
            _await(address, self.port)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._servers
        os.killpg(self._servers.pid, signal.SIGTERM)
        self._servers.wait()
        for folder in OWN:
            with contextlib.suppress(OSError):
                Path(folder).rmdir()

    def log(self) -> str:
        """Return what the servers have noted."""
        return "".join(path.read_text() for path in self.folder.glob("*.log"))

    def _configure(self, addresses: tuple[str, ...], number: int) -> Path:
        allowed = self.folder / "authorized_keys"
        (self.folder / "trusted").touch()
        shutil.copy(self.key.with_suffix(".pub"), allowed)
        self.folder.chmod(0o755)
        path = os.pathsep.join(
            [*([str(self._bin)] if self._bin else []), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        )
        lines = [
            *(f"ListenAddress {address}:{self.port}" for address in addresses), f"HostKey {self._host}",
            f"AuthorizedKeysFile {allowed} /srv/bench/keys", "PermitRootLogin prohibit-password", "PasswordAuthentication no", "UsePAM no",
            "StrictModes no", f"PidFile {self.folder}/sshd-{number}.pid", "MaxStartups 1000", "MaxSessions 100", "UseDNS no",
            "PrintMotd no", "LogLevel DEBUG1" if len(self.addresses) < 5 else "LogLevel ERROR", f"TrustedUserCAKeys {self.folder}/trusted", f"SetEnv PATH={path}", "Subsystem sftp internal-sftp", "PrintLastLog no",
        ]  # fmt: skip
        config = self.folder / f"sshd-{number}.conf"
        config.write_text("\n".join([*lines, ""]))
        return config


def _await(address: str, port: int) -> None:
    for _try in range(100):
        try:
            socket.create_connection((address, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
            continue
        return
    raise RuntimeError(f"{address}:{port} does not answer")
