"""``wizara restore-original``: puts back a file as it was before wizara first replaced it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from wizara.cli.options import lab_option, ministry_argument, yes_option
from wizara.errors import ExitCode, Interrupted, UsageFault
from wizara.text import _

if TYPE_CHECKING:
    from wizara.engine.originals import Original


@click.command()
@ministry_argument
@click.argument("node")
@click.argument("path", required=False)
@lab_option
@yes_option
def command(ministry: str, node: str, path: str | None, lab: str | None, yes: bool) -> int:
    """Put PATH of NODE back as it was before wizara first replaced it; without PATH, list what can be put back.

    Units are not restarted, and the next apply writes what is declared again.
    """
    from wizara.cli.provision import safe, world_line
    from wizara.cli.world import refuse_unenrolled, scene
    from wizara.engine import PROVISIONER
    from wizara.engine.originals import find, originals, restore
    from wizara.engine.reach import HostKey, Login, Machine

    found = scene(ministry, lab)
    nodes = {name: declared for _site, name, declared in found.ministry.nodes()}
    if node not in nodes:
        raise UsageFault(_("no node '{node}'").format(node=node), hint=", ".join(nodes))
    if path is not None and not yes and not sys.stdin.isatty():
        raise UsageFault(_("there is no terminal to ask on"), hint=_("--yes does it without asking"))
    refuse_unenrolled(found.ministry, (node,))
    world_line(found, "restore-original")
    pinned = HostKey.parse(found.ministry.enrolled.nodes[node].host_key)
    with Machine(str(nodes[node].manage), namespace=found.world.namespace) as machine:
        machine.log_in(Login(PROVISIONER, found.ssh_key), pinned)
        kept = originals(machine)
        if path is None:
            for one in kept:
                print(f"{safe(one.path)}  {_existed(one)}  {one.run}")
            return ExitCode.DONE
        original = find(kept, path, node)
        question = _("{world}: {node}: put {path} back ({state})?")
        words = question.format(world=found.world, node=node, path=safe(path), state=_existed(original))
        if not yes and not click.confirm(words, err=True):
            raise Interrupted(_("nothing was changed"))
        print(f"{node}: {safe(path)}: {_told(restore(machine, original))}")
    return ExitCode.DONE


def _existed(original: Original) -> str:
    return _("the original is kept") if original.existed else _("nothing stood there")


def _told(outcome: str) -> str:
    return {
        "restored": _("put back as it was"),
        "removed": _("removed, for nothing stood there"),
        "same": _("is as it was; nothing changed"),
    }[outcome]
