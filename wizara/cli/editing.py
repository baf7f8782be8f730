"""Lets a person change a secret text in an editor, in memory only."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from wizara.errors import UsageFault
from wizara.text import _

#: File systems in memory, private ones first; a secret on a disk stays there after it was removed.
_MEMORY = (os.environ.get("XDG_RUNTIME_DIR", ""), "/dev/shm", "/run")  # noqa: S108 - a folder of our own is made in it


def edited(text: str, name: str) -> str:
    """Return *text* as a person leaves it in their editor; UsageFault when there is none, or it fails."""
    words = _editor()
    with tempfile.TemporaryDirectory(dir=_memory(), prefix="wizara-") as folder:
        path = Path(folder) / name.replace("/", "-")
        path.touch(mode=0o600)
        path.write_text(text)
        try:
            done = subprocess.run([*words, str(path)], check=False)
        except OSError as fault:
            message = _("the editor {editor} cannot be started: {reason}").format(
                editor=words[0], reason=fault.strerror
            )
            raise UsageFault(message, hint=_("VISUAL or EDITOR names another; --stdin needs none")) from fault
        if done.returncode != 0:
            raise UsageFault(
                _("the editor ended with {code}").format(code=done.returncode), hint=_("nothing was written")
            )
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise UsageFault(_("the editor left no text behind"), hint=_("nothing was written")) from None


def _editor() -> list[str]:
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "editor"
    try:
        words = shlex.split(named)
    except ValueError:
        words = []
    if not words:
        message = _("VISUAL or EDITOR is no command: {words}").format(words=repr(named))
        raise UsageFault(message, hint=_("VISUAL or EDITOR names another; --stdin needs none"))
    return words


def _memory() -> str:
    for folder in _MEMORY:
        if folder and os.access(folder, os.W_OK) and Path(folder).is_dir():
            return folder
    raise UsageFault(_("there is no file system in memory to edit a secret in"), hint=_("--stdin needs none"))
