"""Click's own words (usage, section titles, faults of a command line) in the language of the person who asks."""

from __future__ import annotations

import click

from wizara.text import N_, _, ngettext

#: What a person may meet of Click's words, each of several forms by its first. One that Click changes is English until changed here too.
PHRASES = (
    N_("Usage:"),
    N_("Options"),
    N_("Commands"),
    N_("default: {default}"),
    N_("required"),
    N_("Error: {message}"),
    N_("Try '{command} {option}' for help."),
    N_("Missing command."),
    N_("Missing argument"),
    N_("Missing option"),
    N_("Invalid value: {message}"),
    N_("Invalid value for {param_hint}: {message}"),
    N_("No such option {name!r}."),
    N_("No such command {name!r}."),
    N_("Did you mean {possibility}?"),
    N_("Option {name!r} does not take a value."),
    N_("Option {name!r} requires an argument."),
    N_("Got unexpected extra argument ({args})"),
    N_("{value!r} is not {choice}."),
    N_("{value!r} is not a valid {number_type}."),
    N_("{value} is not in the range {range}."),
    N_("{name} {filename!r} does not exist."),
    N_("{name} {filename!r} is a file."),
    N_("{name} {filename!r} is a directory."),
    N_("{name} {filename!r} is not readable."),
    N_("{name} {filename!r} is not writable."),
)


def teach() -> None:
    """Let Click look its words up in wizara's catalogues: it asks gettext for a catalogue of its own, which nobody ships."""
    for module in (click.core, click.exceptions, click.formatting, click.parser, click.types):
        vars(module).update(_=_, ngettext=ngettext)
