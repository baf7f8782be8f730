"""Writes ``enrolled.yaml``: whole, sorted, and never half."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import yaml

from wizara.inventory.document import parse
from wizara.inventory.models import Enrolled

_HEADER = """\
# Written by wizara, whole: `wizara enrol` and `wizara secrets generate` keep it. Nothing in it is secret.
# Review its changes; do not edit it by hand.
"""


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def enrolled_text(enrolled: Enrolled) -> str:
    """Return the file's text for *enrolled*: sorted, the same for the same."""
    content: dict[str, Any] = enrolled.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    text = _HEADER + yaml.dump(content, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=2000)
    again = Enrolled.model_validate(parse(text, "enrolled.yaml", len(text)).value, by_alias=True, by_name=False)
    assert again == enrolled, "what was written reads differently"
    return text


def write_enrolled(path: Path, enrolled: Enrolled) -> None:
    """Replace the file at *path* in one step; its owner is the folder's."""
    content = enrolled_text(enrolled).encode()
    temporary = fresh_file(path.parent, content, 0o644)
    temporary.replace(path)


def fresh_file(folder: Path, content: bytes, mode: int) -> Path:
    """Return a new file in *folder* with *content* on the disk, nameless to others until it is moved."""
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".wizara-")
    try:
        with open(descriptor, "wb") as target:  # noqa: PTH123 - a descriptor, not a path
            target.write(content)
            target.flush()
            os.fsync(target.fileno())
            os.fchmod(target.fileno(), mode)
            give_to_owner(descriptor, folder)
    except BaseException:
        Path(name).unlink()
        raise
    return Path(name)


def give_to_owner(what: int | Path, folder: Path) -> None:
    """Give *what* to the owner of *folder*, when root writes into somebody's folder."""
    owner = folder.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.chown(what, owner.st_uid, owner.st_gid)
