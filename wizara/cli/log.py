"""``wizara log``: who did what, where and when; and whether anybody has touched that record since."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wizara.cli.options import Commands, json_option, lab_option, runs_option
from wizara.errors import ExitCode
from wizara.text import _, ngettext

if TYPE_CHECKING:
    from wizara.engine.heads import Witnesses
    from wizara.record.journal import Entry
    from wizara.record.run import Head


@click.group(cls=Commands, invoke_without_command=True)
@click.option("--node", "nodes", multiple=True, metavar="NODE", help="Only what befell this node (repeatable).")
@click.option("--run", "run", metavar="RUN", help="Only this run.")
@click.option("--last", default=50, show_default=True, metavar="N", help="The newest N entries; 0 for all.")
@json_option
@runs_option
@click.pass_context
def command(
    context: click.Context, nodes: tuple[str, ...], run: str | None, last: int, as_json: bool, runs: str
) -> int | None:
    """Show the journal: who did what, where and when."""
    if context.invoked_subcommand:
        return None
    from wizara.record.journal import Journal

    with Journal.reading(Path(runs)) as journal:
        chosen = [one for one in journal.entries() if (not nodes or one.node in nodes) and (not run or one.run == run)]
    for entry in chosen[-last:] if last else chosen:
        if as_json:
            print(json.dumps({**entry.model_dump(exclude={"body"}), "body": entry.told}, ensure_ascii=False))
        elif entry.run:
            print(_line(entry))
    return ExitCode.DONE


@command.command()
@click.argument("ministry", required=False)
@lab_option
@json_option
@runs_option
def verify(ministry: str | None, lab: str | None, as_json: bool, runs: str) -> int:
    """Prove that nothing in the journal was edited, dropped, moved or cut off.

    The chain itself is checked, and what each run of the folder saw of it; with MINISTRY also what its nodes have kept,
    which nobody can mend who has only the controller. A node that lost what the journal says it was left is told as well.
    """
    from wizara.record.journal import Journal

    asked = _asked(ministry, lab) if ministry else None
    heads, silent = (asked.witnesses.heads, asked.witnesses.silent) if asked else ((), {})
    with Journal.reading(Path(runs)) as journal:
        damaged: list[str] = []
        faults = journal.faults(heads, _seen_by_runs(Path(runs), damaged.append))
        faults += tuple(damaged)
        if asked:
            faults += journal.forgotten(asked.witnesses.machines, heads, asked.world, asked.ministry)
        count, seen = sum(1 for _entry in journal.entries()), sum(head.journal == journal.name for head in heads)
    if as_json:
        print(
            json.dumps(
                {"entries": count, "witnesses": seen, "silent": silent, "faults": faults}, indent=2, ensure_ascii=False
            )
        )
    else:
        for fault in faults:
            print(fault)
        for node, why in silent.items():
            print(_("{node} could not be asked: {why}").format(node=node, why=why), file=sys.stderr)
        print(_verdict(count, seen if ministry else None) if not faults else _("the journal is not whole"))
    if faults:
        return ExitCode.PENDING
    return ExitCode.UNREACHABLE if silent else ExitCode.DONE


def _verdict(count: int, seen: int | None) -> str:
    """Return what is said of a whole journal of *count* entries, which *seen* nodes have seen; None when none was asked."""
    words = ngettext("the journal is whole: {count} entry", "the journal is whole: {count} entries", count)
    if seen is None:
        by = _("; no node was asked (wizara log verify MINISTRY asks them)")
    else:
        by = ngettext(", {number} node has seen it", ", {number} nodes have seen it", seen).format(number=seen)
    return words.format(count=count) + by


@dataclass(frozen=True)
class _Asked:
    """The nodes of a ministry in a world, and what they have kept."""

    world: str
    ministry: str
    witnesses: Witnesses


def _asked(ministry: str, lab: str | None) -> _Asked:
    from wizara.cli.provision import world_line
    from wizara.cli.world import scene
    from wizara.engine.heads import heads_of

    found = scene(ministry, lab)
    world_line(found, "log verify")
    met = [name for _site, name, _node in found.ministry.nodes() if name in found.ministry.enrolled.nodes]
    witnesses = heads_of(found.ministry, met, found.world.namespace, found.ssh_key)
    return _Asked(str(found.world), found.ministry.name, witnesses)


def _seen_by_runs(runs: Path, damaged: Callable[[str], None]) -> Iterator[Head]:
    from wizara.record.folder import recorded

    return (run.head for run in recorded(runs, damaged) if run.head)


def _line(entry: Entry) -> str:
    from wizara.cli.provision import safe

    moment = entry.time[:19].replace("T", " ")
    return safe(f"{moment}  {entry.run}  {entry.node or '-'}  {_words(entry)}")


def _words(entry: Entry) -> str:
    told = entry.told
    if entry.kind == "run":
        words = _("{operator}@{host} begins {verb} of {ministry} in {world}")
        return words.format(**{"host": "?", **{key: value for key, value in told.items() if isinstance(value, str)}})
    if entry.kind == "intent":
        count = len(told.get("steps", ()))
        return ngettext("{count} step is going to change it", "{count} steps are going to change it", count).format(
            count=count
        )
    if entry.kind == "step":
        return f"{told.get('number')} {told.get('name')}: {_changes(told) or _('nothing was left to change')}"
    if entry.kind == "node":
        return (
            _("done") if told.get("outcome") == "done" else _("failed: {message}").format(message=told.get("message"))
        )
    if entry.kind == "end":
        return _("ended with exit code {code}").format(code=told.get("exit_code"))
    return entry.kind


def _changes(told: dict[str, object]) -> str:
    changes = told.get("changes")
    return ", ".join(f"{one['kind']} {one['subject']}" for one in changes) if isinstance(changes, list) else ""
