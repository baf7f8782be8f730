"""Runs one verb as a stage of a longer command: its progress is seen, its result is kept."""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click

from wizara.errors import ExitCode


@dataclass(frozen=True)
class Result:
    """How a stage ended."""

    verb: str
    code: int
    seconds: float
    output: str
    """What it printed as its result."""


def run(words: list[str], log: Path) -> Result:
    """Run ``wizara WORDS`` in this process; what it prints as its result is returned and kept in *log*."""
    from wizara.cli.main import VERBS

    command = importlib.import_module(f"wizara.cli.{VERBS[words[0]][0]}").command
    began = time.monotonic()
    kept = io.StringIO()
    # The verb asks nothing here, and is told so: a stage has no person in front of it.
    with contextlib.redirect_stdout(kept):
        code = command.main(args=words[1:], prog_name=f"wizara {words[0]}", standalone_mode=False)
    log.write_text(kept.getvalue())
    return Result(words[0], int(code or ExitCode.DONE), time.monotonic() - began, kept.getvalue())


def heading(number: int, total: int, words: list[str]) -> None:
    """Say which stage begins, as the command that a person would type."""
    line = f"▸ {number}/{total}  wizara {' '.join(words)}"
    click.echo(click.style(line, bold=sys.stderr.isatty()), err=True)
