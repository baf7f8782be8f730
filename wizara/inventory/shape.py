"""Follows a path of keys through the models: how it is written for a person, and which keys are known there."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, RootModel

from wizara.inventory.document import quoted


def _plain(kind: Any) -> Any:
    """Return a type without its annotations and without ``| None``; of a file that is one list or mapping, that."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in {Union, UnionType}:
        return _plain(next(one for one in get_args(kind) if one is not type(None)))
    if isinstance(kind, type) and issubclass(kind, RootModel):
        return _plain(kind.model_fields["root"].annotation)
    return kind


def known_keys(model: type[BaseModel]) -> dict[str, Any]:
    """Return the keys a file may give for *model*, each with its type."""
    return {info.alias or name: info.annotation for name, info in model.model_fields.items()}


@cache
def _fields(model: type[BaseModel]) -> dict[str, Any]:
    """Return the keys of *model* with their plain types: models do not change, and every address of an inventory asks."""
    return {key: _plain(kind) for key, kind in known_keys(model).items()}


def _step(kind: Any, key: str | int) -> Any:
    """Return the type found at *key* within *kind*; None when nothing is known of it."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _fields(kind).get(str(key))
    arguments = get_args(kind)
    if get_origin(kind) is dict:
        return _plain(arguments[1])
    return _plain(arguments[0]) if get_origin(kind) is tuple else None


def model_at(root: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel] | None:
    """Return the model that stands at *path* below *root*, or None when none does."""
    kind: Any = _plain(root)
    for key in path:
        kind = _step(kind, key)
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def written(root: type[BaseModel], path: Sequence[str | int]) -> str:
    """Return *path* as a person writes it: ``nodes[mail1].ports[adm].address``."""
    kind: Any = _plain(root)
    text = ""
    for key in path:
        inside_model = isinstance(kind, type) and issubclass(kind, BaseModel)
        text += (f".{quoted(str(key))}" if text else quoted(str(key))) if inside_model else f"[{quoted(str(key))}]"
        kind = _step(kind, key)
    return text
