"""``wizara apply``: brings the nodes to what is declared."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wizara.cli.options import json_option, lab_option, limit_option, ministry_argument, runs_option, yes_option
from wizara.errors import Interrupted, UsageFault
from wizara.text import _, ngettext

if TYPE_CHECKING:
    from wizara.cli.provision import Provision
    from wizara.cli.world import Scene
    from wizara.record.provision import ProvisionResult
    from wizara.record.saved_plan import SavedPlan


@dataclass(frozen=True)
class Order:
    """What a person asked for."""

    ministry: str
    """A ministry, or the file of a plan."""
    lab: str | None
    limit: tuple[str, ...]
    part: str
    console: bool
    accept_closing: tuple[str, ...]
    canary: tuple[str, ...]
    max_failures: int | None
    all_sites: bool
    yes: bool
    runs: Path


@click.command()
@ministry_argument
@lab_option
@limit_option
@click.option("--part", default="site", show_default=True, type=click.Choice(["site", "node", "names", "intranet", "mail"]),
              help="Only this part of what is declared.")  # fmt: skip
@click.option(
    "--console", is_flag=True, help="Somebody stands at the machines: no change of the way to them is taken back."
)
@click.option("--accept-closing", multiple=True, metavar="WHAT",
              help="On a used machine: what may be closed or replaced, as plan names it (tcp/5432, a path, ufw…).")  # fmt: skip
@click.option("--canary", multiple=True, metavar="NAMES",
              help="These nodes, sites or parts first; the others only when all of them came to their end.")  # fmt: skip
@click.option(
    "--max-failures", type=click.IntRange(min=0), metavar="N", help="Begin no other node once more than N have failed."
)
@click.option(
    "--all-sites", is_flag=True, help="With --yes: more than one site of the field may be changed in this run."
)
@yes_option
@json_option
@runs_option
def command(as_json: bool, runs: str, **words: Any) -> int:
    """Bring the nodes of MINISTRY to what is declared; a second apply changes nothing.

    MINISTRY may be a file that plan --out has written: exactly that is done then, or nothing when anything has moved.
    """
    from wizara.cli.provision import show
    from wizara.engine.setting import confirm_seconds

    confirm_seconds()  # the engine reads it too late: nodes have been contacted by then
    order = Order(runs=Path(runs), **words)
    if not order.yes and not sys.stdin.isatty():
        raise UsageFault(_("there is no terminal to ask on"), hint=_("--yes applies without asking"))
    result = _apply(order)
    show(result, as_json=as_json, diff=False)
    return result.exit_code


def _apply(order: Order) -> ProvisionResult:
    from wizara.cli.provision import Provision, interruptions, world_line
    from wizara.cli.saved import refuse_stale_inventory, refuse_stale_nodes
    from wizara.cli.world import canary_of, chosen

    plan = _saved(order)
    found = _scene(order, plan)
    world_line(found, "apply")
    interruptions(found, order.runs)
    if plan:
        if not plan.nodes:
            raise UsageFault(_("the plan is for no node: none could be checked"), hint=_("plan anew, once they answer"))
        refuse_stale_inventory(plan, found)

    def permit(provision: Provision) -> tuple[str, ...]:
        if plan:
            refuse_stale_nodes(plan, provision)
        _keep_used_machines(provision, order.accept_closing)
        return _confirmed(provision, yes=order.yes)

    nodes = tuple(plan.nodes) if plan else chosen(found.ministry, order.limit)
    _ask_for_all_sites(order, found, nodes)
    return Provision(
        found, "apply", nodes, order.runs, deploy=plan.deploy if plan else order.part, console=order.console,
        canary=canary_of(found.ministry, order.canary, nodes), max_failures=order.max_failures,
        # A brake that is asked for must know of those who cannot be checked before it lets anybody begin.
        at_once=order.yes and plan is None and not order.canary and order.max_failures is None,
    ).run(permit)  # fmt: skip


def _saved(order: Order) -> SavedPlan | None:
    from wizara.record.saved_plan import SavedPlan

    if not Path(order.ministry).is_file():
        return None
    if order.limit or order.part != "site":
        message, hint = _("the plan says what is applied"), _("leave --limit and --part out, or plan anew with them")
        raise UsageFault(message, hint=hint)
    return SavedPlan.read(Path(order.ministry))


def _scene(order: Order, plan: SavedPlan | None) -> Scene:
    from wizara.cli.saved import world_of
    from wizara.cli.world import scene

    return scene(plan.folder, world_of(plan, order.lab)) if plan else scene(order.ministry, order.lab)


def _ask_for_all_sites(order: Order, found: Scene, nodes: tuple[str, ...]) -> None:
    """Let nobody change a whole ministry of the field by a word too few."""
    sites = {site for site, name, _node in found.ministry.nodes() if name in nodes}
    if order.yes and not order.all_sites and not found.world.is_lab and len(sites) > 1:
        words = _("{count} sites would be changed at once: {sites}")
        message = words.format(count=len(sites), sites=", ".join(sorted(sites)))
        raise UsageFault(message, hint=_("--limit SITE, or --all-sites"))


def _keep_used_machines(provision: Provision, accepted: tuple[str, ...]) -> None:
    """Leave a machine with a life of its own alone until each thing that would end is accepted."""
    for node, line in provision.planned.items():
        words = {word for words in accepted for word in words.split(",")}
        left = [item.subject for item in line.standing if item.asks and item.subject not in words]
        if left and line.changes:
            message = _("a first run would close or replace: {what} — declare it, or accept it with --accept-closing")
            provision.refuse(node, message.format(what=", ".join(dict.fromkeys(left))))


def _confirmed(provision: Provision, *, yes: bool) -> tuple[str, ...]:
    from wizara.cli.provision import safe

    pending = provision.pending()
    if not pending or yes:
        return tuple(pending)
    for node, changes in pending.items():
        click.echo(f"{node}:", err=True)
        for change in changes:
            click.echo(f"  {change.kind} {change.operation} {change.subject} {safe(change.note)}", err=True)
    words = ngettext(
        "{world}: apply these changes on {count} node?", "{world}: apply these changes on {count} nodes?", len(pending)
    )
    question = words.format(world=provision.scene.world, count=len(pending))
    if not click.confirm(question, err=True):
        raise Interrupted(_("nothing was changed"))
    return tuple(pending)
