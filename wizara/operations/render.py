"""Templates: every value is declared, and none can add a line to a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import jinja2

from wizara import tree
from wizara.errors import UsageFault
from wizara.inventory.secrets import Secret
from wizara.text import _

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\u2028\u2029]")


class Lines(str):
    """Text of several lines that a deploy made itself, such as a certificate; never a declared value."""

    __slots__ = ()


def _shown(value: object) -> str:
    """Return what of *value* may stand in a message: a secret shows itself as nothing."""
    return str(value)[:60]


def _whole_value(value: object) -> object:
    """Refuse what would break out of its line; Jinja calls this for every value it writes."""
    if isinstance(value, Lines):
        return value
    shown = _shown(value)
    if isinstance(value, Secret):
        value = value.reveal()
    if value is None or isinstance(value, (bytes, Mapping, set)):
        raise UsageFault(_("a template writes a value of type {type}").format(type=type(value).__name__))
    if isinstance(value, str) and _CONTROL.search(value):
        raise UsageFault(_("a template value holds a line break or control character: {value!r}").format(value=shown))
    return value


def _quoted(value: object) -> str:
    """Write *value* in double quotes for nftables comments, unbound and dovecot strings: no quote or backslash may be inside."""
    text = str(_whole_value(value))
    if '"' in text or "\\" in text:
        raise UsageFault(_("a template value holds a quote or backslash: {value!r}").format(value=_shown(value)))
    return f'"{text}"'


def _word(value: object) -> str:
    """Write *value* as one bare word: no blank, quote, comment or separator of any of the syntaxes used."""
    text = str(_whole_value(value))
    if not re.fullmatch(r"[A-Za-z0-9_.:/@+=%\[\]-]+", text):
        raise UsageFault(_("a template value is not one plain word: {value!r}").format(value=_shown(value)))
    return text


def _comment(value: object) -> str:
    """Write *value* inside a comment or nft comment string: quotes become typographic, length is bounded."""
    text = str(_whole_value(value)).replace('"', "”").replace("\\", "/")
    while len(text.encode()) > 120:
        text = text[:-1]
    return text


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(tree.template_folder())),
        undefined=jinja2.StrictUndefined,
        finalize=_whole_value,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - these are configuration files; _whole_value and the filters are the wall
    )
    environment.filters.update(quoted=_quoted, word=_word, comment=_comment)
    return environment


def render(name: str, values: Mapping[str, Any]) -> str:
    """Return template *name* filled with *values*; UsageFault names the template and line of what is missing."""
    try:
        return _environment().get_template(name).render(**values)
    except jinja2.TemplateError as fault:
        line = getattr(fault, "lineno", None) or _line_of(fault, name)
        raise UsageFault(f"templates/{name}:{line}: {fault}") from fault


def _line_of(fault: BaseException, name: str) -> int:
    traceback, line = fault.__traceback__, 0
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename.endswith(name):
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line
