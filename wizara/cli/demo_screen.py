"""The one screen at the end of a demonstration: what was built, what is proven, what was found, and what to do next."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from wizara.cli.severities import counted
from wizara.errors import ExitCode
from wizara.text import _

if TYPE_CHECKING:
    from wizara.audit.cvss import Severity
    from wizara.cli.planted import Comparison
    from wizara.cli.stage import Result

_SEVERITIES: dict[Severity, str] = {
    "critical": "bold magenta",
    "high": "bold red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
}


@dataclass(frozen=True)
class Shown:
    """What there is to show."""

    results: Mapping[str, Result]
    """Verb → how its stage ended."""
    comparison: Comparison | None
    ministry: Path
    report: Path
    seconds: float

    def json_of(self, verb: str) -> dict[str, Any]:
        """Return what a stage printed as JSON."""
        loaded: dict[str, Any] = json.loads(self.results[verb].output)
        return loaded


def screen(demo: Shown, *, keep: bool) -> str:
    """Return the screen, coloured when standard output is a terminal."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for label, words in _rows(demo):
        table.add_row(label, words)
    for words in _next(demo, keep=keep):
        table.add_row(_("next"), words)
    minutes, seconds = divmod(round(demo.seconds), 60)
    title = _("wizara demo — ministry mps, rehearsed in {minutes} min {seconds} s").format(
        minutes=minutes, seconds=seconds
    )
    coloured = os.isatty(1) and not os.environ.get("NO_COLOR")
    console = Console(file=StringIO(), force_terminal=coloured, width=min(_width(), 110), highlight=False)
    console.print(Panel(table, title=title, padding=(1, 2)))
    printed: StringIO = console.file  # type: ignore[assignment]
    return printed.getvalue().rstrip()


def _width() -> int:
    try:
        return os.get_terminal_size().columns
    except OSError:
        return 110


def _rows(demo: Shown) -> list[tuple[str, Text]]:
    rows = []
    if "apply" in demo.results:
        nodes = demo.json_of("apply")["nodes"]
        changes = sum(len(one["changes"]) for one in nodes)
        words = _("{nodes} machines, {changes} changes, in {seconds:.0f} s: {names}")
        names = ", ".join(one["node"] for one in nodes)
        rows.append(
            (
                _("built"),
                Text(
                    words.format(nodes=len(nodes), changes=changes, seconds=demo.results["apply"].seconds, names=names)
                ),
            )
        )
    if "verify" in demo.results:
        rows.append((_("proofs"), _proofs(demo.json_of("verify")["counts"])))
    if "audit" in demo.results:
        rows.append((_("findings"), _findings(demo.json_of("audit")["counts"])))
    if demo.comparison:
        found = len(demo.comparison.planted) - len(demo.comparison.missed)
        words = _("{found} of {planted} planted weaknesses found, {invented} invented on sound machines")
        numbers = {"found": found, "planted": len(demo.comparison.planted), "invented": len(demo.comparison.invented)}
        rows.append(("", Text(words.format(**numbers), style="green" if demo.comparison.as_planted else "red")))
    if "report" in demo.results and demo.results["report"].code == ExitCode.DONE:
        rows.append((_("report"), Text(f"{demo.report}/  (fr, en, ar: html, pdf, csv, json)")))
    failed = [one for one in demo.results.values() if one.code not in {ExitCode.DONE, ExitCode.PENDING}]
    rows += [(_("failed"), Text(f"wizara {one.verb} → {one.code}", style="bold red")) for one in failed]
    return rows


def _proofs(counts: dict[str, int]) -> Text:
    words = Text()
    for outcome, style, name in (
        ("holds", "green", _("green")),
        ("broken", "bold red", _("red")),
        ("unknown", "yellow", _("unknown")),
    ):
        words.append(f"{counts.get(outcome, 0)} {name}  ", style=style)
    return words


def _findings(counts: Mapping[Severity, int]) -> Text:
    words = Text()
    for severity, style in _SEVERITIES.items():
        if counts.get(severity):
            words.append(f"{counted(severity, counts[severity])}  ", style=style)
    return words


def _next(demo: Shown, *, keep: bool) -> list[Text]:
    if keep:
        return [
            Text(
                f"wizara lab shell mail1 --name demo    wizara plan {demo.ministry} --lab demo    wizara lab down --name demo"
            )
        ]
    return [Text(_("wizara init my-ministry    — then docs/en/first-site.md leads to your own first site"))]
