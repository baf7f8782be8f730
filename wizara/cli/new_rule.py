"""``wizara audit new-rule``: lays a rule out, with its words in three languages and its pair of observations."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wizara import tree
from wizara.errors import ExitCode, UsageFault
from wizara.text import _

if TYPE_CHECKING:
    from collections.abc import Iterator

_ID = re.compile(r"[A-Z][A-Z0-9]{2}-\d{3}")
_WORD = re.compile(r"[a-z][a-z0-9_]{1,30}")
_LANGUAGES = ("en", "fr", "ar")
_OURS = ("audits.", "wizara.")
#: What stands where a person must write; a test refuses a rule whose words still hold it.
UNSAID = "‹…›"

_HEAD = '''"""Rules about {topic}."""

from __future__ import annotations

from collections.abc import Iterator

from audits.lan.subjects import services
from wizara.audit.facts import LanFacts
from wizara.audit.observation import Seen
from wizara.audit.rule import Judgement, broken, holds, rule
'''
_RULE = '''

@rule("{id}", kinds=("{kind}",), cvss="{cvss}", fix="manual")
def {function}(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """{unsaid}."""
    for about, one in services(seen, facts, "{kind}"):
        yield broken(about, [one]) if one.flag("{fact}") else holds(about, [one])
'''
_WORDS = """
[{id}]
title = "{unsaid}"
seen = "{unsaid}"
risk = "{unsaid}"
remedy = "{unsaid}"
"""
_PAIR = """
[{id}]
kind = "{kind}"
port = {port}
broken = {{ {fact} = true }}
harmless = {{ {fact} = false }}
"""


@click.command()
@click.argument("rule")
@click.option("--topic", required=True, metavar="WORD", help="File of audits/lan/weaknesses that the rule goes to.")
@click.option("--kind", required=True, metavar="KIND", help="Kind of observation that it judges, as ssh or http.")
@click.option("--fact", default="open", show_default=True, metavar="WORD", help="The fact that makes it a weakness.")
@click.option("--port", default=1, show_default=True, help="Port of the example observations.")
@click.option("--cvss", default="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N", show_default=True, metavar="VECTOR",
              help="What its severity follows from.")  # fmt: skip
def command(rule: str, topic: str, kind: str, fact: str, port: int, cvss: str) -> int:
    """Lay out RULE (as MAI-001) in a checkout: code, words in English, French and Arabic, and a pair of observations."""
    if not (tree.root() / "tests").is_dir():
        raise UsageFault(_("rules are written in a checkout, not in the package"))
    for path in scaffold(tree.root(), rule, topic=topic, kind=kind, fact=fact, port=port, cvss=cvss):
        click.echo(path)
    hint = _("write what stands as {mark}, then: python3 -m pytest tests/unit/audit -k {rule}")
    click.echo(hint.format(mark=UNSAID, rule=rule), err=True)
    return ExitCode.DONE


def scaffold(root: Path, name: str, *, topic: str, kind: str, fact: str, port: int, cvss: str) -> tuple[Path, ...]:
    """Write the rule into the checkout at *root* and return the files; UsageFault when a word does not fit or is taken."""
    from wizara.audit.cvss import severity

    if not _ID.fullmatch(name):
        raise UsageFault(
            _("'{name}' is no name of a rule: three capital letters, a dash, three digits").format(name=name)
        )
    for word in (topic, kind, fact):
        if not _WORD.fullmatch(word):
            raise UsageFault(_("'{word}' is no word of small letters and digits").format(word=word))
    try:
        severity(cvss)
    except (ValueError, KeyError) as fault:
        raise UsageFault(_("'{vector}' is no CVSS 3.1 vector").format(vector=cvss)) from fault
    if any(f'"{name}"' in path.read_text(encoding="utf-8") for path in (root / "audits" / "lan").rglob("*.py")):
        raise UsageFault(_("there is a rule {name} already").format(name=name))
    told = {"id": name, "topic": topic, "kind": kind, "fact": fact, "port": port, "cvss": cvss, "unsaid": UNSAID,
            "function": f"{kind}_{name[-3:]}"}  # fmt: skip
    return tuple(_append(path, head, text.format(**told)) for path, head, text in _files(root, topic))


def _files(root: Path, topic: str) -> Iterator[tuple[Path, str, str]]:
    """Yield (path, what a new file begins with, what is added) of everything a rule is made of."""
    yield root / "audits" / "lan" / "weaknesses" / f"{topic}.py", _HEAD.format(topic=topic), _RULE
    for language in _LANGUAGES:
        head = f'language = "{language}"\nreviewed_by = ""\n'
        yield root / "audits" / "catalog" / f"lan-{topic}.{language}.toml", head, _WORDS
    yield root / "tests" / "unit" / "audit" / "pairs" / f"{topic}.toml", "", _PAIR


def _append(path: Path, head: str, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text(encoding="utf-8") if path.is_file() else head
    before = _importing(before, head) if path.suffix == ".py" else before
    path.write_text((before + text).lstrip("\n"), encoding="utf-8")
    return path


def _importing(source: str, head: str) -> str:
    """Return *source*, a topic that exists, with the imports of *head* beside its own, in the order that ruff wants."""
    lines, present = source.splitlines(keepends=True), _imports(source)
    plain = sorted(ast.unparse(node) for node in present if isinstance(node, ast.Import))
    named: dict[str, set[str]] = {}
    for node in (*present, *_imports(head)):
        if isinstance(node, ast.ImportFrom):
            named.setdefault(str(node.module), set()).update(map(ast.unparse, node.names))
    future = named.pop("__future__")
    told = {module: f"from {module} import {', '.join(sorted(names, key=_order))}" for module, names in named.items()}
    ours = sorted(module for module in told if module.startswith(_OURS))
    others = sorted(told.keys() - ours)
    blocks = (
        [f"from __future__ import {', '.join(future)}"],
        plain + [told[module] for module in others],
        [told[module] for module in ours],
    )
    text = "\n\n".join("\n".join(block) for block in blocks if block)
    lines[present[0].lineno - 1 : present[-1].end_lineno] = [f"{text}\n"]
    return "".join(lines)


def _imports(source: str) -> list[ast.Import | ast.ImportFrom]:
    return [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]


def _order(name: str) -> tuple[bool, bool, str]:
    """Return where *name* stands among imported ones: constants, then classes, then functions."""
    return not name.isupper(), not name[0].isupper(), name
