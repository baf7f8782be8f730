"""What is kept of a lab that is up, in its state folder, so that any later process finds it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from wizara.inventory.types import Model
from wizara.record.world import state_folder


class KeptLink(Model):
    """A way from a site to the outside."""

    interface: str
    """In the internet namespace."""
    space: str
    port: str


class KeptMachine(Model):
    """A node of the lab."""

    suite: str
    manage: str
    """Address that provisioning speaks to."""
    user: str
    """Its first login."""


class KeptProcess(Model):
    """A process that serves the lab."""

    pid: int
    start: int
    """Its start, in clock ticks since this computer's boot: what tells it from a later process of the same number."""
    purpose: str


class Kept(Model):
    """``lab.json``."""

    name: str
    ministry: str
    folder: str
    """Where the ministry was read from."""
    complete: bool = False
    """True when everything came up."""
    namespaces: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    cgroups: tuple[str, ...] = ()
    processes: tuple[KeptProcess, ...] = ()
    machines: dict[str, KeptMachine] = Field(default={})
    hosts: tuple[str, ...] = ()
    lans: dict[str, str] = Field(default={})
    """``site.lan`` → its bridge in the core namespace."""
    links: dict[str, KeptLink] = Field(default={})


def labs() -> Path:
    """Return the folder of all labs' state."""
    return state_folder() / "labs"


def folder(name: str) -> Path:
    """Return the state folder of the lab *name*."""
    return labs() / name


def load(name: str) -> Kept | None:
    """Return what is kept of the lab *name*, or None when there is nothing readable."""
    try:
        return Kept.model_validate_json((folder(name) / "lab.json").read_text())
    except (OSError, ValueError):
        return None


def save(kept: Kept) -> None:
    """Write *kept*, whole or not at all."""
    target = folder(kept.name) / "lab.json"
    aside = target.with_suffix(".part")
    aside.touch(mode=0o600)
    aside.write_text(kept.model_dump_json(indent=1))
    aside.rename(target)


def started(pid: int) -> int | None:
    """Return when process *pid* started, in clock ticks since boot; None when there is none."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return None
