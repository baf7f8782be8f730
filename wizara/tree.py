"""Finds the card folders (deploys, audits, templates, inventories) in a checkout and in a wheel.

It is the only module that loads code of ``deploys`` and ``audits``, by name, at run time.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

_PACKAGE = Path(__file__).resolve().parent


@cache
def root() -> Path:
    """Return the folder that holds deploys, audits, templates and inventories."""
    packed = _PACKAGE / "_tree"
    return packed if packed.is_dir() else _PACKAGE.parent


def template_folder() -> Path:
    """Return the folder that all template names are relative to."""
    return root() / "templates"


def deploy(name: str) -> Path:
    """Return the path of the deploy file *name* (without ending)."""
    return root() / "deploys" / f"{name}.py"


def shipped_inventories() -> Path:
    """Return the folder of the ministries that come with wizara."""
    return root() / "inventories"


def expose() -> None:
    """Make ``deploys`` and ``audits`` importable in this process only."""
    folder = str(root())
    if folder not in sys.path:
        sys.path.append(folder)


def load(module: str) -> ModuleType:
    """Import *module* of the tree, e.g. ``audits.lan.rules`` or ``deploys.parts.mail``."""
    expose()
    return importlib.import_module(module)


def subjects() -> tuple[str, ...]:
    """Return the names of the audit subjects that the tree holds, sorted."""
    return tuple(sorted(path.parent.name for path in (root() / "audits").glob("*/rules.py")))
