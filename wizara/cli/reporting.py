"""What ``wizara report`` does: a run folder in, one file for each language and format out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import BaseModel

from wizara.errors import UsageFault
from wizara.record.folder import RunFolder
from wizara.report import proof_data, proofs
from wizara.report.build import build
from wizara.report.cables import sheets
from wizara.report.case import AUDIT, VERDICTS, VERIFICATION, Case, Proofs, read_case, read_proofs
from wizara.report.data import data
from wizara.report.document import Document
from wizara.report.html import html
from wizara.report.pdf import pdf
from wizara.report.sarif import sarif
from wizara.report.tables import table
from wizara.text import _


def write(
    runs: Path, run: str, languages: tuple[str, ...], formats: tuple[str, ...], out: Path | None
) -> Iterator[Path]:
    """Write the reports of *run* and yield their paths; their owner alone can read them, for they are maps."""
    folder = RunFolder.open(runs, _last(runs) if run == "last" else run)
    if folder.run.verb not in {"audit", "verify"}:
        message = _("{run} is neither an audit nor a verification, and only they have reports").format(
            run=folder.run.id
        )
        raise UsageFault(message)
    if folder.run.verb == "audit" and not folder.holds(VERDICTS):
        raise UsageFault(
            _("the audit {run} did not come to its verdicts").format(run=folder.run.id),
            hint=_("wizara audit with --resume {run} takes it up again").format(run=folder.run.id),
        )
    render = _audit(read_case(folder)) if folder.run.verb == "audit" else _verification(read_proofs(folder))
    target = out or folder.path
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for language in languages:
        for name, content in _rendered(render(language), formats):
            path = target / f"{folder.run.id}.{language}.{name}"
            _save(path, content)
            yield path


def _last(runs: Path) -> str:
    """Return the id of the newest audit or verification that came to its verdicts; ``last`` where there is none."""
    told = (path.parent for path in runs.glob(f"*/{VERDICTS}"))
    return max((one.name for one in told if (one / AUDIT).is_file() or (one / VERIFICATION).is_file()), default="last")


def interrupted(runs: Path) -> str | None:
    """Return the id of an audit under *runs* that was begun after the last one with verdicts, and never came to its own."""
    begun = {path.parent.name for path in runs.glob(f"*-audit-*/{AUDIT}") if not (path.parent / VERDICTS).is_file()}
    return max((name for name in begun if name > _last(runs) or _last(runs) == "last"), default=None)


@dataclass(frozen=True)
class _Report:
    """A run in one language, in the shapes that formats are made of."""

    document: Callable[[], Document]
    data: Callable[[], BaseModel]
    table: Callable[[], bytes]
    sarif: Callable[[], bytes]
    sheets: Callable[[], dict[str, bytes]] = dict
    """Further tables beside the CSV, by the end of their names."""


def _audit(case: Case) -> Callable[[str], _Report]:
    return lambda language: _Report(
        partial(build, case, language), partial(data, case, language), partial(table, case, language),
        partial(sarif, case, language), partial(sheets, case),
    )  # fmt: skip


def _verification(case: Proofs) -> Callable[[str], _Report]:
    return lambda language: _Report(
        partial(proofs.build, case, language),
        partial(proof_data.data, case, language),
        partial(proof_data.table, case, language),
        _no_sarif,
    )


def _no_sarif() -> bytes:
    raise UsageFault(_("sarif holds findings, and only audits have any"))


def _rendered(report: _Report, formats: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    document = report.document() if {"html", "pdf"} & set(formats) else None
    for name in formats:
        if name == "csv":
            yield name, report.table()
            yield from report.sheets().items()
        elif name == "sarif":
            yield name, report.sarif()
        elif name == "json":
            yield name, report.data().model_dump_json(indent=2, by_alias=True).encode() + b"\n"
        elif document:
            yield name, html(document) if name == "html" else pdf(document)


def _save(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.new")
    with open(temporary, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as target:
        target.write(content)
    temporary.replace(path)
