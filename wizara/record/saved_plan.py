"""A plan kept in a file: what was to be changed, and what it was made of, so that an apply can tell when that has moved."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from wizara.errors import Refusal, UsageFault
from wizara.place import Place
from wizara.record.progress import Planned, PlannedChange
from wizara.record.run import Record
from wizara.text import _

_LIMIT = 64 * 1024 * 1024
#: What an inventory consists of; a folder of runs may stand beside it.
_KINDS = {".yaml", ".yml", ".age"}


class SavedNode(Record):
    """One node as it was when the plan was made."""

    changes: tuple[PlannedChange, ...]
    seen: dict[str, str]
    """What the check looked at → a digest of how it was."""


class SavedPlan(Record):
    """The whole file."""

    wizara_plan: Literal[1] = 1
    """Version of this shape."""
    run: str
    version: str
    """Version of wizara that made it."""
    ministry: str
    folder: str
    world: str
    lab: str | None
    deploy: str = Field(pattern=r"^[a-z]+$")
    """Name of a deploy of the tree, never a path: it is code that will run."""
    files: dict[str, str]
    """File of the inventory → SHA-256."""
    nodes: dict[str, SavedNode]

    def write(self, path: Path) -> None:
        """Write the plan to *path*, whole, for its owner alone: a diff may tell more than everybody should read."""
        temporary = path.with_name(f".{path.name}.new")
        try:
            with open(temporary, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as target:
                target.write(self.model_dump_json(indent=1).encode() + b"\n")
                target.flush()
                os.fsync(target.fileno())
            temporary.replace(path)
        except OSError as fault:
            raise UsageFault(
                _("cannot be written: {reason}").format(reason=fault.strerror), place=Place(str(path))
            ) from fault

    @classmethod
    def read(cls, path: Path) -> SavedPlan:
        """Read the plan in *path*; UsageFault when it is none."""
        try:
            with path.open("rb") as source:
                _refuse_open_to_others(path, os.fstat(source.fileno()))
                return cls.model_validate_json(source.read(_LIMIT))
        except OSError as fault:
            raise UsageFault(
                _("cannot be read: {reason}").format(reason=fault.strerror), place=Place(str(path))
            ) from fault
        except ValidationError:
            message = _("is no plan that wizara wrote")
            raise UsageFault(
                message, place=Place(str(path)), hint=_("wizara plan MINISTRY --out FILE writes one")
            ) from None

    def moved_files(self, files: dict[str, str]) -> tuple[str, ...]:
        """Return the files of the inventory that are not what they were."""
        return tuple(sorted(name for name in {*files, *self.files} if files.get(name) != self.files.get(name)))

    def moved(self, line: Planned) -> tuple[str, ...]:
        """Return what on the node of *line* is not what it was when the plan was made."""
        kept = self.nodes[line.node]
        seen = sorted(name for name in {*kept.seen, *line.seen} if kept.seen.get(name) != line.seen.get(name))
        changed = [one for one in {*kept.changes, *line.changes} if (one in kept.changes) != (one in line.changes)]
        told = set(" ".join(seen).split())
        return (*seen, *sorted({f"{one.operation} {one.subject}" for one in changed if one.subject not in told}))


def _refuse_open_to_others(path: Path, status: os.stat_result) -> None:
    """Refuse a plan that somebody else could have written: what it says will be done as root."""
    own = {0, os.geteuid(), int(os.environ.get("SUDO_UID") or os.geteuid())}
    if status.st_uid not in own or status.st_mode & 0o022:
        message = _("belongs to somebody else, or others may write to it")
        raise Refusal(message, place=Place(str(path)), hint=_("plan anew: wizara plan MINISTRY --out FILE"))


def digests(folder: Path, others: Iterable[Path]) -> dict[str, str]:
    """Return file → SHA-256 of the inventory in *folder*, and of *others* that belong to it (enrolment, secrets)."""
    inside = [path for path in folder.rglob("*") if path.is_file() and path.suffix in _KINDS]
    found = {str(path.relative_to(folder)): path for path in inside}
    for path in others:
        for one in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if one.is_file():
                found[f"{path.name}/{one.relative_to(path)}" if path.is_dir() else path.name] = one
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in sorted(found.items())}
