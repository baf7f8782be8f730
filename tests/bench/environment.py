"""Installs the peers, pinned and with hashes, into an environment of their own in the cache folder."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from wizara import tree
from wizara.record.world import cache_folder

_OWN = Path(__file__).with_name("peers.lock")
_NEEDED = ("pyinfra", "jinja2", "pyyaml", "cryptography", "packaging")


def programs() -> Path:
    """Return the folder of the peers' programs; they are installed when they are not there yet."""
    wanted = _locked()
    folder = cache_folder() / "bench" / hashlib.sha256(f"{sys.version}{wanted}".encode()).hexdigest()[:12]
    if not (folder / "bin" / "ansible-playbook").exists() or not (folder / "bin" / "pyinfra").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        lock = folder / "peers.lock"
        lock.write_text(wanted)
        pip = [
            str(folder / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            "--no-deps",
            "--require-hashes",
        ]
        subprocess.run([*pip, "-r", str(lock)], check=True)
    return folder / "bin"


def versions(program: Path) -> dict[str, str]:
    """Return peer → version, as installed."""
    said = [
        str(program / "python"),
        "-c",
        "from importlib.metadata import version as v; print(v('ansible-core'), v('pyinfra'))",
    ]
    ansible, pyinfra = subprocess.run(said, capture_output=True, text=True, check=True).stdout.split()
    return {"ansible-core": ansible, "pyinfra": pyinfra}


def _locked() -> str:
    """Return the peers and all that they need, each with the hashes that are recorded for it."""
    blocks = re.split(r"\n(?=[a-zA-Z0-9])", (tree.root() / "requirements.lock").read_text())
    known = {_plain(block.split("==")[0]): block for block in blocks if "==" in block}
    return _OWN.read_text() + "\n".join(known[name] for name in sorted(_closure(_NEEDED) & known.keys())) + "\n"


def _closure(names: tuple[str, ...]) -> set[str]:
    """Return *names* and what their installed versions require here."""
    found: set[str] = set()
    waiting = [_plain(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        try:
            required = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        waiting += [_plain(re.split(r"[^A-Za-z0-9._-]", line)[0]) for line in required if "extra ==" not in line]
    return found


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
