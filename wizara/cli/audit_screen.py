"""What an audit says on a terminal: from where it looks, what it meets, and what it found."""

from __future__ import annotations

import os
import shlex
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wizara.audit.untrusted import harmless
from wizara.cli.severities import summed, word
from wizara.text import _, language, ngettext

if TYPE_CHECKING:
    from wizara.audit.observation import Observation
    from wizara.cli.auditing import Audited, Prepared
    from wizara.report.data import FindingData

_COLOURS = {"critical": "magenta", "high": "red", "medium": "yellow", "low": "blue", "info": "white"}


def say_order(prepared: Prepared) -> None:
    """Say which world is looked at and under whose mandate, and when that does not name who is at the keyboard."""
    click.echo(_("world: {world}").format(world=prepared.world if prepared.world.is_lab else _("field")), err=True)
    mandate, who = prepared.record.mandate, prepared.folder.run.operator
    if mandate is None:
        return
    words = _("mandate: {reference}, {commissioner}")
    click.echo(words.format(reference=mandate.reference, commissioner=mandate.commissioner), err=True)
    if who not in mandate.operators and not prepared.world.is_lab:
        words = ngettext(
            "the mandate names {names} as operator, and you are {who}: the report will show both",
            "the mandate names {names} as operators, and you are {who}: the report will show both",
            len(mandate.operators),
        )
        click.echo(words.format(names=", ".join(mandate.operators), who=who), err=True)


def say_from_where(prepared: Prepared) -> None:
    """One line for the pace, for each place that is looked from, and for what cannot be looked at."""
    pace = prepared.record.pace
    gently = _("profile: {name}, at most {lan} frames a second to a LAN and {host} to a host")
    click.echo(gently.format(name=pace.name, lan=pace.lan_per_second, host=pace.host_per_second), err=True)
    for view in prepared.record.views:
        where = _("{node}, over SSH").format(node=view.vantage) if view.station else _here(view.vantage)
        networks = ", ".join(map(str, view.networks))
        click.echo(_("looking from {place}: {networks}").format(place=where, networks=networks), err=True)
    for words in prepared.beyond:
        click.echo(words, err=True)
    if prepared.unseen:
        words = _("not looked at, for this computer is not attached and no met node with vantage: true is: {networks}")
        click.echo(words.format(networks=", ".join(map(str, prepared.unseen))), err=True)


def _here(vantage: str) -> str:
    """Return the words for this computer, and the LAN it is plugged into where that was named."""
    here, apart, lan = vantage.partition(" · ")
    return f"{_(here)}{apart}{lan}"


def tell(seen: Observation) -> None:
    """One plain line for each thing that takes time."""
    if seen.kind == "sweep" and seen.flag("on_link"):
        living = seen.number("living") or 0
        click.echo(
            ngettext("{network}: {living} machine answered", "{network}: {living} machines answered", living).format(
                network=seen.text("network"), living=living
            ),
            err=True,
        )
        if living > (room := _neighbours()):
            words = _(
                "more machines than this computer's table of neighbours has room for ({room}): some will seem silent; mend: {command}"
            )
            command = f"sysctl -w net.ipv4.neigh.default.gc_thresh3={2 * living}"
            click.echo(words.format(room=room, command=command), err=True)
    elif seen.kind == "ports" and seen.data.get("open"):
        click.echo(_("{address}: open {ports}").format(address=seen.target.ip, ports=seen.data["open"]), err=True)


def _neighbours() -> int:
    """Return how many machines the kernel keeps the cards of, in all its network namespaces together."""
    try:
        return int(Path("/proc/sys/net/ipv4/neigh/default/gc_thresh3").read_text())
    except (OSError, ValueError):  # a namespace of its own does not show it
        return 1024


def show(done: Audited) -> None:
    """Tell the findings, worst first, and how they stand beside the audit before."""
    for finding in done.findings:
        accepted = _(" (accepted risk)") if finding.status == "accepted" else ""
        click.echo(heading(finding))
        click.echo(f"          {finding.title}{accepted}\n          {finding.seen}")
    _show_past(done)
    for fault in done.faults:
        click.echo(_("not seen to the end: {fault}").format(fault=harmless(str(fault))), err=True)
    click.echo(
        _("findings: {counts}; proven: {proofs}; not known: {unknown}").format(
            counts=summed(done.counts), proofs=done.proofs, unknown=done.unknown
        )
    )
    click.echo(_("record: {folder}").format(folder=done.folder), err=True)
    kept = done.folder.parent
    beside = "" if Path("runs").resolve() == kept.resolve() else f" --runs {shlex.quote(str(kept))}"
    command = f"wizara report last --lang fr,en,ar --format html,pdf{beside}"
    click.echo(_("next: {command}").format(command=command), err=True)


def _show_past(done: Audited) -> None:
    """Count what an earlier audit found beside this one; what was not seen is told, for it may still be there."""
    statuses: list[str] = [one.status for one in done.case.findings]
    statuses += [one.status for one in done.case.verdicts.past if not one.earlier]
    if done.compared:
        from wizara.report.progress import beside
        from wizara.report.words import Words

        told = beside(Counter(statuses), Words(language()))
        click.echo(_("beside the audit before: {told}").format(told=told))


def heading(finding: FindingData) -> str:
    """Return the line that a finding begins with: how severe, which, where."""
    subject = finding.subject
    where = " ".join(part for part in (subject.name, subject.ip or "", subject.service or "") if part)
    colour = _COLOURS[finding.severity] if _colours() else None
    return f"{click.style(f'{word(finding.severity):<8}', fg=colour)}  {finding.id}  {where}"


def _colours() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
