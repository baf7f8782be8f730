"""A new Debian in a folder: python3 and ca-certificates, the checkout, and this machine's own way to its mirrors."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from pathlib import Path

from wizara import tree
from wizara.lab import apt

#: This machine's settings of its package tools, certificates and resolver; what is not there is left out.
_SETTINGS = (
    "/etc/apt/apt.conf.d", "/etc/pip.conf", "/etc/xdg/pip", "/etc/ssl/certs/ca-certificates.crt", "/usr/local/share/ca-certificates", "/etc/resolv.conf",
    "/opt/wheels", "/opt/pypi", "/opt/pypi-more",
)  # fmt: skip
_VARIABLES = (
    "PIP_",
    "SSL_",
    "REQUESTS_CA",
    "CURL_CA",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)

# A chroot cannot run systemd-nspawn: the folder becomes the root of a mount namespace instead, with its own process numbers.
_ENTER = r"""
set -eu
root=$1; shift
mount --make-rprivate /
mount --bind "$root" "$root"
cd "$root"
mkdir -p old proc sys dev run tmp
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs -o mode=755 run run
mkdir -p run/lock run/netns
pivot_root . old
cd /
umount -l /old
exec "$@"
"""


class Newcomer:
    """One new system."""

    def __init__(self, suite: str, folder: Path, *further: str) -> None:
        self.suite, self.root = suite, folder / "-".join((suite, *further))
        self.further = further

    def build(self) -> None:
        """Make the system, with nothing of ours but the checkout."""
        archive = apt.archive()
        self.remove()
        self.root.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["mmdebstrap", "--variant=minbase", f"--include={','.join(('python3', 'ca-certificates', *self.further))}", '--aptopt=APT::Install-Recommends "false"',
             self.suite, str(self.root), *archive.sources(self.suite)],
            check=True, stdin=subprocess.DEVNULL, capture_output=True,
        )  # fmt: skip
        self.root.joinpath("etc/machine-id").write_text(uuid.uuid4().hex + "\n")
        for setting in map(Path, _SETTINGS):
            if setting.exists():
                self._take(setting)
        self.check_out(self.root / "srv/wizara")

    def check_out(self, folder: Path) -> None:
        """Lay the checkout: what is committed or about to be, never a virtual environment or a cache of this machine."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=tree.root(),
            capture_output=True,
            check=True,
        )
        for name in listed.stdout.decode().split("\0"):
            source = tree.root() / name
            if name and source.is_file():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)

    def _take(self, setting: Path) -> None:
        target = self.root / str(setting).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if setting.is_dir():
            shutil.copytree(setting, target, dirs_exist_ok=True, symlinks=False, ignore_dangling_symlinks=True)
        else:
            target.unlink(missing_ok=True)
            shutil.copy2(setting, target)

    def run(self, *words: str, timeout: float) -> subprocess.CompletedProcess[str]:
        """Run a command in the checkout as that system's root; everything it started ends with it."""
        environment = {name: value for name, value in os.environ.items() if name.startswith(_VARIABLES)}
        environment |= {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8",
                        "NO_COLOR": "1", "DEBIAN_FRONTEND": "noninteractive"}  # fmt: skip
        line = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _ENTER, "enter", str(self.root),
                "sh", "-c", 'cd /srv/wizara && exec "$@"', "run", *words]  # fmt: skip
        return subprocess.run(
            line,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )

    def remove(self) -> None:
        """Take the system away, and first what a build that was killed had mounted in it: that is this machine's own."""
        points = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        for point in sorted((one for one in points if one.startswith(f"{self.root}/")), key=len, reverse=True):
            subprocess.run(["umount", "--lazy", point], check=True)
        if self.root.exists():
            shutil.rmtree(self.root)
