"""Which of the two worlds a command acts on: the field, or a lab."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class World:
    """The field, or the lab *name* whose operator stands in network namespace *namespace*."""

    name: str | None = None
    """Name of the lab; None is the field."""
    namespace: Path | None = None
    """Network namespace file of the operator's workstation in the lab."""
    state: Path | None = None
    """The lab's state folder: its ``enrolled.yaml``, ``secrets/`` and age identity stand there."""

    @property
    def is_lab(self) -> bool:
        """True for a lab."""
        return self.name is not None

    def __str__(self) -> str:
        return f"lab {self.name}" if self.is_lab else "field"


def home() -> Path:
    """Return the home folder of the person at the keyboard, also under sudo."""
    uid = os.environ.get("SUDO_UID")
    return Path(pwd.getpwuid(int(uid)).pw_dir) if uid and os.geteuid() == 0 else Path.home()


def state_folder() -> Path:
    """Return the folder of wizara's lasting state: ``WIZARA_STATE``, else ``~/.local/state/wizara``."""
    named = os.environ.get("WIZARA_STATE")
    return Path(named) if named else home() / ".local" / "state" / "wizara"


def cache_folder() -> Path:
    """Return the folder of what can be fetched again: ``WIZARA_CACHE``, else ``~/.cache/wizara``."""
    named = os.environ.get("WIZARA_CACHE")
    return Path(named) if named else home() / ".cache" / "wizara"
