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
    return {"$schema": _DIALECT, **_untitled(derived)}


def _untitled(part: Any) -> Any:
    """Return *part* without the titles pydantic makes of field names: they say nothing that the name does not."""
    if isinstance(part, dict):
        return {key: _untitled(value) for key, value in part.items() if key != "title" or isinstance(value, dict)}
    return [_untitled(one) for one in part] if isinstance(part, list) else part
