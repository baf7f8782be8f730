"""Gives back to the person behind sudo what a lab wrote under his home."""

from __future__ import annotations

import os
from pathlib import Path

from wizara.record.world import cache_folder, state_folder

#: Trees and layers hold the machines' own files, whose owners must stay.
_MACHINES = {"roots", "machines", "hosts"}


def give_back() -> None:
    """Make the person behind sudo the owner of the state and cache folders, but for the machines' own files."""
    if os.geteuid() or "SUDO_UID" not in os.environ:
        return
    owner, group = int(os.environ["SUDO_UID"]), int(os.environ.get("SUDO_GID", "-1"))
    for start in (state_folder(), cache_folder()):
        if not start.is_dir():
            continue
        for top, names, files in os.walk(start):
            for path in (Path(top), *(Path(top) / file for file in files)):
                os.chown(path, owner, group, follow_symlinks=False)
            names[:] = [name for name in names if name not in _MACHINES]
