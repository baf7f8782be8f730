"""The JSON Schema of the files people write, and of what programs read, derived from the models."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from wizara.inventory.models import Declaration, Site

_MODELS: dict[str, type[BaseModel]] = {"ministry": Declaration, "site": Site}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(kind: str) -> dict[str, Any]:
    """Return the schema of ``ministry.yaml`` (*kind* ``ministry``) or of a site's file (``site``)."""
    return derived(_MODELS[kind], "validation")


def derived(model: type[BaseModel], mode: Literal["validation", "serialization"]) -> dict[str, Any]:
    """Return the schema of the JSON that *model* reads, or of what it writes."""
    return {"$schema": _DIALECT, **_closed(model.model_json_schema(by_alias=True, mode=mode))}


def _closed(part: Any) -> Any:
    """Return *part* without pydantic's titles, which repeat names, and closed to names that do not match."""
    if isinstance(part, list):
        return [_closed(one) for one in part]
    if not isinstance(part, dict):
        return part
    kept = {key: _closed(value) for key, value in part.items() if key != "title" or isinstance(value, dict)}
    return {**kept, "additionalProperties": False} if "patternProperties" in kept else kept
