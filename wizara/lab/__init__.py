"""The lab: a declared ministry as machines and networks on this computer."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wizara.lab.lab import Lab
    from wizara.lab.leftovers import remnants
    from wizara.lab.lifecycle import find, rise

_HOMES = {"Lab": "lab", "find": "lifecycle", "rise": "lifecycle", "remnants": "leftovers"}

__all__ = ["Lab", "find", "remnants", "rise"]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: the small processes of a lab live in this package too."""
    if name in _HOMES:
        return getattr(import_module(f"wizara.lab.{_HOMES[name]}"), name)
    raise AttributeError(name)
