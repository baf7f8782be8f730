"""Builds plain mappings, lists and texts out of libyaml's events, and keeps where each of them stands.

Limits hold on the events, before anything is built: a bomb is refused where it begins. Scalars stay text, whatever they
look like, until a model types them; only the plain ``null``, ``~`` and nothing at all are None (YAML 1.2 core schema).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from wizara.errors import UsageFault
from wizara.place import Place
from wizara.text import _

DEPTH_LIMIT = 32
VALUES_LIMIT = 40_000
"""Keys and values a file: more than any real one holds, few enough to judge within a second."""

Value = dict[str, "Value"] | list["Value"] | str | None
Key = str | int
Path = tuple[Key, ...]

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def quoted(text: str) -> str:
    """Return *text* of a person's file as it may go into a message: short, on one line, nothing invisible."""
    short = text if len(text) <= 60 else text[:57] + "…"
    return _INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", short)


@dataclass
class Document:
    """What a file holds, and where: path of keys → (line, column) of the value, and of its key."""

    file: str
    value: Value = None
    values: dict[Path, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def at(self, path: Path, text: str = "", *, key: bool = False) -> Place:
        """Return the place of the value (or *key*) at *path*, or of what is around it; *text* names the path."""
        while path:
            found = (self.keys if key else self.values).get(path) or self.values.get(path)
            if found:
                return Place(self.file, *found, text)
            path, key = path[:-1], True
        return Place(self.file, path=text)


def parse(text: str, file: str, limit: int = VALUES_LIMIT) -> Document:
    """Return the one document that *text* holds, of at most *limit* keys and values."""
    directive = _DIRECTIVE.search(text)
    if directive:
        raise UsageFault(
            _("YAML directives are not accepted"), place=Place(file, text.count("\n", 0, directive.start()) + 1)
        )
    try:
        return _Builder(file, limit).build(yaml.parse(text, Loader=yaml.CLoader))
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        raise UsageFault(
            _("is not valid YAML: {problem}").format(problem=quoted(fault.problem or "")), place=place
        ) from None
    except yaml.YAMLError as fault:
        raise UsageFault(
            _("is not valid YAML: {problem}").format(problem=quoted(str(fault))), place=Place(file)
        ) from None


class _Builder:
    """Stacks open containers while events pass."""

    def __init__(self, file: str, limit: int) -> None:
        self.limit = limit
        self.document = Document(file)
        self.open: list[tuple[Path, dict[str, Value] | list[Value]]] = []
        self.key: list[str | None] = []
        self.count = 0
        self.documents = 0

    def build(self, events: Iterator[Any]) -> Document:
        for event in events:
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.MappingStartEvent):
                self._enter(event, {})
            elif isinstance(event, yaml.SequenceStartEvent):
                self._enter(event, [])
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                self.open.pop()
                self.key.pop()
            elif isinstance(event, yaml.AliasEvent):
                raise self._fault(event, _("aliases (*name) are not accepted"))
            elif isinstance(event, yaml.DocumentStartEvent):
                self.documents += 1
                if self.documents > 1:
                    raise self._fault(event, _("a second document begins: one file holds one"))
        if not self.documents:
            raise UsageFault(_("is empty"), place=Place(self.document.file))
        return self.document

    def _fault(self, event: Any, message: str) -> UsageFault:
        return UsageFault(
            message, place=Place(self.document.file, event.start_mark.line + 1, event.start_mark.column + 1)
        )

    def _admit(self, event: Any) -> tuple[int, int]:
        if event.anchor is not None:
            raise self._fault(event, _("anchors (&name) are not accepted"))
        if event.tag is not None:
            raise self._fault(event, _("tags (!name) are not accepted"))
        self.count += 1
        if self.count > self.limit:
            raise self._fault(event, _("more than {limit} values in one file").format(limit=self.limit))
        mark = event.start_mark
        return mark.line + 1, mark.column + 1

    def _enter(self, event: Any, container: dict[str, Value] | list[Value]) -> None:
        if len(self.open) >= DEPTH_LIMIT:
            raise self._fault(event, _("nested deeper than {limit} levels").format(limit=DEPTH_LIMIT))
        if self.open and isinstance(self.open[-1][1], dict) and self.key[-1] is None:
            raise self._fault(event, _("a key should be a word, not a list or mapping"))
        path = self._put(container, self._admit(event))
        self.open.append((path, container))
        self.key.append(None)

    def _scalar(self, event: Any) -> None:
        where = self._admit(event)
        if self.open and isinstance(self.open[-1][1], dict) and self.key[-1] is None:
            self._name(event, where)
            return
        plain = event.implicit[0]
        self._put(None if plain and event.value in _NULL else event.value, where)

    def _name(self, event: Any, where: tuple[int, int]) -> None:
        path, container = self.open[-1]
        if event.value in container:
            first = self.document.keys[(*path, event.value)]
            message = _("key '{key}' stands here twice, first in line {line}")
            raise self._fault(event, message.format(key=quoted(event.value), line=first[0]))
        self.key[-1] = event.value
        self.document.keys[(*path, event.value)] = where

    def _put(self, value: Value, where: tuple[int, int]) -> Path:
        if not self.open:
            self.document.value = value
            path: Path = ()
        else:
            above, container = self.open[-1]
            if isinstance(container, list):
                path = (*above, len(container))
                container.append(value)
            else:
                key = self.key[-1]
                assert key is not None
                path = (*above, key)
                container[key] = value
                self.key[-1] = None
        self.document.values[path] = where
        return path
