"""Emulated machines with a kernel of their own: two gateways of a small ministry, their links, and the operator between them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import yaml

from wizara.lab.roots import Recipe, ensure_recipe

#: What an installer leaves, and the packages of the parts: an emulated processor is too slow to install them.
_PACKAGES = (
    "linux-image-cloud-amd64", "initramfs-tools", "udev", "systemd", "systemd-sysv", "dbus", "openssh-server", "sudo",
    "iproute2", "iputils-ping", "ca-certificates", "nftables", "procps", "netbase", "tzdata", "apparmor", "kmod",
    "chrony", "unbound", "dns-root-data", "wireguard-tools", "tcpdump",
)  # fmt: skip
#: Machine → port → (bridge, address that the installer gave it).
MACHINES = {
    "gw-hq": {"adm": ("adm", "10.88.0.1/24"), "fibre": ("wan-hq", "192.0.2.2/30")},
    "gw-ons": {"ons": ("lan-ons", ""), "vsat": ("wan-ons", "198.51.100.2/30")},
}
_GATEWAYS = {"gw-hq": "192.0.2.1", "gw-ons": "198.51.100.1"}
#: Bridge → the operator's computer's address on it; it is the router of the outside too.
_OPERATOR = {"adm": "10.88.0.250/24", "wan-hq": "192.0.2.1/30", "wan-ons": "198.51.100.1/30", "lan-ons": ""}
OPERATOR = "203.0.113.2"
_FIRST_BOOT = """\
[Unit]
Before=ssh.service
[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A
ExecStart=/bin/sh -c 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub > /dev/ttyS0'
[Install]
WantedBy=multi-user.target
"""
_BOOT_SECONDS = 420


def mac(machine: str, port: str) -> str:
    """Return the address of a machine's network card."""
    names = [(one, other) for one, ports in MACHINES.items() for other in ports]
    return f"52:54:00:88:00:{names.index((machine, port)) + 1:02x}"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Emulated:
    """Both machines and what is between them; everything goes when the ``with`` ends."""

    def __init__(self, release: str) -> None:
        self.release, self.space = release, f"wzvm{os.getpid()}"
        self.folder = Path(tempfile.mkdtemp(prefix="wizara-vm-"))
        self.folder.chmod(0o755)
        self.home = self.folder / "home"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        assert shutil.which("qemu-system-x86_64"), "apt-get install qemu-system-x86 qemu-utils"
        try:
            self._build()
            self._wire()
            for name in MACHINES:
                self.start(name)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_fault: object) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
        subprocess.run(["ip", "netns", "del", self.space], check=False, capture_output=True)
        shutil.rmtree(self.folder)

    def _build(self) -> None:
        """Make one disk, as an installer leaves it, that both machines lay their own changes over."""
        tree = ensure_recipe(Recipe(f"vm-{self.release}", self.release, _PACKAGES, 120_000_000), lambda *_told: None)
        (self.home / ".ssh").mkdir(parents=True, mode=0o700)
        self.key = self.home / ".ssh" / "id_ed25519"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True)
        disk = self.folder / "tree"
        subprocess.run(["cp", "-a", tree, disk], check=True)
        self._settle(disk)
        self.kernel, self.initrd = (next((disk / "boot").glob(f"{part}-*")) for part in ("vmlinuz", "initrd.img"))
        for path in (self.kernel, self.initrd):
            shutil.copy2(path, self.folder)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", disk, self.folder / "disk.ext4", "3G"], check=True, capture_output=True)  # fmt: skip
        shutil.rmtree(disk)

    def _settle(self, disk: Path) -> None:
        (disk / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
        (disk / "root/.ssh/authorized_keys").write_text(self.key.with_suffix(".pub").read_text())
        (disk / "etc/hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {' '.join(MACHINES)}\n")
        (disk / "etc/fstab").write_text("/dev/vda / ext4 defaults 0 1\n")
        (disk / "etc/apt/sources.list").write_text(f"deb http://192.0.2.1/debian {self.release} main\n")
        (disk / "etc/systemd/system/first-boot.service").write_text(_FIRST_BOOT)
        for machine, ports in MACHINES.items():
            for port, (_bridge, address) in ports.items():
                if address:
                    way = f"Gateway={_GATEWAYS[machine]}\n" if not port.startswith("adm") else ""
                    content = f"[Match]\nMACAddress={mac(machine, port)}\n[Network]\nAddress={address}\n{way}"
                    (disk / f"etc/systemd/network/10-{machine}-{port}.network").write_text(content)
        enabled = ["systemd-networkd", "ssh", "first-boot"]
        for verb, units in (
            ("enable", enabled),
            ("disable", ["chrony", "unbound", "nftables", "systemd-networkd-wait-online"]),
        ):
            subprocess.run(["chroot", disk, "systemctl", verb, *units], check=True, capture_output=True)

    def _wire(self) -> None:
        ip("netns", "add", self.space)
        ip("-n", self.space, "link", "set", "lo", "up")
        ip("-n", self.space, "addr", "add", f"{OPERATOR}/32", "dev", "lo")
        for bridge, address in _OPERATOR.items():
            ip("-n", self.space, "link", "add", bridge, "type", "bridge")
            ip("-n", self.space, "link", "set", bridge, "up")
            if address:
                ip("-n", self.space, "addr", "add", address, "dev", bridge)
        ip("-n", self.space, "route", "replace", "198.51.100.0/30", "dev", "wan-ons", "src", OPERATOR)
        self.inside("sysctl", "-qw", "net.ipv4.ip_forward=1")
        for number, (bridge, tap) in enumerate((bridge, f"t{number}") for number, bridge in enumerate(self._bridges())):
            assert tap == f"t{number}"
            ip("-n", self.space, "tuntap", "add", "dev", tap, "mode", "tap")
            ip("-n", self.space, "link", "set", tap, "master", bridge, "up")

    def _bridges(self) -> list[str]:
        return [bridge for ports in MACHINES.values() for bridge, _address in ports.values()]

    def inside(self, *words: str, **settings: object) -> subprocess.CompletedProcess[str]:
        """Run *words* where the operator stands."""
        return subprocess.run(["ip", "netns", "exec", self.space, *words], check=True, capture_output=True, text=True, **settings)  # type: ignore[call-overload,no-any-return]  # fmt: skip

    def start(self, name: str) -> None:
        """Give *name* its power; its disk is what it was when it lost it."""
        overlay = self.folder / f"{name}.qcow2"
        if not overlay.exists():
            backing = ["-b", str(self.folder / "disk.ext4"), "-F", "raw"]
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *backing, overlay], check=True)
        taps = [
            number
            for number, owner in enumerate(one for one, ports in MACHINES.items() for _port in ports)
            if owner == name
        ]
        cards: list[str] = []
        for tap, port in zip(taps, MACHINES[name], strict=True):
            cards += ["-netdev", f"tap,id=n{tap},ifname=t{tap},script=no,downscript=no"]
            cards += ["-device", f"virtio-net-pci,netdev=n{tap},mac={mac(name, port)},romfile="]
        words = f"root=/dev/vda rw console=ttyS0 net.ifnames=0 quiet mitigations=off systemd.hostname={name}"
        line = [
            "qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=single,tb-size=512", "-cpu", "max", "-smp", "1", "-m", "512", "-nodefaults",
            "-no-reboot", "-display", "none", "-kernel", str(self.folder / self.kernel.name), "-initrd", str(self.folder / self.initrd.name),
            "-append", words, "-drive", f"file={overlay},if=none,id=d0,cache=writethrough", "-device", "virtio-blk-pci,drive=d0",
            "-device", "virtio-rng-pci", "-serial", f"file:{self.folder / name}.log", *cards,
        ]  # fmt: skip
        self.processes[name] = subprocess.Popen(["ip", "netns", "exec", self.space, *line], stdin=subprocess.DEVNULL)

    def cut_power(self, name: str) -> None:
        """End the emulator: what its disk had not taken is gone."""
        self.processes[name].kill()
        self.processes[name].wait()

    def restart(self, name: str) -> None:
        """Let the machine restart itself; the emulator ends instead, and is started anew."""
        self.sh(name, "systemctl --no-block reboot")
        self.processes[name].wait(timeout=240)
        self.start(name)
        self.wait(name)

    def fingerprint(self, name: str) -> str:
        """Return the fingerprint of the host key that the machine shows on its console."""
        deadline = time.monotonic() + _BOOT_SECONDS
        log = self.folder / f"{name}.log"
        while not (
            found := re.findall(r"SHA256:[A-Za-z0-9+/]{43}", log.read_text(errors="replace") if log.exists() else "")
        ):
            assert time.monotonic() < deadline, log.read_text(errors="replace")[-3000:]
            assert self.processes[name].poll() is None
            time.sleep(1)
        return str(found[-1])

    def address(self, name: str) -> str:
        return {"gw-hq": "10.88.0.1", "gw-ons": "198.51.100.2"}[name]

    def wait(self, name: str) -> None:
        """Wait until its SSH server answers."""
        deadline = time.monotonic() + _BOOT_SECONDS
        line = ["ip", "netns", "exec", self.space, "ssh-keyscan", "-T", "20", "-t", "ed25519", self.address(name)]
        while "ssh-ed25519" not in subprocess.run(line, capture_output=True, text=True, check=False).stdout:
            assert time.monotonic() < deadline
            time.sleep(2)

    def sh(self, name: str, script: str, *, login: str = "essai") -> str:
        """Run *script* as root on *name*, with the administrator's own login."""
        options = [
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "LogLevel=ERROR",
            "-o",
            "ConnectTimeout=60",
            "-i",
            str(self.key),
        ]
        return self.inside(
            "ssh", *options, f"{login}@{self.address(name)}", f"sudo sh -c {_quoted(script)}", timeout=240
        ).stdout

    def inventory(self, **further: object) -> Path:
        """Write the ministry that these machines are, and return its folder."""
        folder = self.folder / "inventories" / "vm"
        (folder / "sites").mkdir(parents=True, exist_ok=True)
        key = self.key.with_suffix(".pub").read_text().strip()
        person = {"name": {"fr": "Essai"}, "site": "hq", "mail": "essai", "ssh_keys": [key]}
        ministry = {
            "name": "vm", "title": {"fr": "Ministère d'essai"}, "country": "DZ", "domain": "vm.test", "engineers": ["essai"], "people": {"essai": person},
            "management": ["10.88.0.0/24", f"{OPERATOR}/32"], "intranet": {"hub": "gw-hq", "network": "10.97.0.0/24"}, "recipients": [key], **further,
        }  # fmt: skip
        hq = {
            "title": {"fr": "Siège"}, "kind": "headquarters", "lans": {"adm": {"network": "10.88.0.0/24", "purpose": "administration"}},
            "uplinks": {"fibre": {"class": "fibre", "address": "192.0.2.2/30", "gateway": "192.0.2.1"}},
            "nodes": {"gw-hq": self._node("gw-hq", ["node", "names", "intranet"], adm={"address": "10.88.0.1"}, fibre={})},
        }  # fmt: skip
        ons = {
            "title": {"fr": "Office"}, "kind": "institution", "lans": {"ons": {"network": "10.89.0.0/24"}}, "link": {"uplink": "vsat", "address": "10.97.0.2"},
            "uplinks": {"vsat": {"class": "vsat", "address": "198.51.100.2/30", "gateway": "198.51.100.1"}},
            "nodes": {"gw-ons": self._node("gw-ons", ["node", "intranet"], ons={"address": "10.89.0.1"}, vsat={})},
        }  # fmt: skip
        for path, content in {"ministry.yaml": ministry, "sites/hq.yaml": hq, "sites/ons.yaml": ons}.items():
            (folder / path).write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))
        return folder

    def _node(self, name: str, parts: list[str], **ports: dict[str, str]) -> dict[str, object]:
        plugged = {port: settings | {"mac": mac(name, port)} for port, settings in ports.items()}
        return {"release": self.release, "parts": parts, "manage": self.address(name), "ports": plugged}


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
