"""One of a thing is told as one, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from pyrage import x25519

from wizara import text
from wizara.cli import lab, log, secrets
from wizara.errors import InventoryFaults, UsageFault
from wizara.inventory import secrets as opening
from wizara.inventory.file import read_file
from wizara.inventory.recipients import sealed
from wizara.inventory.required import RequiredSecret
from wizara.inventory.types import Model
from wizara.record import Journal
from wizara.record.journal import Entry


@pytest.fixture(params=["en", "fr"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    text.use(request.param)
    yield request.param
    text.use("en")


@pytest.mark.parametrize("count", [1, 2])
def test_secrets_that_are_missing(count: int, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needed = tuple(RequiredSecret("hq", f"s{number}", "mailbox", ("mail1",), "x") for number in range(count))
    monkeypatch.setattr(opening, "required_secrets", lambda _ministry: needed)
    ministry: Any = SimpleNamespace(folder="mps")
    with pytest.raises(UsageFault) as told:
        opening.secrets_of_nodes(ministry, ["mail1"], tmp_path)
    expected = {
        ("en", 1): "1 secret is missing: hq/s0.age",
        ("en", 2): "2 secrets are missing, first hq/s0.age",
        ("fr", 1): "1 secret manque : hq/s0.age",
        ("fr", 2): "2 secrets manquent, dont hq/s0.age",
    }
    assert told.value.message == expected[(language, count)]


class Nothing(Model):
    """A file without keys."""


@pytest.mark.parametrize("count", [1, 2])
def test_faults_beyond_the_limit(count: int, language: str, tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("".join(f"k{number}: 1\n" for number in range(100 + count)))
    with pytest.raises(InventoryFaults) as told:
        read_file(path, Nothing)
    expected = {
        ("en", 1): "and 1 fault more",
        ("en", 2): "and 2 faults more",
        ("fr", 1): "et 1 faute de plus",
        ("fr", 2): "et 2 fautes de plus",
    }
    assert [one.message for one in told.value.faults if "k" not in one.message] == [expected[(language, count)]]


def test_a_journal_of_one_entry(language: str, tmp_path: Path) -> None:
    with Journal.open(tmp_path):
        pass
    said = CliRunner().invoke(log.command, ["verify", "--runs", str(tmp_path)], standalone_mode=False).stdout
    assert {"en": "whole: 1 entry;", "fr": "intègre : 1 entrée ;"}[language] in said
    assert log._verdict(2, 1).endswith({"en": "entries, 1 node has seen it", "fr": "entrées, 1 nœud l'a vu"}[language])
    entry = Entry(seq=1, time="", run="r", kind="intent", node="dc1", body='{"steps": [1]}', previous="", hash="")
    assert log._words(entry) == {"en": "1 step is going to change it", "fr": "1 étape va le modifier"}[language]


def test_one_secret_of_one_recipient(language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = x25519.Identity.generate()
    word = str(key.to_public())
    (tmp_path / "secrets" / "hq").mkdir(parents=True)
    (tmp_path / "secrets" / "hq" / "ca.age").write_bytes(sealed("x", [word]))
    (tmp_path / "identity").write_text(f"{key}\n")
    ministry = SimpleNamespace(
        declaration=SimpleNamespace(recipients=(word,)), enrolled=SimpleNamespace(recipients=()), folder=str(tmp_path)
    )
    monkeypatch.setattr(secrets, "_where", lambda *_words: (ministry, tmp_path, tmp_path / "identity"))
    said = CliRunner().invoke(secrets.command, ["rekey", "x"], standalone_mode=False).stdout.splitlines()[0]
    one = "1 secret est désormais chiffré pour 1 destinataire"
    assert said == {"en": "1 secret is encrypted to 1 recipient now", "fr": one}[language]


def test_one_node_and_one_host(language: str) -> None:
    assert lab._size(1, 1) == {"en": "1 node, 1 host", "fr": "1 nœud, 1 hôte"}[language]
    assert lab._size(2, 0) == {"en": "2 nodes, 0 hosts", "fr": "2 nœuds, 0 hôte"}[language]
