"""Help speaks the language of who asks, in every verb and option."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from babel.messages.pofile import read_po

from wizara import text
from wizara.cli.main import VERBS, command
from wizara.cli.options import helped, speak
from wizara.cli.phrases import PHRASES

ROOT = Path(__file__).parents[3]


@pytest.fixture
def english() -> Iterator[None]:
    yield
    text.use("en")
    speak(command, click.Context(command))


def sources() -> set[str]:
    """Every help text in the words of its source."""
    ctx = click.Context(command)
    found = [one for verb in VERBS if (made := command.get_command(ctx, verb)) for one in helped(made, ctx)]
    return {inspect.cleandoc(one.help) for one in (*found, *helped(command, ctx)) if one.help}


def test_every_help_text_has_its_french() -> None:
    text.use("en")
    with (ROOT / "wizara/locale/help.fr.po").open("rb") as catalogue:
        told = {message.id: message.string for message in read_po(catalogue) if message.id and message.string}
    known = sources()
    assert len(known) > 50
    assert sorted(known - set(told)) == []
    assert sorted(set(told) - known) == []  # nor a text that nobody says any more
    assert [one for one in told if told[one] == one] == []


def test_french_help_keeps_the_names_that_are_typed() -> None:
    with (ROOT / "wizara/locale/help.fr.po").open("rb") as catalogue:
        for message in read_po(catalogue):
            if message.id:
                typed = set(re.findall(r"\b[A-Z]{4,}\b|--[a-z-]+|\w+\.yaml", str(message.id)))
                assert typed <= set(re.findall(r"\b[A-Z]{4,}\b|--[a-z-]+|\w+\.yaml", str(message.string))), message.id


def test_a_process_that_changes_its_language_changes_its_help(english: None) -> None:
    ctx = click.Context(command)
    for language, words in (("fr", "Afficher le résultat en JSON."), ("en", "Print the result as JSON."), ("fr", "Afficher le résultat en JSON.")):  # fmt: skip
        text.use(language)
        check = command.get_command(ctx, "check")
        assert check is not None
        assert words in check.get_help(click.Context(check, parent=ctx))


@pytest.mark.parametrize(
    ("line", "environment", "words"),
    [
        (("--lang", "fr", "lab", "up", "--help"), {}, "Nom du labo"),
        (("audit", "-h"), {"LANG": "fr_FR.UTF-8"}, "Observer depuis ce nœud du site"),
        (("--lang", "fr", "--help"), {}, "Un ministère est déclaré une fois"),
        (("--lang", "en", "audit", "--help"), {"LANG": "fr_FR.UTF-8"}, "Look from this node of the site"),
        (("test", "-h"), {"LANG": "C.UTF-8"}, "lint: style, types"),
    ],
)
def test_the_language_is_chosen_by_option_or_environment(
    line: tuple[str, ...], environment: dict[str, str], words: str
) -> None:
    clean = {name: value for name, value in os.environ.items() if name not in {"LANG", "LC_ALL", "LC_MESSAGES"}}
    told = subprocess.run(
        [sys.executable, "-m", "wizara", *line],
        env=clean | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert words in " ".join(told.stdout.split())
    assert ("Show this message" in told.stdout) == (environment.get("LANG") == "C.UTF-8" or "en" in line)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (("check",), "Erreur : Il manque l'argument 'MINISTRY'."),
        (("apply", "--limitt"), "Pas d'option '--limitt'. Vouliez-vous dire '--limit' ?"),
        (("plan", "mps", "dc1"), "Argument de trop (dc1)"),
    ],
)
def test_a_wrong_command_line_is_told_in_french_too(line: tuple[str, ...], words: str) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "wizara", "--lang", "fr", *line], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert told.returncode == 2
    assert words in told.stderr
    assert "Usage :" in told.stderr


def test_the_french_of_click_is_for_words_that_click_says() -> None:
    said = "".join(
        Path(module.__file__ or "").read_text()
        for module in (click.core, click.exceptions, click.formatting, click.parser, click.types)
    )
    assert [words for words in PHRASES if f'"{words}"' not in said and words != "required"] == []


def test_commands_below_a_verb_are_told_with_their_whole_sentence(english: None) -> None:
    ctx = click.Context(command)
    for verb in ("lab", "secrets", "log"):
        told = command.get_command(ctx, verb)
        assert told is not None
        listed = told.get_help(click.Context(told, parent=ctx)).split("Commands:")[1]
        assert listed.strip()
        assert "..." not in listed
