"""Reads one YAML file into its model; every fault of it is told at its place."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from wizara.errors import InventoryFaults
from wizara.inventory.document import Document, parse
from wizara.inventory.reading import read, read_pipe, shown
from wizara.inventory.wording import faults_of

_M = TypeVar("_M", bound=BaseModel)


def read_file(path: Path, model: type[_M], folder: Path | None = None) -> _M:
    """Return the *model* that the file *path* holds; it has to lie within *folder*, where one is given.

    Raises UsageFault when it cannot be read, InventoryFaults with every fault of what stands in it.
    """
    return fitted(parse(read(path, folder), shown(path)), model)


def read_secret_file(path: Path, model: type[_M]) -> _M:
    """Return the *model* of a file of secrets, or of a pipe that brings them; no fault repeats a word of it."""
    return secret_text(read_pipe(path), path, model)


def secret_text(text: str, path: Path, model: type[_M]) -> _M:
    """Return the *model* of the secret *text*, which stands in *path*, as :func:`read_secret_file` does."""
    return fitted(parse(text, shown(path)), model, secret=True)


def fitted(document: Document, model: type[_M], *, secret: bool = False) -> _M:
    """Return *document* as a *model*; raise InventoryFaults with every fault, which repeats no word that is *secret*."""
    try:
        return model.model_validate(document.value, by_alias=True, by_name=False)
    except ValidationError as error:
        raise InventoryFaults(faults_of(error, model, document, secret=secret)) from None
