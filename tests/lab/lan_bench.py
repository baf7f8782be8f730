"""A LAN of bare network namespaces with planted weaknesses, for the audit's own tests: daemons of Debian, else stubs."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_LETTERS = itertools.cycle("abcdefghijklmnopqrstuvwxyz")
STUBS = Path(__file__).with_name("stubs.py")


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Lan:
    """A bridge and hosts on it; everything goes when the ``with`` ends."""

    def __init__(self, network: str = "10.20.20") -> None:
        self.network = network
        self.prefix = f"wza{os.getpid() % 10000}{next(_LETTERS)}"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.names: list[str] = []
        self.folder = Path(tempfile.mkdtemp(prefix="wizara-bench-"))

    def __enter__(self) -> Self:
        self.core = self._namespace("core")
        # A bridge that has IPv6 addresses of its own, and ports that have, would be machines of this LAN.
        for which in ("all", "default"):
            told = f"net.ipv6.conf.{which}.disable_ipv6=1"
            subprocess.run(["ip", "netns", "exec", self.core, "sysctl", "-qw", told], check=True)
        ip("-n", self.core, "link", "add", "lan", "type", "bridge")
        ip("-n", self.core, "link", "set", "lan", "up")
        return self

    def __exit__(self, *_fault: object) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        for name in self.names:
            pids = subprocess.run(
                ["ip", "netns", "pids", name], capture_output=True, text=True, check=False
            ).stdout.split()
            for pid in pids:
                os.kill(int(pid), 9)
            subprocess.run(["ip", "netns", "del", name], check=False)
        shutil.rmtree(self.folder)

    def _namespace(self, name: str) -> str:
        full = f"{self.prefix}-{name}"
        ip("netns", "add", full)
        self.names.append(full)
        ip("-n", full, "link", "set", "lo", "up")
        return full

    def host(self, last: int, mac: str | None = None) -> str:
        """Plug in a host at address ``.last`` and return its namespace."""
        name, port = self._namespace(str(last)), f"h{last}"
        ip("link", "add", "lan0", "netns", name, "type", "veth", "peer", "name", port, "netns", self.core)
        ip("-n", name, "link", "set", "lan0", "address", mac or f"52:54:00:20:00:{last:02d}")
        ip("-n", name, "addr", "add", f"{self.network}.{last}/24", "dev", "lan0")
        ip("-n", name, "link", "set", "lan0", "up")
        ip("-n", self.core, "link", "set", port, "master", "lan", "up")
        return name

    def unplug(self, last: int) -> None:
        """Take the host at ``.last`` away, with all that runs there."""
        name = f"{self.prefix}-{last}"
        pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False).stdout.split()
        for pid in pids:
            os.kill(int(pid), 9)
        ip("netns", "del", name)
        self.names.remove(name)

    def run(self, namespace: str, *command: str) -> None:
        log = (self.folder / f"{namespace}.log").open("ab")
        self.processes.append(
            subprocess.Popen(["ip", "netns", "exec", namespace, *command], stdout=log, stderr=log, cwd=self.folder)
        )

    def stub(self, namespace: str, *arguments: str) -> None:
        self.run(namespace, sys.executable, str(STUBS), *arguments)

    def namespace(self, last: int) -> Path:
        return Path("/run/netns") / f"{self.prefix}-{last}"


def certificate(folder: Path, name: str, *options: str) -> tuple[str, str]:
    key, crt = folder / f"{name}.key", folder / f"{name}.crt"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            key,
            "-out",
            crt,
            "-subj",
            f"/CN={name}",
            *options,
        ],
        check=True,
        capture_output=True,
    )
    return str(key), str(crt)


def plant(lan: Lan) -> None:
    """The population of headquarters' office LAN, as ``inventories/mps`` declares it, less pc-hq-4, plus what is wrong."""
    lan.host(250, "52:54:00:20:02:50")
    lan.host(1, "52:54:00:20:00:01")
    for last in (11, 12):
        lan.host(last)
    lan.host(13, "52:54:00:ff:00:13")
    printer = lan.host(30)
    lan.stub(printer, "canary", str(lan.folder / "printer.log"), "9100", "9101", "515", "631")
    web = lan.host(40)
    key, crt = (
        certificate(lan.folder, "web-hq", "-not_before", "20240101000000Z", "-not_after", "20250101000000Z")
        if _dated()
        else _expired(lan.folder)
    )
    server = f"openssl s_server -accept 443 -key {key} -cert {crt} -www -min_protocol TLSv1 -cipher ALL:@SECLEVEL=0"
    lan.run(web, *server.split())
    files = lan.host(41)
    conf = lan.folder / "vsftpd.conf"
    conf.write_text(
        "listen=YES\nanonymous_enable=YES\nbackground=NO\nsecure_chroot_dir=/var/run/vsftpd/empty\nseccomp_sandbox=NO\n"
    )
    Path("/var/run/vsftpd/empty").mkdir(parents=True, exist_ok=True)
    lan.run(files, "vsftpd", str(conf))
    lan.run(lan.host(42), "redis-server", "--port", "6379", "--protected-mode", "no", "--save", "")
    stranger = lan.host(77, "02:00:5e:00:00:77")
    lan.stub(stranger, "telnet", "23")
    lan.stub(stranger, "relay", "25")
    lan.stub(stranger, "admin", "80")
    snmp = lan.folder / "snmpd.conf"
    snmp.write_text("rocommunity public\nsysDescr Plain router\n")
    lan.run(stranger, "snmpd", "-f", "-Lo", "-C", "-c", str(snmp), "udp:161")
    guarded = "redis-server --port 6379 --requirepass long-and-secret --protected-mode no --save"
    lan.run(lan.host(78, "02:00:5e:00:00:78"), *guarded.split(), "")
    time.sleep(2)


def _dated() -> bool:
    return (
        "-not_before" in subprocess.run(["openssl", "req", "-help"], capture_output=True, text=True, check=False).stderr
    )


def _expired(folder: Path) -> tuple[str, str]:
    """OpenSSL 3.0 cannot date a certificate with ``req``; cryptography can."""
    private = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "web-hq")])
    builder = x509.CertificateBuilder(
        name,
        name,
        private.public_key(),
        x509.random_serial_number(),
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2025, 1, 1, tzinfo=UTC),
    )
    key, crt = folder / "web.key", folder / "web.crt"
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    crt.write_bytes(builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return str(key), str(crt)
