"""Sets a checkout up on a machine that has only python3: Debian packages, virtual environment, locked libraries.

Standard library only, and no syntax newer than Python 3.7: it must still be able to say that Python is too old. A wheel
brings its own environment and is left alone; so is a virtual environment that somebody else made.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "wizara.stamp"
LOCK = ROOT / "requirements.lock"
OLDEST = (3, 11)
UNFINISHED = 3

#: What pip fetches for the lock whose digest begins so, in MB; measured with ``pip download --no-deps -r`` and ``du``.
FETCH = ("cdb7332a3a79", 97)

#: Every sentence in English and French: the catalogues cannot be read before the libraries are there.
SENTENCES = {
    "python": (
        "wizara needs Python 3.11 or newer (Debian 12 or 13); this is {version}",
        "wizara demande Python 3.11 ou plus récent (Debian 12 ou 13) ; voici {version}",
    ),
    "no-apt": (
        "missing: {packages}; wizara can install them on Debian only",
        "il manque : {packages} ; wizara ne sait les installer que sous Debian",
    ),
    "no-sudo": (
        "missing: {packages}; sudo is not there, or does not let you in here: run as root: {line}",
        "il manque : {packages} ; sudo est absent, ou ne vous laisse pas entrer ici : exécutez en root : {line}",
    ),
    "update": ("reading the package lists: {line}", "lecture des listes de paquets : {line}"),
    "packages": ("installing Debian packages{size}: {line}", "installation de paquets Debian{size} : {line}"),
    "apt-failed": (
        "apt-get could not install {packages}: see above; is the network or the mirror down?",
        "apt-get n'a pas pu installer {packages} : voir ci-dessus ; réseau ou miroir en panne ?",
    ),
    "read-only": (
        "{folder} cannot be written, and .venv belongs there",
        "{folder} n'est pas accessible en écriture, et .venv y a sa place",
    ),
    "libraries": (
        "installing the locked Python libraries into .venv{size}",
        "installation des bibliothèques Python verrouillées dans .venv{size}",
    ),
    "pip-failed": (
        "could not set up .venv: see above. Is the network down? The next run continues; pip's settings: {line}",
        "échec de .venv : voir ci-dessus. Réseau en panne ? L'exécution suivante reprend ; réglages de pip : {line}",
    ),
}
#: program that proves it → Debian package: what the lab's machines and networks are made with
LAB_PACKAGES = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "nft": "nftables",
    "tcpdump": "tcpdump",
    "ssh": "openssh-client",
    "openssl": "openssl",
    "ip": "iproute2",
    "ps": "procps",
}
#: what the tests without a machine look at reports and keys with
UNIT_PACKAGES = {"pdftotext": "poppler-utils", "ssh-keygen": "openssh-client"}
#: what the tests on machines judge with, and the daemons of their audited LAN
JUDGE_PACKAGES = {
    "chromium": "chromium",
    "dkimverify": "python3-dkim",
    "redis-server": "redis-server",
    "snmpd": "snmpd",
    "vsftpd": "vsftpd",
    "sshd": "openssh-server",
    "pdftotext": "poppler-utils",
    "sudo": "sudo",
}
#: what machines of the loopback are made of
BENCH_PACKAGES = {"sshd": "openssh-server", "ssh-keygen": "openssh-client", "unshare": "util-linux"}
#: verb, the first words after it that need them (an empty word is the verb alone, none is any), and what they need
NEEDS: tuple[tuple[str, tuple[str, ...], dict[str, str]], ...] = (
    ("demo", (), LAB_PACKAGES),
    ("lab", (), LAB_PACKAGES),
    ("test", ("", "lab", "fresh", "faults", "slow"), LAB_PACKAGES),
    ("test", ("", "unit"), UNIT_PACKAGES),
    ("test", ("", "lab", "slow"), JUDGE_PACKAGES),
    ("test", ("bench",), BENCH_PACKAGES),
    ("bench", (), BENCH_PACKAGES),
)


def prepare(arguments: Sequence[str]) -> None:
    """Return when wizara can run in this process; else set up, and run it anew where it can."""
    if sys.version_info < OLDEST:
        _stop("python", version=sys.version.split()[0])
    inside = Path(sys.prefix).resolve() == VENV.resolve()
    if os.geteuid() == 0 and ROOT.stat().st_uid != 0:  # root leaves no file of its own in a person's checkout
        sys.dont_write_bytecode = True
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        _hand_over(ROOT / "wizara" / "__pycache__")
    if not LOCK.is_file() or (sys.prefix != sys.base_prefix and not inside):
        return
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # a second run waits here, and finds the work done
        _debian_packages(_wanted(arguments))
        if not _is_current():
            _environment()
    finally:
        os.close(folder)
    if not inside:
        os.execv(_python(), [str(_python()), "-m", "wizara", *arguments])  # noqa: S606 - it becomes itself, no shell


def _python() -> Path:
    return VENV / "bin" / "python"


def _wanted(arguments: Sequence[str]) -> list[str]:
    """Return the Debian packages that are missing for the verb in *arguments*."""
    packages = [] if importlib.util.find_spec("ensurepip") or _python().exists() else ["python3-venv"]
    words = [word for word in arguments if not word.startswith("-")]
    verb, rest = (words[0], words[1:] or [""]) if words else ("", [])
    path = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    for asked, followed, needed in NEEDS:
        if verb == asked and (not followed or set(rest) & set(followed)) and "--help" not in arguments:
            packages += [package for program, package in needed.items() if not shutil.which(program, path=path)]
    return list(dict.fromkeys(packages))


def _debian_packages(packages: list[str]) -> None:
    """Install *packages*, after saying so."""
    if not packages:
        return
    line = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    listed = " ".join(packages)
    if not shutil.which("apt-get"):
        _stop("no-apt", packages=listed)
    if os.geteuid() != 0 and not _has_sudo():
        _stop("no-sudo", packages=listed, line=" ".join(line))
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    rights = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive"]
    update = ["apt-get", "update"]
    if not any(Path("/var/lib/apt/lists").glob("*Packages*")):
        _say("update", line=" ".join([*sudo, *update]))
        _finishes([*rights, *update, "-qq"])
    _say("packages", line=" ".join([*sudo, *line]), size=_apt_size(line))
    if _finishes([*rights, *line, "-qq"]):
        return
    if not (_finishes([*rights, *update, "-qq"]) and _finishes([*rights, *line, "-qq"])):
        _stop("apt-failed", packages=listed)


def _has_sudo() -> bool:
    """True where sudo lets this person in, or can at least ask for a password."""
    asks = ["sudo", "-n", "true"]
    return bool(shutil.which("sudo")) and (
        sys.stdin.isatty() or subprocess.run(asks, check=False, stderr=subprocess.DEVNULL).returncode == 0
    )


def _finishes(line: list[str]) -> bool:
    """Run a step, its words shown on a terminal only; True when it succeeds."""
    words = sys.stderr if sys.stderr.isatty() else subprocess.DEVNULL  # faults come on stderr anyway
    return subprocess.run(line, check=False, stdout=words).returncode == 0


def _output(line: list[str]) -> str:
    return subprocess.run(line, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def _apt_size(line: list[str]) -> str:
    """Return what apt would fetch, for the line that announces it; empty when apt cannot tell."""
    sizes = re.findall(r"^'[^']+' \S+ (\d+) ", _output([*line, "--print-uris", "-qq"]), re.MULTILINE)
    return f" ({sum(map(int, sizes)) / 1e6:.1f} MB)" if sizes else ""


def _digest() -> str:
    """Return what the environment depends on: the lock, the project's entry points, Python, and where it stands."""
    about = [repr(sys.version_info[:2]).encode(), os.fsencode(ROOT)]
    parts = [LOCK.read_bytes(), (ROOT / "pyproject.toml").read_bytes(), *about]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _is_current() -> bool:
    return _python().exists() and STAMP.is_file() and STAMP.read_text() == _digest()


