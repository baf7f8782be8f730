"""What ``wizara report`` does: a run folder in, one file for each language and format out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from wizara.errors import UsageFault
from wizara.record.folder import RunFolder
from wizara.report.build import build
from wizara.report.case import VERDICTS, Case, read_case
from wizara.report.data import data
from wizara.report.html import html
from wizara.report.pdf import pdf
from wizara.report.tables import table
from wizara.text import _


def write(
    runs: Path, run: str, languages: tuple[str, ...], formats: tuple[str, ...], out: Path | None
) -> Iterator[Path]:
    """Write the reports of *run* and yield their paths; their owner alone can read them, for they are maps."""
    folder = RunFolder.open(runs, _last_audit(runs) if run == "last" else run)
    if folder.run.verb == "verify":
        message = _("{run} is a verification, and only audits have reports so far").format(run=folder.run.id)
        raise UsageFault(message, hint=_("its promises are in {path}").format(path=folder.path / "verify.json"))
    if folder.run.verb != "audit":
        raise UsageFault(_("{run} is no audit; reports are written of audits").format(run=folder.run.id))
    case = read_case(folder)
    target = out or folder.path
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for language in languages:
        for name, content in _rendered(case, language, formats):
            path = target / f"{folder.run.id}.{language}.{name}"
            _save(path, content)
            yield path


def _last_audit(runs: Path) -> str:
    """Return the id of the newest audit that came to its verdicts; ``last``, whatever that is, where there is none."""
    return max((path.parent.name for path in runs.glob(f"*-audit-*/{VERDICTS}")), default="last")


def _rendered(case: Case, language: str, formats: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    document = build(case, language) if {"html", "pdf"} & set(formats) else None
    for name in formats:
        if name == "csv":
            yield name, table(case, language)
        elif name == "json":
            yield name, data(case, language).model_dump_json(indent=2, by_alias=True).encode() + b"\n"
        elif document:
            yield name, html(document) if name == "html" else pdf(document)


def _save(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.new")
    with open(temporary, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as target:
        target.write(content)
    temporary.replace(path)
