"""The shipped ministry with every optional field filled in, and every field of it by the path that leads there."""

from __future__ import annotations

import copy
import json
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from wizara import tree
from wizara.inventory.document import parse
from wizara.inventory.models import Declaration, Enrolled, Site
from wizara.inventory.types import Service

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKYcw0NvDafAMP9PFyQpZv3pLDDMxreqK3Ps7VtQvrFS"
VPN = "mC0Zt0fXo0Wz0m4bW0jZ0a1bq5eB4gq0m1fGxk0z8lE="
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
MODELS: dict[str, type[BaseModel]] = {"ministry": Declaration, "sites": Site, "enrolled": Enrolled}
Path_ = tuple[str | int, ...]


def documents() -> dict[str, Any]:
    """Return file → what stands in it."""
    shipped = tree.shipped_inventories() / "mps"
    found: dict[str, Any] = {
        str(path.relative_to(shipped)): parse(path.read_text(), path.name).value
        for path in (shipped / "ministry.yaml", *sorted((shipped / "sites").glob("*.yaml")))
    }
    ministry, hq = found["ministry.yaml"], found["sites/hq.yaml"]
    ministry["recipients"] = [KEY]
    ministry["apt"]["proxy"] = "http://203.0.113.10:3128"
    hq["nodes"]["mail1"] |= {"mail_domains": ["mps.gov.test", "courrier.gov.test"], "services": ["tcp/8443"]}
    hq["nodes"]["dc1"]["ports"]["adm"] |= {"mac": "52:54:00:99:00:10", "device": "ens3"}
    hq["hosts"]["pc-hq-1"] |= {"os": "debian"}
    snmp = {"version": "3", "user": "audit", "authentication": "sha256", "privacy": "aes128"}
    hq["devices"]["sw-hq"] |= {"access": "ssh", "snmp": snmp}
    hq["devices"]["sw-hq"] |= {"address6": "fd6d:7073:6774:20::2", "username": "audit"}
    names = [name for path, site in found.items() if path.startswith("sites/") for name in site.get("nodes", {})]
    found["enrolled.yaml"] = {
        "nodes": {name: {"host_key": KEY, "vpn_key": VPN, "devices": {"adm": "ens4"}} for name in names},
        "dkim": {domain: {"selector": "wz2026", "public": "A" * 200} for domain in ("mps.gov.test", "courrier.gov.test")},
        "authority": CERTIFICATE, "operator_keys": [KEY], "recipients": [KEY],
    }  # fmt: skip
    return found


def write(folder: Path, found: dict[str, Any]) -> None:
    """Write the files of *found* into *folder*."""
    for name, content in found.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")


def model_of(file: str) -> type[BaseModel]:
    """Return the model of *file*."""
    return MODELS[file.partition("/")[0].removesuffix(".yaml")]


def _plain(kind: Any) -> Any:
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in {Union, types.UnionType}:
        kind = next(one for one in get_args(kind) if one is not type(None))
    return _plain(kind) if get_origin(kind) is Annotated else kind


def _is_leaf(kind: Any) -> bool:
    model = isinstance(kind, type) and issubclass(kind, BaseModel) and kind is not Service
    return not model and (get_origin(kind) is Literal or get_origin(kind) not in {dict, tuple})


def declared(kind: Any, pattern: str = "") -> Iterator[str]:
    """Yield the pattern of every field and key below *kind*."""
    kind = _plain(kind)
    if _is_leaf(kind):
        yield pattern
    elif get_origin(kind) is tuple:
        yield from declared(get_args(kind)[0], f"{pattern}[]")
    elif get_origin(kind) is dict:
        yield f"{pattern}.*key"
        yield from declared(get_args(kind)[1], f"{pattern}.*")
    else:
        for name, field in kind.model_fields.items():
            yield from declared(field.annotation, f"{pattern}.{field.alias or name}")


def written(kind: Any, value: Any, pattern: str = "", path: Path_ = ()) -> Iterator[tuple[str, Path_]]:
    """Yield (pattern, path) of every field and key of *value* that is there."""
    kind = _plain(kind)
    if _is_leaf(kind):
        yield pattern, path
    elif get_origin(kind) is tuple:
        for number, item in enumerate(value):
            yield from written(get_args(kind)[0], item, f"{pattern}[]", (*path, number))
    elif get_origin(kind) is dict:
        for name, item in value.items():
            yield f"{pattern}.*key", (*path, name)
            yield from written(get_args(kind)[1], item, f"{pattern}.*", (*path, name))
    else:
        fields = {field.alias or name: field.annotation for name, field in kind.model_fields.items()}
        for name, item in value.items():
            yield from written(fields[name], item, f"{pattern}.{name}", (*path, name))


def fields(found: dict[str, Any]) -> dict[str, tuple[str, Path_]]:
    """Return pattern → (file, path) of the first field of each kind."""
    first: dict[str, tuple[str, Path_]] = {}
    for file, content in found.items():
        room = file.partition("/")[0].removesuffix(".yaml")
        for pattern, path in written(model_of(file), content):
            first.setdefault(f"{room}{pattern}", (file, path))
    return first


def changed(content: Any, path: Path_, value: str, *, key: bool) -> Any:
    """Return *content* with *value* at *path*, or as the name of what stands there."""
    content = copy.deepcopy(content)
    inner = content
    for step in path[:-1]:
        inner = inner[step]
    if key:
        renamed = {value if name == path[-1] else name: item for name, item in inner.items()}
        inner.clear()
        inner.update(renamed)
    else:
        inner[path[-1]] = value
    return content


def at(content: Any, path: Path_) -> str:
    """Return what stands at *path*."""
    for step in path:
        content = content[step]
    return str(content)