def _environment() -> None:
    """Make the virtual environment, or bring it to the lock; what a broken run had fetched is in pip's cache."""
    if not os.access(ROOT, os.W_OK):
        _stop("read-only", folder=str(ROOT))
    if STAMP.exists():
        STAMP.unlink()
    base = getattr(sys, "_base_executable", sys.executable)
    steps = [] if _works() else [[base, "-m", "venv", "--clear", str(VENV)]]
    pip = [str(_python()), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    loud = pip if sys.stderr.isatty() else [*pip, "--quiet"]
    steps.append([*loud, "--require-hashes", "-r", str(LOCK)])
    steps.append([*pip, "--quiet", "--no-deps", "--no-build-isolation", "-e", str(ROOT)])
    measured = hashlib.sha256(LOCK.read_bytes()).hexdigest().startswith(FETCH[0])
    _say("libraries", size=f" ({FETCH[1]} MB)" if measured else "")
    for step in steps:
        if not _finishes(step):
            _stop("pip-failed", line=f"{_python()} -m pip config list")
    STAMP.write_text(_digest())
    _hand_over(VENV)


def _works() -> bool:
    """True when the environment that is there has this Python and a pip."""
    if not _python().exists():
        return False
    told = _output([str(_python()), "-c", "import pip, sys; print(tuple(sys.version_info[:2]))"])
    return told.strip() == repr(tuple(sys.version_info[:2]))


def _hand_over(start: Path) -> None:
    """Give *start* and what is in it to the owner of the checkout when root made it for him."""
    owner = ROOT.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        return
    for folder, _folders, files in os.walk(start):
        for path in [Path(folder), *(Path(folder, name) for name in files)]:
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _say(sentence: str, **fields: str) -> None:
    named = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    print(SENTENCES[sentence][named.lower().startswith("fr")].format(**fields), file=sys.stderr, flush=True)


def _stop(sentence: str, **fields: str) -> NoReturn:
    _say(sentence, **fields)
    sys.exit(UNFINISHED)
