"""Plans kept in files: written by plan, and applied only while nothing has moved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wizara import __version__
from wizara.errors import Refusal, UsageFault
from wizara.record.saved_plan import SavedNode, SavedPlan, digests
from wizara.text import _

if TYPE_CHECKING:
    from wizara.cli.provision import Provision
    from wizara.cli.world import Scene


def save(provision: Provision, run: str, path: Path) -> None:
    """Write what *provision* has planned to *path*; a node that could not be checked has no part in it."""
    found = provision.scene
    plan = SavedPlan(
        run=run,
        version=__version__,
        ministry=found.ministry.name,
        folder=str(found.folder.resolve()),
        world=str(found.world),
        lab=found.world.name,
        deploy=provision.deploy,
        files=_files(found),
        nodes={
            name: SavedNode(changes=line.changes, seen=line.seen)
            for name, line in provision.planned.items()
            if name not in provision.ended
        },
    )
    plan.write(path)


def refuse_stale_inventory(plan: SavedPlan, found: Scene) -> None:
    """Refuse before anything is contacted when wizara, or a file that the plan was made of, is not what it was."""
    moved = plan.moved_files(_files(found))
    if plan.version != __version__:
        moved = (f"wizara {plan.version} → {__version__}", *moved)
    if moved:
        raise _stale(", ".join(moved[:6]))


def refuse_stale_nodes(plan: SavedPlan, provision: Provision) -> None:
    """Refuse before anything is changed when a node is not what it was."""
    moved = [
        f"{node}: {', '.join(what[:6])}"
        for node, line in provision.planned.items()
        if node not in provision.ended and (what := plan.moved(line))
    ]
    if moved:
        raise _stale("; ".join(moved))


def world_of(plan: SavedPlan, lab: str | None) -> str | None:
    """Return the lab to act in; UsageFault when *lab* contradicts the plan."""
    if lab is not None and (lab or plan.ministry) != plan.lab:
        raise UsageFault(
            _("the plan was made for: {world}").format(world=plan.world), hint=_("leave --lab out: the plan knows it")
        )
    return plan.lab


def _files(found: Scene) -> dict[str, str]:
    return digests(found.folder, (found.enrolled, found.secrets))


def _stale(what: str) -> Refusal:
    return Refusal(
        _("the plan is stale: {what}").format(what=what), hint=_("nothing was changed; plan anew, and read it again")
    )
