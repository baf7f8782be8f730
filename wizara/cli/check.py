"""``wizara check``: reads an inventory and names every fault in it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wizara.cli.options import json_option, ministry_argument
from wizara.errors import ExitCode, InventoryFaults, UsageFault, WizaraError
from wizara.text import _, ngettext

if TYPE_CHECKING:
    from wizara.inventory.models import Ministry


@click.command()
@ministry_argument
@json_option
def command(ministry: str, as_json: bool) -> int:
    """Read the inventory MINISTRY and name every fault in it; nothing is contacted."""
    from wizara.inventory import resolve
    from wizara.inventory.notes import notes

    try:
        found = _understood(resolve(ministry))
    except UsageFault as fault:
        if not as_json:
            raise
        faults = fault.faults if isinstance(fault, InventoryFaults) else (fault,)
        click.echo(
            json.dumps({"valid": False, "faults": [_shape(one) for one in faults]}, ensure_ascii=False, indent=2)
        )
        return ExitCode.USAGE
    remarks = notes(found)
    if as_json:
        result = {"valid": True, "faults": [], "notes": list(remarks), **_size(found)}
        click.echo(json.dumps(result, ensure_ascii=False, indent=2))
        return ExitCode.DONE
    for remark in remarks:
        click.echo(_("note: {remark}").format(remark=remark), err=True)
    click.echo(_("{name}: {size}: no fault").format(name=found.name, size=_told(_size(found))))
    click.echo(_("next: wizara show {ministry}").format(ministry=_typed(ministry, found.name)), err=True)
    return ExitCode.DONE


def _understood(folder: Path) -> Ministry:
    """Return the ministry in *folder*, once whatever a run may read there was read; InventoryFaults with all that is wrong."""
    from wizara.audit.exceptions import read_exemptions
    from wizara.audit.mandate import read_mandate
    from wizara.inventory import load
    from wizara.lab.rehearsal import read as read_rehearsal

    found: list[Ministry] = []
    faults: list[WizaraError] = []
    beside: dict[str, Callable[[], object]] = {
        "exceptions.yaml": lambda: read_exemptions(folder / "exceptions.yaml"),
        "mandate.yaml": lambda: read_mandate(folder / "mandate.yaml"),
        "rehearsal.yaml": lambda: read_rehearsal(folder),
    }
    there = [read for name, read in beside.items() if os.path.lexists(folder / name)]
    for read in (lambda: found.append(load(folder)), *there):
        try:
            read()
        except InventoryFaults as several:
            faults.extend(several.faults)
        except UsageFault as fault:
            faults.append(fault)
    if faults:
        raise InventoryFaults(faults)
    return found[0]


def _typed(argument: str, name: str) -> str:
    """Return what names the ministry wherever one stands: its name where that leads to the same folder, else the folder."""
    from wizara.inventory import resolve

    folder = resolve(argument).resolve()
    try:
        return name if resolve(name).resolve() == folder else str(folder)
    except UsageFault:
        return str(folder)


def _told(size: dict[str, Any]) -> str:
    """Return how much is declared, in words."""
    counted = (
        (ngettext("{number} site", "{number} sites", size["sites"]), size["sites"]),
        (ngettext("{number} node", "{number} nodes", size["nodes"]), size["nodes"]),
        (ngettext("{number} person", "{number} people", size["people"]), size["people"]),
    )
    return ", ".join(words.format(number=number) for words, number in counted)


def _size(ministry: Any) -> dict[str, Any]:
    nodes = sum(1 for _node in ministry.nodes())
    people = len(ministry.declaration.people)
    return {"name": ministry.name, "sites": len(ministry.sites), "nodes": nodes, "people": people}


def _shape(fault: WizaraError) -> dict[str, Any]:
    place = fault.place
    where = {"file": place.file, "line": place.line, "column": place.column, "path": place.path} if place else None
    return {"place": where, "message": fault.message, "hint": fault.hint}
