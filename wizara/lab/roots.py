"""Builds the Debian trees that machines are overlay clones of, and keeps them until the week's end."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from wizara.lab import apt, namespace
from wizara.lab.process import run
from wizara.record.world import cache_folder

#: What an installer leaves on every Debian that matters here; wireguard-go stands in for the kernel's WireGuard.
_MACHINE = (
    "systemd", "systemd-sysv", "systemd-timesyncd", "dbus", "openssh-server", "sudo", "iproute2", "iputils-ping", "ca-certificates",
    "nftables", "procps", "netbase", "tzdata", "wireguard-go",
)  # fmt: skip
#: The daemons that hosts of an audited LAN run.
_HOSTS = (
    "openssh-server", "openssl", "inetutils-telnetd", "openbsd-inetd", "vsftpd", "snmpd", "redis-server", "nginx-light",
    "ca-certificates", "iproute2", "netbase", "procps",
)  # fmt: skip
#: Bytes of package lists, which every build fetches anew.
_LISTS = 10_000_000
_RECIPE = "1"


@dataclass(frozen=True)
class Recipe:
    """How one tree is made."""

    kind: str
    suite: str
    packages: tuple[str, ...]
    fetched: int
    """Bytes that a cold build fetches, as measured; for hosts, beyond what machines of its suite fetched."""

    def folder(self) -> Path:
        """Return where this week's tree stands when it was built."""
        week = "{}-{}".format(*datetime.now(UTC).isocalendar())
        digest = hashlib.sha256("\0".join((_RECIPE, self.kind, self.suite, week, *self.packages)).encode()).hexdigest()
        return cache_folder() / "roots" / f"{self.kind}-{digest[:12]}"


RECIPES = {
    "bookworm": Recipe("bookworm", "bookworm", _MACHINE, 62_000_000),
    "trixie": Recipe("trixie", "trixie", _MACHINE, 62_000_000),
    "hosts": Recipe("hosts", "bookworm", _HOSTS, 38_000_000),
}


def fetch_estimate(kinds: tuple[str, ...] = ("bookworm", "trixie", "hosts")) -> int:
    """Return about how many bytes *kinds* still have to fetch; 0 when all are cached."""
    missing = 0
    for kind in kinds:
        recipe = RECIPES[kind]
        if not recipe.folder().is_dir():
            held = sum(path.stat().st_size for path in _archives(recipe).rglob("*.deb"))
            missing += max(recipe.fetched - held, _LISTS)
    return missing


def ensure(kind: str, progress: Callable[[str, str], None]) -> Path:
    """Return the tree *kind*, built now unless this week's is cached."""
    return ensure_recipe(RECIPES[kind], progress)


def ensure_recipe(recipe: Recipe, progress: Callable[[str, str], None]) -> Path:
    """Return the tree of *recipe*, built now unless this week's is cached."""
    folder = recipe.folder()
    if folder.is_dir():
        return folder
    with _alone(recipe.kind):
        if not folder.is_dir():
            progress(recipe.kind, "build")
            _build(recipe, folder)
            _forget_older(recipe, folder)
    return folder


def _archives(recipe: Recipe) -> Path:
    return cache_folder() / "archives" / recipe.suite


@contextmanager
def _alone(kind: str) -> Iterator[None]:
    folder = cache_folder() / "roots"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(recipe: Recipe, folder: Path) -> None:
    aside = folder.with_name(f".{folder.name}.part")
    if aside.exists():
        shutil.rmtree(aside)
    archives = _archives(recipe)
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    run(_mmdebstrap(recipe, aside, archives), timeout=1800)
    aside.rename(folder)


def _mmdebstrap(recipe: Recipe, target: Path, archives: Path) -> list[str]:
    archive = apt.archive()
    proxies = [
        f'--aptopt=Acquire::{scheme}::Proxy "{value}"'
        for scheme, value in (("http", archive.http_proxy), ("https", archive.https_proxy))
        if value
    ]
    # The bind mount keeps every archive that was fetched, so that a build that was broken off goes on where it stopped.
    held = '"$1"/var/cache/apt/archives'
    return [
        "unshare", "--mount", "--", "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={','.join(recipe.packages)}",
        '--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Languages "none"', '--aptopt=Acquire::Retries "3"', *proxies,
        "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--skip=essential/unlink", f"--setup-hook=mkdir -p {held} && mount --bind {archives} {held}", f"--customize-hook=umount {held}",
        '--customize-hook=rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/resolv.conf "$1"/etc/hostname; : > "$1"/etc/machine-id',
        '--customize-hook=rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/apt/sources.list',
        recipe.suite, str(target), *archive.sources(recipe.suite),
    ]  # fmt: skip


def _forget_older(recipe: Recipe, folder: Path) -> None:
    """Remove trees of earlier weeks, unless a lab that is up may stand on them: its mounts are seen by itself only."""
    if namespace.any_lab():
        return
    for older in folder.parent.glob(f"{recipe.kind}-*"):
        if older != folder and older.is_dir():
            shutil.rmtree(older, ignore_errors=True)
