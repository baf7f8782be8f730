"""``wizara lab``: the ministry as machines on this computer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wizara.cli.options import Commands, json_option, ministry_argument
from wizara.errors import ExitCode, Refusal, UsageFault, WizaraError
from wizara.text import N_, _, ngettext

if TYPE_CHECKING:
    from wizara.lab import Lab

_STEPS = {
    "build": N_("building its Debian tree"),
    "networks": N_("networks"),
    "boot": N_("boots"),
    "hosts": N_("hosts of the LANs"),
    "ready": N_("answers"),
}
name_option = click.option("--name", help="Name of the lab (default: the ministry's, or the only one that is up).")


@click.group(cls=Commands)
def command() -> None:
    """Boot the ministry's own inventory as machines and networks on this computer."""


@command.command()
@ministry_argument
@click.option("--name", help="Name of the lab (default: the ministry's).")
def up(ministry: str, name: str | None) -> int:
    """Bring MINISTRY up as a lab; what an interruption leaves is cleared away."""
    from wizara.cli.progress import Board
    from wizara.inventory import load, resolve

    folder = resolve(ministry)
    declared = load(folder)
    _be_able()
    from wizara.lab import ownership, rehearsal, rise, roots

    rehearsed = rehearsal.read(folder)
    _checked(declared.name if name is None else name)
    estimate = roots.fetch_estimate()
    if estimate:
        click.echo(_("about {megabytes} MB to fetch").format(megabytes=max(1, estimate // 1_000_000)), err=True)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    try:
        with Board() as board:
            lab = rise(
                declared,
                rehearsed,
                declared.name if name is None else name,
                lambda who, what: board.step(who, _(_STEPS[what]), done=what == "ready"),
            )
    finally:
        ownership.give_back()
    click.echo(
        _("lab {name} is up: {size}").format(name=lab.name, size=_size(len(lab.kept.machines), len(lab.kept.hosts)))
    )
    click.echo(_("next: wizara enrol {ministry} --lab {name}").format(ministry=ministry, name=lab.name), err=True)
    return ExitCode.DONE


@command.command()
@click.argument("ministry", required=False)
@name_option
def down(ministry: str | None, name: str | None) -> int:
    """End a lab, also one that was broken off; nothing of it stays."""
    _be_root()
    from wizara.lab import leftovers, remnants

    chosen = name or _named(ministry) or _only()
    _checked(chosen)
    if not remnants(chosen):
        click.echo(_("lab {name} is not up").format(name=chosen))
        return ExitCode.DONE
    leftovers.clear(chosen)
    click.echo(_("lab {name} is down").format(name=chosen))
    return ExitCode.DONE


@command.command()
@name_option
@json_option
def status(name: str | None, as_json: bool) -> int:
    """Tell which labs are up, and how their machines are."""
    _be_root()
    known = _known()
    if name and name not in known:
        raise Refusal(
            _("there is no lab {name}").format(name=name),
            hint=_("known: {names}").format(names=", ".join(known)) if known else None,
        )
    found = [_state(one) for one in ([name] if name else known)]
    if as_json:
        click.echo(json.dumps({"labs": found}, indent=2))
        return ExitCode.DONE
    if not found:
        click.echo(_("no lab is up"))
    for one in found:
        click.echo(f"{one['name']}: {_('up') if one['up'] else _('incomplete: wizara lab down clears it')}")
        for machine, running in one["machines"].items():  # type: ignore[attr-defined]
            click.echo(f"  {machine:20} {_('running') if running else _('not running')}")
    return ExitCode.DONE


@command.command()
@click.argument("where", metavar="NODE")
@name_option
def shell(where: str, name: str | None) -> int:
    """Open a shell as root on NODE, or in the namespace of a host or of the operator."""
    lab = _lab(name)
    # A place of the lab's own has this computer's files: its own shell stays.
    program = ["bash", "-l"] if where in lab.kept.machines else [os.environ.get("SHELL", "bash")]
    return subprocess.run(lab.command(where, program), env=lab.environment(where), check=False).returncode


@command.command(name="exec", context_settings={"ignore_unknown_options": True})
@click.argument("where")
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD…")
@name_option
def execute(where: str, argv: tuple[str, ...], name: str | None) -> int:
    """Run a command as root at WHERE; its exit code is this one's."""
    lab = _lab(name)
    return subprocess.run(lab.command(where, argv), env=lab.environment(where), check=False).returncode


@command.command()
@ministry_argument
@json_option
def doctor(ministry: str, as_json: bool) -> int:
    """Try what this computer can do for a lab of MINISTRY, and say what will be used."""
    from wizara.inventory import load, resolve

    declared = load(resolve(ministry))
    _be_root()
    from wizara.lab import doctor as examination

    kinds = (*sorted({node.release for _site, _name, node in declared.nodes()}), "hosts")
    checks = examination.examine(kinds)
    broken = [check for check in checks if check.needed and not check.holds]
    if as_json:
        shape = [
            {"name": check.name, "holds": check.holds, "needed": check.needed, "meaning": check.meaning}
            for check in checks
        ]
        click.echo(json.dumps({"checks": shape, "dropins": examination.dropins()}, ensure_ascii=False, indent=2))
        return ExitCode.REFUSED if broken else ExitCode.DONE
    for check in checks:
        mark = _("yes") if check.holds else _("no")
        click.echo(f"{check.name:32} {mark:5} {check.meaning}")
    for path in examination.dropins():
        click.echo(_("differs from the field: {path}").format(path=path))
    if broken:
        click.echo(
            _("no lab can come up here: {checks}").format(checks=", ".join(check.name for check in broken)), err=True
        )
    return ExitCode.REFUSED if broken else ExitCode.DONE


def _be_root() -> None:
    from wizara.cli.world import be_root

    be_root()


def _be_able() -> None:
    """Become root and, where systemd rules the control groups, a process that may make its own."""
    _be_root()
    if Path("/run/systemd/system").is_dir() and "WIZARA_SCOPE" not in os.environ:
        os.environ["WIZARA_SCOPE"] = "1"
        scope = ["systemd-run", "--scope", "--quiet", "-p", "Delegate=yes", "--"]
        os.execvp(scope[0], [*scope, sys.executable, "-m", "wizara", *sys.argv[1:]])  # noqa: S606 - wizara again, in a scope


def _checked(name: str) -> None:
    """Refuse a name that would not go into a namespace's."""
    from pydantic import TypeAdapter, ValidationError

    from wizara.inventory.types import Name

    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError as fault:
        raise UsageFault(f"--name: {fault.errors()[0]['msg']}") from None


def _named(ministry: str | None) -> str | None:
    if ministry is None:
        return None
    from wizara.inventory import load, resolve

    folder = resolve(ministry)
    try:
        return load(folder).name
    except WizaraError:  # an inventory that broke meanwhile must not keep its lab up
        return folder.resolve().name


def _known() -> list[str]:
    from wizara.lab import namespace, state

    of_folders = {path.name for path in state.labs().iterdir()} if state.labs().is_dir() else set()
    return sorted(of_folders | namespace.labs())


def _only() -> str:
    known = _known()
    if len(known) != 1:
        raise Refusal(
            _("no lab is up") if not known else _("several labs are up: {names}").format(names=", ".join(known)),
            hint=_("wizara lab up MINISTRY brings one up") if not known else _("choose one with --name"),
        )
    return known[0]


def _lab(name: str | None) -> Lab:
    _be_root()
    from wizara.lab import find

    chosen = name or _only()
    _checked(chosen)
    return find(chosen)


def _state(name: str) -> dict[str, object]:
    from wizara.lab import find

    try:
        lab = find(name)
    except Refusal:
        return {"name": name, "up": False, "machines": {}}
    return {
        "name": name,
        "up": True,
        "ministry": lab.kept.ministry,
        "machines": {node: lab.runs(node) for node in lab.kept.machines},
    }


def _size(nodes: int, hosts: int) -> str:
    counted = (
        (ngettext("{number} node", "{number} nodes", nodes), nodes),
        (ngettext("{number} host", "{number} hosts", hosts), hosts),
    )
    return ", ".join(words.format(number=number) for words, number in counted)
