"""The folder ``runs/<id>/`` of a run: 0700, its files 0600; models go in and come out."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from wizara.errors import UsageFault
from wizara.record.journal import Journal
from wizara.record.run import Run, Verb, is_run_id, new_run_id, operator
from wizara.record.unwritable import beginning, writing
from wizara.record.world import World
from wizara.text import _

ModelT = TypeVar("ModelT", bound=BaseModel)


class RunFolder:
    """One run on disk. ``run.json`` is the :class:`Run`; other files are named by who writes them."""

    def __init__(self, path: Path, run: Run) -> None:
        self.path = path
        self.run = run

    @classmethod
    def create(cls, runs: Path, verb: Verb, ministry: str, world: World) -> RunFolder:
        """Begin a run: make its folder under *runs* and write its ``run.json``; Unopened when the disk does not take it."""
        with beginning(), writing(runs):
            return cls._create(runs, verb, ministry, world)

    @classmethod
    def _create(cls, runs: Path, verb: Verb, ministry: str, world: World) -> RunFolder:
        runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        started = datetime.now(UTC)
        for _attempt in range(16):
            run = Run(
                id=new_run_id(verb, ministry, started),
                verb=verb,
                world=str(world),
                ministry=ministry,
                operator=operator(),
                host=socket.gethostname(),
                started=started,
            )
            try:
                (runs / run.id).mkdir(mode=0o700)
            except FileExistsError:
                continue
            folder = cls(runs / run.id, run)
            folder.write("run.json", run)
            with Journal.open(runs) as journal:
                journal.append(
                    run.id, "run", verb=verb, world=run.world, ministry=ministry, operator=run.operator, host=run.host
                )
            return folder
        raise UsageFault(_("no free run id in {folder}").format(folder=runs))

    @classmethod
    def open(cls, runs: Path, run: str) -> RunFolder:
        """Open the run *run* (an id, or ``last``) that was recorded under *runs*."""
        name = _newest(runs) if run == "last" else run
        if name is None or not is_run_id(name) or not (runs / name / "run.json").is_file():
            raise UsageFault(
                _("no run '{run}' in {folder}").format(run=run, folder=runs),
                hint=_("plan, apply, verify and audit write one; --runs names another folder"),
            )
        return cls(runs / name, _parse((runs / name / "run.json").read_bytes(), Run, runs / name / "run.json"))

    def append(self, name: str, model: BaseModel) -> None:
        """Add *model* as one line to the JSON-lines file *name*; Unwritable when the disk does not take it."""
        with writing(self.path / name), open(self.path / name, "ab", opener=_private) as target:
            target.write(model.model_dump_json(by_alias=True).encode() + b"\n")

    def write(self, name: str, model: BaseModel) -> None:
        """Write *model* as the file *name*, whole: readers see the old one or the new one."""
        self.write_bytes(name, model.model_dump_json(by_alias=True, indent=2).encode() + b"\n")

    def write_bytes(self, name: str, content: bytes) -> Path:
        """Write *content* as the file *name*, whole, and return its path; Unwritable when the disk does not take it."""
        target, temporary = self.path / name, self.path / f".{name}.new"
        with writing(target):
            with open(temporary, "wb", opener=_private) as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            temporary.replace(target)
        return target

    def read(self, name: str, model: type[ModelT]) -> ModelT:
        """Return what :meth:`write` wrote as *name*."""
        return _parse(self._bytes(name), model, self.path / name)

    def read_lines(self, name: str, model: type[ModelT]) -> Iterator[ModelT]:
        """Yield what :meth:`append` added to *name*; a last line cut by a kill is left out."""
        *whole, _rest = self._bytes(name).split(b"\n")
        for line in whole:
            yield _parse(line, model, self.path / name)

    def holds(self, name: str) -> bool:
        """Say whether there is a file *name*."""
        return (self.path / name).is_file()

    def mend(self, name: str) -> None:
        """Take a last line that was cut by a kill out of *name*, before more is added."""
        if self.holds(name):
            content = self._bytes(name)
            whole = content.rpartition(b"\n")[0]
            with (self.path / name).open("r+b") as target:
                target.truncate(len(whole) + 1 if whole else 0)

    def finish(self, run: Run) -> None:
        """Write how the run ended, here and in the journal."""
        with Journal.open(self.path.parent) as journal:
            head = journal.append(run.id, "end", exit_code=run.exit_code)
        self.run = run = run.model_copy(update={"head": head.model_copy(update={"kept": run.id})})
        self.write("run.json", run)

    def _bytes(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            raise UsageFault(_("the run {run} holds no {name}").format(run=self.run.id, name=name)) from None


def recorded(runs: Path, damaged: Callable[[str], None] | None = None) -> Iterator[Run]:
    """Yield all runs that were recorded under *runs*, the oldest name first; of a damaged one *damaged* hears, else it is a UsageFault."""
    for path in sorted(runs.glob("*-*")) if runs.is_dir() else ():
        if is_run_id(path.name) and (path / "run.json").is_file():
            try:
                yield _parse((path / "run.json").read_bytes(), Run, path / "run.json")
            except UsageFault as fault:
                if damaged is None:
                    raise
                damaged(fault.message)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _newest(runs: Path) -> str | None:
    names = sorted(path.name for path in runs.glob("*-*") if is_run_id(path.name)) if runs.is_dir() else []
    return names[-1] if names else None


def _parse(content: bytes, model: type[ModelT], path: Path) -> ModelT:
    try:
        return model.model_validate_json(content)
    except ValidationError as fault:
        raise UsageFault(_("{file} is damaged: {fault}").format(file=path, fault=fault.errors()[0]["msg"])) from None
