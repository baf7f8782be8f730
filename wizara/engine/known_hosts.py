"""Reads an operator's ``known_hosts`` without believing more than it says: one line that cannot be read makes it say nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import paramiko
from paramiko.hostkeys import HostKeyEntry, InvalidHostKey

from wizara.text import _


class Unreadable(Exception):
    """A line of the file is neither a key nor a comment."""


def key_of(path: Path, names: Iterable[str]) -> str | None:
    """Return ``type base64`` of the first of *names* that stands in *path*, None when none does; Unreadable names the line.

    Certificate authorities are passed over: only a machine's own key is taken (paramiko knows no others). A revoked key is none.
    """
    known, revoked = paramiko.HostKeys(), set()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if words[:1] == ["@revoked"] and len(words) > 3:
            revoked.add(words[3])
        elif words and not words[0].startswith("#") and words[0] != "@cert-authority":
            for name, key in _keys(path, number, words):
                known.add(name, key.get_name(), key)
    for name in names:
        for key in (known.lookup(name) or {}).values():
            if key.get_base64() not in revoked:
                return f"{key.get_name()} {key.get_base64()}"
    return None


def _keys(path: Path, number: int, words: list[str]) -> list[tuple[str, paramiko.PKey]]:
    """Return the names of a line, each with its key; none for a kind of key that no machine is pinned by."""
    try:
        entry = None if words[0].startswith("@") else HostKeyEntry.from_line(" ".join(words), number)
    except paramiko.pkey.UnknownKeyType:
        return []
    except (InvalidHostKey, paramiko.SSHException, ValueError, IndexError):
        entry = None
    if entry is None:
        raise Unreadable(_("{path}:{line} cannot be read").format(path=path, line=number))
    return [(name, entry.key) for name in entry.hostnames or ()]
