"""The JSON Schema that editors use says what the loader says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from wizara import tree
from wizara.inventory.schema import schema

_TYPES = {"object": dict, "array": list, "string": str, "integer": int, "null": type(None), "boolean": bool}
_KNOWN = {
    "$defs", "$ref", "$schema", "additionalProperties", "anyOf", "default", "description", "enum", "examples", "format",
    "items", "maxLength", "maximum", "minLength", "minimum", "pattern", "patternProperties", "properties", "required",
    "type",
}  # fmt: skip


def faults(value: Any, rule: dict[str, Any], whole: dict[str, Any], path: str = "") -> list[str]:
    """Return where *value* is not what *rule* allows: as much of JSON Schema as the models lead to."""
    assert set(rule) <= _KNOWN, set(rule) - _KNOWN
    if "$ref" in rule:
        return faults(value, whole["$defs"][rule["$ref"].rpartition("/")[2]], whole, path)
    if "anyOf" in rule:
        tried = [faults(value, one, whole, path) for one in rule["anyOf"]]
        return [] if [] in tried else tried[0]
    if "type" in rule and not isinstance(value, _TYPES[rule["type"]]):
        return [f"{path}: no {rule['type']}"]
    found = [f"{path}: not listed"] if value not in rule.get("enum", [value]) else []
    if isinstance(value, str):
        found += [] if re.search(rule.get("pattern", ""), value) else [f"{path}: pattern"]
    if isinstance(value, int):
        found += [] if rule.get("minimum", value) <= value <= rule.get("maximum", value) else [f"{path}: range"]
    if isinstance(value, list):
        found += [
            fault for index, one in enumerate(value) for fault in faults(one, rule["items"], whole, f"{path}[{index}]")
        ]
    if isinstance(value, dict):
        found += _members(value, rule, whole, path)
    return found


def _members(value: dict[str, Any], rule: dict[str, Any], whole: dict[str, Any], path: str) -> list[str]:
    found = [f"{path}.{key}: missing" for key in rule.get("required", []) if key not in value]
    for key, one in value.items():
        inner = rule.get("properties", {}).get(key)
        inner = inner or next(
            (each for name, each in rule.get("patternProperties", {}).items() if re.search(name, key)), None
        )
        if inner is None:
            assert rule["additionalProperties"] is False
            found.append(f"{path}.{key}: unknown")
        else:
            found += faults(one, inner, whole, f"{path}.{key}")
    return found


@pytest.mark.parametrize("kind", ["ministry", "site"])
def test_the_shipped_schema_is_the_models(kind: str) -> None:
    shipped = json.loads((tree.shipped_inventories() / "schema" / f"{kind}.json").read_text())
    assert shipped == schema(kind), f"run: python3 -m wizara schema {kind} > inventories/schema/{kind}.json"


def _judge(path: Path) -> list[str]:
    rule = schema("ministry" if path.name == "ministry.yaml" else "site")
    return faults(yaml.safe_load(path.read_text()), rule, rule)


def test_what_is_shipped_and_what_init_writes_is_valid_by_the_schema(tmp_path: Path) -> None:
    from wizara.inventory.starter import write_starter

    shipped = [
        path
        for folder in tree.shipped_inventories().glob("*/ministry.yaml")
        for path in (folder, *folder.parent.glob("sites/*.yaml"))
    ]
    files = [*shipped, *write_starter(tmp_path / "new", "new")]
    assert len(files) >= 7
    assert {str(path): _judge(path) for path in files if _judge(path)} == {}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("services: [tcp/21]", "services: [tcp:21]", ".hosts.files-hq.services[0]: pattern"),
        ("vlan: 99}", "vlan: 4095}", ".lans.adm.vlan: no null"),
        ("release: bookworm", "release: buster", ".nodes.mail1.release: not listed"),
        ("    manage: 10.20.99.10\n", "    mange: 10.20.99.10\n", ".nodes.dc1.manage: missing"),
        ("  dc1:\n", "  DC1:\n", ".nodes.DC1: unknown"),
    ],
)
def test_an_editor_sees_a_slip(old: str, new: str, said: str, mps: Path) -> None:
    path = mps / "sites" / "hq.yaml"
    path.write_text(path.read_text().replace(old, new, 1))
    assert said in _judge(path) or any(said.split(":", maxsplit=1)[0] in fault for fault in _judge(path))
