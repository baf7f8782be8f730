"""Runs a program of this computer and turns its failure into a fault that names it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from wizara.errors import Unfinished
from wizara.text import _


def run(argv: Sequence[str | Path], *, feed: str | None = None, timeout: float = 60, cwd: Path | None = None) -> str:
    """Run *argv*, give it *feed* as input and return what it wrote; raise Unfinished when it fails."""
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words, input=feed, capture_output=True, text=True, errors="replace", timeout=timeout, check=False, cwd=cwd
        )
    except FileNotFoundError:
        raise Unfinished(
            _("{program} is not installed").format(program=words[0]), hint=_("see wizara lab doctor")
        ) from None
    except subprocess.TimeoutExpired:
        raise Unfinished(
            _("{program} did not end within {seconds:.0f} s").format(program=words[0], seconds=timeout)
        ) from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise Unfinished(_("{program} failed: {said}").format(program=" ".join(words[:3]), said=" / ".join(said)))
    return done.stdout


def succeeds(argv: Sequence[str | Path], timeout: float = 20) -> bool:
    """Tell whether *argv* runs and ends well."""
    try:
        done = subprocess.run([str(word) for word in argv], capture_output=True, timeout=timeout, check=False)
    except (FileNotFoundError, PermissionError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
