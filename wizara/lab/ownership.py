"""Gives back to the person behind sudo what root wrote for him."""

from __future__ import annotations

import os
from pathlib import Path

from wizara.record.run import is_run_id
from wizara.record.world import cache_folder, home, state_folder

#: Trees and layers hold the machines' own files, whose owners must stay.
_MACHINES = {"roots", "machines", "hosts"}


def give_back() -> None:
    """Make the person behind sudo the owner of the state and cache folders, but for the machines' own files."""
    for start in (state_folder(), cache_folder()):
        if not start.is_dir():
            continue
        above = [folder for folder in start.parents if folder != home() and folder.is_relative_to(home())]
        _give(above)
        for top, names, files in os.walk(start):
            _give([Path(top), *(Path(top) / file for file in files)])
            _give([Path(top) / name for name in names if name in _MACHINES])
            names[:] = [name for name in names if name not in _MACHINES]


def give_back_runs(runs: Path, made: Path | None) -> None:
    """Make the person behind sudo the owner of the run records in *runs*, and of the folders from *made* down to it."""
    if made is not None and runs.is_relative_to(made):
        _give([runs, *(folder for folder in runs.parents if folder.is_relative_to(made))])
    for run in runs.iterdir() if runs.is_dir() else ():
        if is_run_id(run.name) and not run.is_symlink():
            for top, _names, files in os.walk(run):
                _give([Path(top), *(Path(top) / file for file in files)])


def _give(paths: list[Path]) -> None:
    if os.geteuid() or "SUDO_UID" not in os.environ:
        return
    owner, group = int(os.environ["SUDO_UID"]), int(os.environ.get("SUDO_GID", "-1"))
    for path in paths:
        try:
            if _is_roots(path):
                os.chown(path, owner, group, follow_symlinks=False)
        except FileNotFoundError:
            continue  # gone meanwhile


def _is_roots(path: Path) -> bool:
    return path.lstat().st_uid == 0
