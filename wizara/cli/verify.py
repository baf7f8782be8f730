"""``wizara verify``: prove that what the ministry declares holds, and say what could not be proven."""

from __future__ import annotations

import sys
import time
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wizara.cli.options import json_option, lab_option, limit_option, ministry_argument, runs_option
from wizara.text import _

if TYPE_CHECKING:
    from wizara.cli.verifying import VerifySummary
    from wizara.report.proof_data import PromiseData

_MANY = 12
_COLOURS = {"holds": "green", "broken": "red", "unknown": "yellow"}


@click.command()
@ministry_argument
@lab_option
@limit_option
@click.option("--explain", is_flag=True, help="Say of each promise what it proves and what it does not.")
@json_option
@runs_option
def command(ministry: str, lab: str | None, limit: tuple[str, ...], explain: bool, as_json: bool, runs: str) -> int:
    """Prove that what MINISTRY declares holds; a promise that cannot be tested from here is unknown, never green."""
    from wizara.cli.provision import world_line
    from wizara.cli.verifying import Order, verify
    from wizara.cli.world import chosen, scene

    found = scene(ministry, lab)
    world_line(found, "verify")
    began = time.monotonic()

    def progress(who: str, what: str) -> None:
        click.echo(f"[{time.monotonic() - began:6.1f}s] {who}: {_(what)}", err=True)

    result = verify(Order(found, chosen(found.ministry, limit), Path(runs)), progress)
    if as_json:
        click.echo(result.model_dump_json(indent=2))
    else:
        headquarters = next((name for name, site in found.ministry.sites.items() if site.kind == "headquarters"), "")
        _show(result, headquarters, explain=explain)
    return result.exit_code


def _show(result: VerifySummary, headquarters: str, *, explain: bool) -> None:
    from wizara.report.proofs import TITLES

    for topic, promises in groupby(result.promises, lambda one: one.topic):
        click.echo(click.style(_(TITLES[topic]), bold=_colours() or None))
        for _rule, same in groupby(sorted(promises, key=lambda one: one.rule), lambda one: one.rule):
            _show_rule(tuple(same), explain=explain)
    counts = result.counts
    click.echo(
        _("promises: {holds} hold, {broken} broken, {unknown} not known").format(
            holds=counts["holds"], broken=counts["broken"], unknown=counts["unknown"]
        )
    )
    click.echo(_("record: {folder}").format(folder=result.folder), err=True)
    step = f"wizara plan {result.ministry}" if counts["broken"] else f"wizara audit {result.ministry} {headquarters}"
    lab = f" --lab {result.world.removeprefix('lab ')}" if result.world.startswith("lab ") else ""
    click.echo(_("next: {command}").format(command=step + lab), err=True)


def _show_rule(promises: tuple[PromiseData, ...], *, explain: bool) -> None:
    """Show one promise: a line for what holds, and one for each subject of which it does not."""
    first = promises[0]
    held = [one for one in promises if one.outcome == "holds"]
    if held:
        _line("holds", first, _names(held))
    for one in promises:
        if one.outcome == "broken":
            _line("broken", one, _name(one))
            click.echo(f"            {one.seen}")
    reasons = {one.reason: [two for two in promises if two.reason == one.reason] for one in promises if one.reason}
    for reason, names in reasons.items():
        _line("unknown", first, _names(names))
        click.echo(f"            {reason}")
    if explain:
        click.echo("            " + _("proves: {text}").format(text=first.proves))
        click.echo("            " + _("does not prove: {text}").format(text=first.does_not_prove))


def _line(outcome: str, one: PromiseData, names: str) -> None:
    words = {"holds": _("holds"), "broken": _("BROKEN"), "unknown": _("unknown")}[outcome]
    word = click.style(f"{words:<9}", fg=_COLOURS[outcome] if _colours() else None)
    click.echo(f"  {word} {one.rule}  {one.promise}: {names}")


def _names(promises: list[PromiseData]) -> str:
    """Return the subjects; those of one machine together where there are many."""
    if len(promises) <= _MANY:
        return ", ".join(map(_name, promises))
    counted = Counter(one.subject.name or one.subject.asset for one in promises)
    return ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in counted.items())


def _name(one: PromiseData) -> str:
    return " ".join(part for part in (one.subject.name or one.subject.asset, one.subject.service or "") if part)


def _colours() -> bool:
    import os

    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
