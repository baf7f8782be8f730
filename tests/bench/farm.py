"""Machines to measure on: OpenSSH servers of our own on addresses of the loopback, all showing one file system."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_PER_SERVER = 16  # addresses that one sshd listens on at most
PORT = 22022


class Farm:
    """*count* machines in *folder*; ``addresses`` are theirs, ``key`` lets root in, ``host_key`` is what all show."""

    def __init__(self, folder: Path, count: int = 1, bin_folder: Path | None = None, port: int = PORT) -> None:
        self.folder, self.port = folder, port
        self.addresses = tuple(f"127.1.{number // 200}.{number % 200 + 1}" for number in range(count))
        self.key, self._host = folder / "operator_ed25519", folder / "host_ed25519"
        self._servers: list[subprocess.Popen[bytes]] = []
        self._bin = bin_folder
        folder.mkdir(parents=True, exist_ok=True)
        for path in (self.key, self._host):
            if not path.exists():
                subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
        self.host_key = " ".join(self._host.with_suffix(".pub").read_text().split()[:2])

    def __enter__(self) -> Self:
        Path("/run/sshd").mkdir(exist_ok=True)
        for start in range(0, len(self.addresses), _PER_SERVER):
            self._servers.append(self._serve(self.addresses[start : start + _PER_SERVER], start))
        for address in self.addresses:
            _await(address, self.port)
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        for server in self._servers:
            server.terminate()
            server.wait()

    def log(self) -> str:
        """Return what the servers have noted."""
        return "".join(path.read_text() for path in self.folder.glob("*.log"))

    def pids(self) -> list[int]:
        """Return the listening servers' process ids."""
        return [server.pid for server in self._servers]

    def _serve(self, addresses: tuple[str, ...], number: int) -> subprocess.Popen[bytes]:
        allowed = self.folder / "authorized_keys"
        (self.folder / "trusted").touch()
        shutil.copy(self.key.with_suffix(".pub"), allowed)
        self.folder.chmod(0o755)
        path = os.pathsep.join([*([str(self._bin)] if self._bin else []), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"])
        lines = [
            *(f"ListenAddress {address}:{self.port}" for address in addresses), f"HostKey {self._host}",
            f"AuthorizedKeysFile {allowed}", "PermitRootLogin prohibit-password", "PasswordAuthentication no", "UsePAM no",
            "StrictModes no", f"PidFile {self.folder}/sshd-{number}.pid", "MaxStartups 1000", "MaxSessions 100", "UseDNS no",
            "PrintMotd no", "LogLevel DEBUG1" if len(self.addresses) < 5 else "LogLevel ERROR", f"TrustedUserCAKeys {self.folder}/trusted", f"SetEnv PATH={path}", "Subsystem sftp internal-sftp", "PrintLastLog no",
        ]  # fmt: skip
        config = self.folder / f"sshd-{number}.conf"
        config.write_text("\n".join([*lines, ""]))
        log = self.folder / f"sshd-{number}.log"
        return subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", str(config), "-E", str(log)])


def _await(address: str, port: int) -> None:
    for _try in range(100):
        try:
            socket.create_connection((address, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
            continue
        return
    raise RuntimeError(f"{address}:{port} does not answer")
