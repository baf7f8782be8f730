"""No value of an inventory becomes a command, a template or a setting of its own, in any field, in any deploy."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2]))
import every_field
from hostile_values import MARKER, values
from standin import Sent, sent_to

from wizara.blueprint import Blueprint, derive
from wizara.errors import InventoryFaults
from wizara.inventory import load, loader
from wizara.inventory.document import Document, parse
from wizara.inventory.file import fitted
from wizara.inventory.models import Ministry
from wizara.inventory.required import required_secrets
from wizara.inventory.secrets import Secret
from wizara.operations.command import program

DOCUMENTS = every_field.documents()
FIELDS = every_field.fields(DOCUMENTS)
_INVISIBLE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_STRING = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'")
_SIGNS = re.compile(r"[;{}=]")


def deployed(ministry: Ministry, known: Blueprint | None = None) -> dict[str, Sent]:
    """Return node → what all deploys send to it, of those whose plan differs from the *known* one."""
    hashed = json.dumps({"password": "p", "hash": "$2b$12$x"})
    made: dict[str, dict[str, Secret]] = {}
    for one in required_secrets(ministry):
        for node in one.nodes:
            made.setdefault(node, {})[one.name] = Secret(hashed if one.kind == "mailbox" else "PEM")
    return {
        name: sent_to(plan, made.get(name, {}))
        for name, plan in derive(ministry).nodes.items()
        if known is None or known.nodes.get(name) != plan
    }


@pytest.fixture(scope="module", autouse=True)
def parsed_once() -> Iterator[None]:
    """Five files are read for each value, of which four are as before: a text is parsed and judged once."""
    kept: dict[tuple[int, type], tuple[Document, Any]] = {}

    def fitted_once(document: Document, model: type[Any]) -> Any:
        key = (id(document), model)
        if key not in kept:
            if len(kept) > 64:
                del kept[next(iter(kept))]
            kept[key] = (document, fitted(document, model))  # the document is held, so that its number stays its own
        return kept[key][1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "parse", lru_cache(maxsize=64)(parse))
        patch.setattr(loader, "fitted", fitted_once)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("inventory")
    every_field.write(made, DOCUMENTS)
    return made


@pytest.fixture(scope="module")
def clean(folder: Path) -> dict[str, Sent]:
    return deployed(load(folder))


@cache
def plans(folder: Path) -> Blueprint:
    return derive(load(folder))


def shape(content: str) -> list[tuple[int, Counter[str]]]:
    """Return of each line how many words it has and which signs that end or open a setting; what is quoted is one word."""
    bare = [
        _STRING.sub("S", line.partition("#")[0] if line.lstrip().startswith("#") else line)
        for line in content.splitlines()
    ]
    return [(len(line.split()), Counter(_SIGNS.findall(line))) for line in bare]


def beyond(sent: dict[str, Sent], clean: dict[str, Sent]) -> list[str]:
    """Return what *sent* has that is more than another value at the place of the old one."""
    found = []
    for node, told in sent.items():
        found += [f"{node}: shell {text[:80]!r}" for text in told.shell - clean[node].shell]
        found += [f"{node}: files" for _once in (1,) if len(told.files) != len(clean[node].files)]
        found += [f"{node}: programs" for _once in (1,) if len(told.arguments) != len(clean[node].arguments)]
        for (path, text), before in zip(told.files.items(), clean[node].files.values(), strict=False):
            if shape(text) != shape(before):
                found.append(f"{node}: {path}")
    return found


def refused_well(fault: InventoryFaults) -> None:
    """Each fault has its place, and shows nothing hidden."""
    assert fault.faults
    for one in fault.faults:
        assert re.match(r".+\.yaml:[1-9]\d*:[1-9]\d*: ", str(one)), one
        assert not _INVISIBLE.search(str(one)), repr(str(one))
        assert len(str(one)) < 2000


def judged(folder: Path, field: str, value: str) -> dict[str, Sent] | None:
    """Return what is deployed with *value* in *field*; None when it was refused, at a place and with nothing hidden in the words."""
    file, path = FIELDS[field]
    known = plans(folder)
    every_field.write(folder, {file: every_field.changed(DOCUMENTS[file], path, value, key=field.endswith(".*key"))})
    try:
        return deployed(load(folder), known)
    except InventoryFaults as fault:
        refused_well(fault)
        return None
    finally:
        every_field.write(folder, {file: DOCUMENTS[file]})


def test_every_field_of_the_models_stands_in_the_inventory_that_is_spoilt() -> None:
    known = {
        f"{room}{pattern}" for room, model in every_field.MODELS.items() for pattern in every_field.declared(model)
    }
    assert known - FIELDS.keys() == set()
    assert len(FIELDS) >= 90
    assert len(set(values())) == 40


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_a_hostile_value_is_refused_with_its_place_or_stays_a_value(
    folder: Path, clean: dict[str, Sent], field: str
) -> None:
    file, path = FIELDS[field]
    own = str(path[-1]) if field.endswith(".*key") else every_field.at(DOCUMENTS[file], path)
    turn = sorted(FIELDS).index(field)
    for number, value in enumerate(values()):
        whole = (
            value if (number + turn) % 2 else own + value
        )  # alone, or behind a good value: the next field has it the other way
        sent = judged(folder, field, whole)
        assert sent is None or beyond(sent, clean) == [], whole[:80]


def test_the_name_of_a_sites_file_is_judged_as_well(folder: Path) -> None:
    for value in values():
        if "/" in value or "\0" in value or len(value) > 200 or value.startswith("."):
            continue  # no such file can be, or none that is read
        path = folder / "sites" / f"{value}.yaml"
        path.write_text(json.dumps(DOCUMENTS["sites/ons.yaml"]))
        try:
            with pytest.raises(InventoryFaults) as fault:
                load(folder)
            assert not _INVISIBLE.search(str(fault.value)), repr(str(fault.value))
        finally:
            path.unlink()


def test_some_hostile_values_are_taken_and_reach_files_and_arguments(folder: Path) -> None:
    """The walls behind the types are tried, not only the types."""
    value = "-'; touch x; ' {{ 7*7 }} $(id) `id` %n #{7}"
    reached = {
        field
        for field in FIELDS
        if any(value in text for one in (judged(folder, field, value) or {}).values() for text in one.every())
    }
    assert reached == {"ministry.flows[].reason", "ministry.people.*.name.fr"}


def test_what_the_comparison_would_find(folder: Path, clean: dict[str, Sent]) -> None:
    """A setting, a statement or a program that came out of a value is found."""
    node = "gw-hq"
    told = clean[node]

    def found(**changed: Any) -> list[str]:
        made = Sent(dict(told.files), set(told.shell), list(told.arguments))
        for name, value in changed.items():
            getattr(made, name).update(value)
        return beyond({node: made}, clean)

    rules = told.files["/etc/nftables.conf"]
    assert found() == []
    assert found(shell={"touch x"})
    assert found(files={"/etc/nftables.conf": rules + "add rule\n"})
    assert found(
        files={"/etc/nftables.conf": rules.replace('comment "management"', 'comment "x" accept comment "management"')}
    )
    assert found(files={"/etc/nftables.conf": rules.replace('comment "management"', 'comment "x"; accept')})
    assert found(files={"/etc/other": "x"})


def test_a_hostile_argument_of_a_program_is_never_run(tmp_path: Path) -> None:
    for value in values("-argument"):
        if "\0" in value or len(value) > 90_000:
            continue  # no process takes such an argument
        line = program('printf "%s" "$1"', value).get_raw_value()
        done = subprocess.run(["sh", "-c", line], capture_output=True, check=True, cwd=tmp_path, timeout=10)
        assert done.stdout == value.encode()
    assert not list(Path(MARKER).parent.glob(f"{Path(MARKER).name}-argument*"))
    assert not list(tmp_path.iterdir())
