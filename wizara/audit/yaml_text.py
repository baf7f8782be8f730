"""Reads the small YAML files an audit is ordered with: plain mappings and lists, every scalar as text, hard limits."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, JsonValue, ValidationError

from wizara.errors import InventoryFaults, UsageFault
from wizara.place import Place
from wizara.text import _

ModelT = TypeVar("ModelT", bound=BaseModel)
LIMIT = 256 * 1024
DEPTH = 32


def read_text(path: Path) -> JsonValue:
    """Return the content of *path*, scalars as text; UsageFault for anything else than plain, small YAML."""
    try:
        raw = path.read_bytes()
    except OSError as fault:
        raise UsageFault(_("cannot read it: {reason}").format(reason=fault.strerror), place=Place(str(path))) from None
    return parsed(raw, path)


def parsed(raw: bytes, path: Path) -> JsonValue:
    """Return *raw*, which stands in *path*, as :func:`read_text` does."""
    if len(raw) > LIMIT:
        raise UsageFault(_("larger than {limit} bytes").format(limit=LIMIT), place=Place(str(path)))
    try:
        _check_events(raw, path)
        content: JsonValue = yaml.load(raw, Loader=yaml.CBaseLoader)  # noqa: S506 - the base loader makes text only
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as fault:
        mark = getattr(fault, "problem_mark", None)
        place = Place(str(path), mark.line + 1, mark.column + 1) if mark else Place(str(path))
        raise UsageFault(
            _("not readable as YAML: {reason}").format(reason=getattr(fault, "problem", None) or fault), place=place
        ) from None
    return content


def validated(content: object, model: type[ModelT], path: Path) -> ModelT:
    """Return *content* as a *model*; every fault with the path of keys to it."""
    try:
        return model.model_validate(content)
    except ValidationError as faults:
        raise InventoryFaults(
            [
                UsageFault(
                    one["msg"].removeprefix("Value error, "),
                    place=Place(str(path), path=".".join(str(key) for key in one["loc"])),
                )
                for one in faults.errors()
            ]
        ) from None


def _check_events(raw: bytes, path: Path) -> None:
    """Refuse depth, aliases and tags on the event stream, before anything is built."""
    depth = 0
    for event in yaml.parse(raw, Loader=yaml.CBaseLoader):
        mark = event.start_mark
        place = Place(str(path), mark.line + 1, mark.column + 1) if mark else Place(str(path))
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise UsageFault(_("aliases, anchors and tags are not accepted"), place=place)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH:
            raise UsageFault(_("nested deeper than {limit}").format(limit=DEPTH), place=place)
