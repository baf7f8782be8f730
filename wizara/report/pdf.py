"""The report as a PDF, by typst: no system fonts, no network, and the same run always gives the same file."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path

from wizara.errors import Unfinished
from wizara.report.document import Document
from wizara.report.fonts import FOLDER
from wizara.text import _
from wizara.tree import template_folder

_UNBROKEN = re.compile(r"\S{24}(?=\S)")


def pdf(document: Document) -> bytes:
    """Return the pages. Values travel as JSON strings, so nothing in them is read as typst markup."""
    import typst  # noqa: PLC0415 - 80 MB that only this renderer needs

    with tempfile.TemporaryDirectory(prefix="wizara-report-") as name:
        folder = Path(name)
        shutil.copy(template_folder() / "report" / "report.typ", folder)
        content = document.model_dump(mode="json")
        (folder / "document.json").write_text(json.dumps(_breakable(content), ensure_ascii=False), encoding="utf-8")
        try:
            made = typst.compile(
                folder / "report.typ",
                root=folder,
                font_paths=[FOLDER],
                ignore_system_fonts=True,
                format="pdf",
                timestamp=document.timestamp,
            )
        except typst.TypstError as fault:
            raise Unfinished(_("typst could not lay out the report: {fault}").format(fault=fault)) from None
    return bytes(made)


def _breakable(value: object) -> object:
    """Let runs of evidence longer than a line break (zero-width space each 24 characters); drawings are left alone."""
    if isinstance(value, dict):
        return {key: one if key in {"svg", "id", "run", "cvss"} else _breakable(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_breakable(one) for one in value]
    return _UNBROKEN.sub(lambda run: run[0] + "\u200b", value) if isinstance(value, str) and len(value) > 60 else value
