"""The JSON Schema of the files people write, derived from the models."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from wizara.inventory.models import Declaration, Site

_MODELS: dict[str, type[BaseModel]] = {"ministry": Declaration, "site": Site}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(kind: str) -> dict[str, Any]:
    """Return the schema of ``ministry.yaml`` (*kind* ``ministry``) or of a site's file (``site``)."""
    derived = _MODELS[kind].model_json_schema(by_alias=True, mode="validation")
    return {"$schema": _DIALECT, **_closed(derived)}


def _closed(part: Any) -> Any:
    """Return *part* without pydantic's titles, which repeat names, and closed to names that do not match."""
    if isinstance(part, list):
        return [_closed(one) for one in part]
    if not isinstance(part, dict):
        return part
    kept = {key: _closed(value) for key, value in part.items() if key != "title" or isinstance(value, dict)}
    return {**kept, "additionalProperties": False} if "patternProperties" in kept else kept
