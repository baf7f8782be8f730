"""Finds out by doing what this computer can do for a lab."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wizara.lab import inotify, roots, seed
from wizara.lab.process import succeeds
from wizara.record.world import state_folder
from wizara.text import _

#: Program → the Debian package that brings it.
_PROGRAMS = {
    "mmdebstrap": "mmdebstrap", "systemd-nspawn": "systemd-container", "nft": "nftables", "tcpdump": "tcpdump", "ip": "iproute2",
    "nsenter": "util-linux", "ssh-keygen": "openssh-client", "openssl": "openssl", "sysctl": "procps",
}  # fmt: skip


@dataclass(frozen=True)
class Check:
    """One thing that was tried."""

    name: str
    holds: bool
    needed: bool
    """True when no lab comes up without it."""
    meaning: str
    """What the lab does because of it."""


def examine(kinds: tuple[str, ...] = ("bookworm", "trixie", "hosts")) -> list[Check]:
    """Try everything a lab needs, and what it would use if it were there."""
    checks = [_programs(), *_mounts_and_networks(), _tun(), _inotify(), _roots(kinds), _boots(kinds)]
    return checks + [_kernel(*question) for question in _kernel_questions()]


def packages() -> list[str]:
    """Return the Debian packages that a lab needs and that are not installed, sorted."""
    return sorted({package for program, package in _PROGRAMS.items() if not shutil.which(program)})


def dropins() -> list[str]:
    """Return the files that the lab lays into every machine and that no field machine has."""
    return [f"/{path.relative_to(seed.DROPINS)}" for path in sorted(seed.DROPINS.rglob("*")) if path.is_file()]


def _programs() -> Check:
    missing = packages()
    meaning = _("apt-get install {packages}").format(packages=" ".join(missing)) if missing else _("all installed")
    return Check(_("programs"), not missing, True, meaning)


def _mounts_and_networks() -> list[Check]:
    folder = state_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return [
        Check(_("root"), os.geteuid() == 0, True, _("namespaces and mounts want root; there is no rootless lab")),
        Check(
            _("overlay mounts"),
            _with_folder(folder, _overlays),
            True,
            _("machines are clones on {folder}").format(folder=folder),
        ),
        Check(
            _("namespaces, cables and bridges"),
            _networks(),
            True,
            _("every LAN is a bridge in the lab's core namespace"),
        ),
    ]


def _with_folder(folder: Path, trial: Callable[[Path], bool]) -> bool:
    with tempfile.TemporaryDirectory(dir=folder, prefix=".doctor-") as place:
        return trial(Path(place))


def _overlays(place: Path) -> bool:
    for part in ("lower", "upper", "work", "root"):
        (place / part).mkdir()
    (place / "lower" / "witness").touch()
    options = f"lowerdir={place}/lower,upperdir={place}/upper,workdir={place}/work"
    script = 'mount -t overlay doctor -o "$1" "$2" && test -e "$2/witness"'
    return succeeds(["unshare", "--mount", "sh", "-c", script, "sh", options, place / "root"])


def _networks() -> bool:
    script = "ip link add doctor0 type bridge && ip link add doctor1 type veth peer name doctor2 && ip link set doctor2 master doctor0"
    return succeeds(["unshare", "--net", "sh", "-c", script])


def _tun() -> Check:
    script = "import os;from wizara.lab.relay import open_tun;os.close(open_tun('doctor0'))"
    home = str(Path(__file__).resolve().parents[2])
    from wizara.lab.daemon import python  # noqa: PLC0415

    interpreter = python("relay")[0]
    holds = succeeds(["unshare", "--net", "env", f"PYTHONPATH={home}", interpreter, "-c", script])
    return Check("/dev/net/tun", holds, True, _("links have their delay, loss and rate from a relay of our own"))


def _inotify() -> Check:
    limit = inotify.current()
    if limit >= inotify.NEEDED:
        return Check(_("inotify instances"), True, True, f"{limit}")
    meaning = _("{limit}; raised to {needed} while a lab is up").format(limit=limit, needed=inotify.NEEDED)
    return Check(_("inotify instances"), os.access("/proc/sys/fs/inotify/max_user_instances", os.W_OK), True, meaning)


def _roots(kinds: tuple[str, ...]) -> Check:
    estimate = roots.fetch_estimate(kinds)
    if not estimate:
        return Check(_("Debian trees"), True, False, _("cached"))
    return Check(
        _("Debian trees"), True, False, _("about {megabytes} MB to fetch").format(megabytes=estimate // 1_000_000)
    )


def _boots(kinds: tuple[str, ...]) -> Check:
    """Boot nothing but ``true`` in a machine, over whichever tree is cached."""
    cached = [roots.RECIPES[kind].folder() for kind in kinds if roots.RECIPES[kind].folder().is_dir()]
    if not cached:
        return Check("systemd-nspawn", True, False, _("tried once a Debian tree is there"))

    def trial(place: Path) -> bool:
        for part in ("upper", "work", "root"):
            (place / part).mkdir()
        options = f"lowerdir={cached[0]},upperdir={place}/upper,workdir={place}/work"
        nspawn = "systemd-nspawn --quiet --register=no --keep-unit --private-network --directory"
        script = f'mount -t overlay doctor -o "$1" "$2" && {nspawn} "$2" true'
        return succeeds(["unshare", "--mount", "sh", "-c", script, "sh", options, place / "root"])

    return Check("systemd-nspawn", _with_folder(state_folder(), trial), True, _("boots the nodes"))


def _kernel_questions() -> list[tuple[str, str, str, str]]:
    """Return (name, trial in a namespace of its own, what a yes means, what a no means)."""
    vlan = "ip link add doctor0 type bridge && ip link add link doctor0 name doctor1 type vlan id 5"
    key = "0x" + bytes(range(20)).hex()
    esp = (
        f"ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 1 mode tunnel aead 'rfc4106(gcm(aes))' {key} 128"
    )
    netem = "ip link set lo up && tc qdisc add dev lo root netem delay 1ms"
    bridges = _("a VLAN is a bridge of its own; tags are not proven here")
    wireguard = "ip link add doctor0 type wireguard"
    return [
        (_("kernel WireGuard"), wireguard, _("tunnels are the kernel's"), _("tunnels run in wireguard-go")),
        (_("kernel ESP"), esp, _("IPsec would be the kernel's"), _("IPsec is not proven here")),
        ("netem", netem, _("not used: one relay everywhere"), _("not needed: one relay everywhere")),
        ("802.1Q", vlan, _("not used: a VLAN is a bridge of its own"), bridges),
    ]


def _kernel(name: str, trial: str, yes: str, no: str) -> Check:
    holds = succeeds(["unshare", "--net", "sh", "-c", trial])
    return Check(name, holds, False, yes if holds else no)
