"""``wizara drift``: what on the nodes is no longer as declared, apart from what somebody has accepted for a time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wizara.cli.options import json_option, lab_option, limit_option, ministry_argument, runs_option
from wizara.errors import ExitCode, worst
from wizara.text import _, ngettext

if TYPE_CHECKING:
    from wizara.audit.exceptions import Exemption
    from wizara.record.drift import Deviation, DriftResult, NodeDrift
    from wizara.record.progress import PlannedChange
    from wizara.record.provision import NodeOutcome, ProvisionResult


@click.command()
@ministry_argument
@lab_option
@limit_option
@click.option("--no-diff", is_flag=True, help="List deviations without their text.")
@json_option
@runs_option
def command(ministry: str, lab: str | None, limit: tuple[str, ...], no_diff: bool, as_json: bool, runs: str) -> int:
    """Tell what on the nodes of MINISTRY is no longer as declared. Exit code 4 for what nobody has accepted.

    An acceptance stands in exceptions.yaml: the deviation's fingerprint, a reason, an owner, and the last day it holds.
    """
    from wizara.audit.exceptions import read_exemptions
    from wizara.cli.provision import Provision, world_line
    from wizara.cli.world import chosen, scene

    found = scene(ministry, lab)
    accepted = read_exemptions(found.folder / "exceptions.yaml")
    world_line(found, "drift")
    planned = Provision(found, "drift", chosen(found.ministry, limit), Path(runs)).run()
    result = judged(planned, accepted, datetime.now(UTC).date())
    if as_json:
        print(result.model_dump_json(indent=2))
    else:
        _show(result, diff=not no_diff)
    return result.exit_code


def judged(planned: ProvisionResult, accepted: tuple[Exemption, ...], day: date) -> DriftResult:
    """Return what *planned* means, once what is *accepted* on *day* is set apart."""
    from wizara.record.drift import DriftResult

    nodes = tuple(_node(one, accepted, day) for one in planned.nodes)
    code = worst(ExitCode(one.exit_code) for one in nodes)
    return DriftResult(run=planned.run, world=planned.world, ministry=planned.ministry, exit_code=code, nodes=nodes)


def _node(one: NodeOutcome, accepted: tuple[Exemption, ...], day: date) -> NodeDrift:
    from wizara.record.drift import NodeDrift

    deviations = tuple(_deviation(one.node, change, accepted, day) for change in one.changes)
    standing = any(each.status != "accepted" for each in deviations)
    code = ExitCode.DONE if one.exit_code == ExitCode.PENDING and not standing else one.exit_code
    return NodeDrift(node=one.node, outcome=one.outcome, exit_code=code, message=one.message, deviations=deviations)


def _deviation(node: str, change: PlannedChange, accepted: tuple[Exemption, ...], day: date) -> Deviation:
    from wizara.record.drift import Deviation, fingerprint

    mark = fingerprint(node, change)
    covers = [one for one in accepted if mark.startswith(one.fingerprint) and one.accepted <= day]
    until = max((one.expires for one in covers), default=None)
    if until is None:
        return Deviation(fingerprint=mark, status="new", change=change)
    status = "accepted" if day <= until else "expired"
    return Deviation(fingerprint=mark, status=status, until=until.isoformat(), change=change)


def _show(result: DriftResult, *, diff: bool) -> None:
    from wizara.cli.provision import outcome_words, safe

    for node in result.nodes:
        count = len(node.deviations)
        deviations = ngettext("{count} deviation", "{count} deviations", count).format(count=count)
        words = outcome_words(node.outcome) if node.outcome != "pending" else deviations
        print(f"{node.node}: {words}" + (f" — {safe(node.message)}" if node.message else ""))
        for one in node.deviations:
            note = f" ({safe(one.change.note)})" if one.change.note else ""
            print(
                f"  {one.fingerprint[:12]} {one.change.kind} {one.change.operation} {safe(one.change.subject)}{note}{_status(one)}"
            )
            for line in one.change.diff if diff else ():
                print(f"      {safe(line)}")


def _status(one: Deviation) -> str:
    if one.status == "new":
        return ""
    words = _(" — accepted until {day}") if one.status == "accepted" else _(" — its acceptance ended on {day}")
    return words.format(day=one.until)
