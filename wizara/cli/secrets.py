"""``wizara secrets``: makes the secrets that a ministry needs, shows and changes one, and encrypts all anew when people change."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wizara.cli.options import Commands, json_option, lab_option, ministry_argument
from wizara.errors import ExitCode, UsageFault
from wizara.place import did_you_mean
from wizara.text import _, ngettext

if TYPE_CHECKING:
    from wizara.inventory.models import Ministry
    from wizara.inventory.recipients import Record
    from wizara.inventory.rekey import Rekeying
    from wizara.inventory.secrets import Secret

identity_option = click.option(
    "--identity", type=click.Path(path_type=Path), help="Key that opens secrets: an age identity or ssh-ed25519."
)


@click.group(cls=Commands)
def command() -> None:
    """Make, show and change the secrets of a ministry, and say who can open them."""


@command.command()
@ministry_argument
@lab_option
@identity_option
@json_option
def generate(ministry: str, lab: str | None, identity: Path | None, as_json: bool) -> int:
    """Make the keys, certificates and passwords that are missing in MINISTRY; what is there stays as it is."""
    from wizara.inventory.generate import Generation

    found, base, key = _where(ministry, lab)
    generation = Generation(found, base, identity or key, _ask if sys.stdin.isatty() else None)
    generation.run(lambda path: None if as_json else click.echo(_("making {path}").format(path=path), err=True))
    if as_json:
        click.echo(json.dumps({"made": generation.made, "present": generation.present}, indent=2))
    else:
        made, present = len(generation.made), len(generation.present)
        words = ngettext("{count} secret made", "{count} secrets made", made).format(count=made)
        there = ngettext("{count} was there", "{count} were there", present).format(count=present)
        click.echo(f"{words}, {there}: {base / 'secrets'}")
    return ExitCode.DONE


@command.command()
@ministry_argument
@click.argument("name", required=False)
@lab_option
@identity_option
def show(ministry: str, name: str | None, lab: str | None, identity: Path | None) -> int:
    """Print the secret NAME (site/name) of MINISTRY; without NAME, list all names and how many recipients can open each."""
    from wizara.inventory.recipients import read_record
    from wizara.inventory.rekey import secret_names

    _ministry, base, key = _where(ministry, lab)
    if name is None:
        record = read_record(base / "secrets").recipients
        for one in secret_names(base / "secrets"):
            click.echo(f"{one}  {len(record[one])}" if one in record else f"{one}  ?")
        return ExitCode.DONE
    click.echo(_opened(base, name, identity or key).reveal(), nl=sys.stdout.isatty())
    return ExitCode.DONE


@command.command()
@ministry_argument
@click.argument("name")
@lab_option
@identity_option
@click.option("--stdin", "from_stdin", is_flag=True, help="Take the new text from standard input instead of an editor.")
def edit(ministry: str, name: str, lab: str | None, identity: Path | None, from_stdin: bool) -> int:
    """Change the secret NAME (site/name) of MINISTRY, in the editor of VISUAL or EDITOR; its text never touches a disk."""
    from wizara.cli.editing import edited
    from wizara.inventory.generate import Generation
    from wizara.inventory.recipients import read_record

    found, base, key = _where(ministry, lab)
    record = read_record(base / "secrets")
    before = _opened(base, name, identity or key).reveal()
    given = _given(name) if from_stdin else edited(before, name)
    if not given.strip():
        raise UsageFault(_("{name}: an empty secret is none").format(name=name), hint=_("nothing was written"))
    generation = Generation(found, base, identity or key)
    after = before if given == before else generation.taken(name, given)
    if after != before:
        record = _written(
            base / "secrets", name, after, record, renewed=generation.renews(name, before, after), to=found
        )
    generation.replaced(name, after)
    if after == before:
        click.echo(_("{name}: as it was; nothing was written").format(name=name), err=True)
        return ExitCode.DONE
    click.echo(_("{name}: changed; the next apply brings it to its nodes").format(name=name), err=True)
    if name in record.left or name in record.unrecorded:
        message = _(
            "{name}: a part of it is as it was, and known to who has left: wizara secrets rekey {ministry} --list"
        )
        click.echo(message.format(name=name, ministry=ministry), err=True)
    return ExitCode.DONE


def _written(folder: Path, name: str, text: str, record: Record, *, renewed: bool, to: Ministry) -> Record:
    """Write *text* as the secret *name*, and return the *record* of what that made of it."""
    from wizara.inventory.enrolled import fresh_file
    from wizara.inventory.recipients import recipient_words, sealed, write_record

    path, words = folder / f"{name}.age", recipient_words(to)
    fresh_file(path.parent, sealed(text, words), 0o644).replace(path)
    record = record.renewed(name, words) if renewed else record.encrypted([name], words)
    write_record(folder, record)
    return record


@command.command()
@ministry_argument
@lab_option
@identity_option
@click.option(
    "--list",
    "only_list",
    is_flag=True,
    help="Encrypt nothing: list what is to be changed because somebody who has left knows it.",
)
@json_option
def rekey(ministry: str, lab: str | None, identity: Path | None, only_list: bool, as_json: bool) -> int:
    """Encrypt all secrets of MINISTRY anew to the recipients it declares today.

    Whoever is no recipient any more still knows what they could open before: those secrets are listed, by this run and by
    each later one, until they are changed. Exit code 4 while there are any.
    """
    from wizara.inventory.rekey import known_by_others
    from wizara.inventory.rekey import rekey as encrypt_anew

    found, base, key = _where(ministry, lab)
    ask = _ask if sys.stdin.isatty() else None
    done = known_by_others(found, base) if only_list else encrypt_anew(found, base, identity or key, ask)
    if as_json:
        click.echo(json.dumps(asdict(done), indent=2))
        return ExitCode.PENDING if done.left or done.unknown else ExitCode.DONE
    if not only_list:
        count, of = len(done.rekeyed), len(done.recipients)
        whom = ngettext("{number} recipient", "{number} recipients", of).format(number=of)
        words = ngettext(
            "{count} secret is encrypted to {whom} now", "{count} secrets are encrypted to {whom} now", count
        )
        click.echo(words.format(count=count, whom=whom))
    _tell_known(done)
    if done.left or done.unknown:
        again = f"wizara secrets rekey {ministry}" + ("" if lab is None else f" --lab {lab}".rstrip()) + " --list"
        click.echo(_("they are listed until each is another one: {command}").format(command=again), err=True)
    elif only_list:
        click.echo(_("no secret is known to anybody who is no recipient any more"), err=True)
    return ExitCode.PENDING if done.left or done.unknown else ExitCode.DONE


def _tell_known(done: Rekeying) -> None:
    """Print which secrets are to be changed, and because of whom."""
    for word, names in done.left.items():
        click.echo(_("{key} is no recipient any more, and has known — change them:").format(key=word))
        click.echo("".join(f"  {name}\n" for name in names), nl=False)
    if done.unknown:
        click.echo(_("nobody has recorded who could open these — change them if anybody has left:"))
        click.echo("".join(f"  {name}\n" for name in done.unknown), nl=False)


def _given(name: str) -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        message = _("{name}: what was given is no UTF-8 text").format(name=name)
        raise UsageFault(message, hint=_("nothing was written")) from None


def _opened(base: Path, name: str, identity: Path | None) -> Secret:
    from wizara.inventory.rekey import secret_names
    from wizara.inventory.secrets import find_identity, open_secrets, read_identity

    known = secret_names(base / "secrets")
    if name not in known:
        near = did_you_mean(name, known)
        hint = _("did you mean '{word}'?").format(word=near) if near else _("wizara secrets show MINISTRY lists them")
        raise UsageFault(_("no secret '{name}'").format(name=name), hint=hint)
    key = read_identity(find_identity(identity), _ask if sys.stdin.isatty() else None)
    return open_secrets(base / "secrets", [name], key)[name]


def _where(argument: str, lab: str | None) -> tuple[Ministry, Path, Path | None]:
    """Return the ministry, the folder its secrets stand in, and the key of a lab."""
    if lab is None:
        from wizara.inventory import load, resolve

        folder = resolve(argument)
        return load(folder), folder, None
    from wizara.cli.world import scene

    found = scene(argument, lab)
    return found.ministry, found.secrets.parent, found.identity


def _ask(file: str) -> str:
    answer = click.prompt(_("Passphrase of {file}").format(file=file), hide_input=True, err=True)
    assert isinstance(answer, str)
    return answer
