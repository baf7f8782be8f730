"""Secrets when people come and go: encrypted anew to who is declared, and who left is told what they still know."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import bcrypt
import pytest
from click.testing import CliRunner
from pyrage import x25519

from wizara.cli import secrets as verbs
from wizara.errors import UsageFault
from wizara.inventory import load, minting
from wizara.inventory.generate import Generation
from wizara.inventory.recipients import RECORD, Record, read_record
from wizara.inventory.rekey import rekey, secret_names
from wizara.inventory.secrets import open_secrets, read_identity


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minting, "_ROUNDS", 4)


class Person:
    """Somebody with an age identity in a file."""

    def __init__(self, folder: Path, name: str) -> None:
        key = x25519.Identity.generate()
        self.word = str(key.to_public())
        self.file = folder / f"{name}.age"
        self.file.write_text(f"{key}\n")

    def opens(self, folder: Path, name: str) -> bool:
        try:
            open_secrets(folder, [name], read_identity(self.file))
        except UsageFault:
            return False
        return True


@pytest.fixture
def awa(tmp_path: Path) -> Person:
    return Person(tmp_path, "awa")


@pytest.fixture
def karim(tmp_path: Path) -> Person:
    return Person(tmp_path, "karim")


def declare(mps: Path, *people: Person) -> None:
    path = mps / "ministry.yaml"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("recipients:")]
    lines.insert(lines.index("apt:"), f"recipients: [{', '.join(one.word for one in people)}]")
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def made(mps: Path, awa: Person, karim: Person) -> Path:
    declare(mps, awa, karim)
    Generation(load(mps), mps, awa.file).run()
    return mps


def test_who_can_open_each_secret_is_recorded_when_it_is_made(made: Path, awa: Person, karim: Person) -> None:
    record = read_record(made / "secrets").recipients
    assert set(record) == set(secret_names(made / "secrets"))
    assert set(map(frozenset, record.values())) == {frozenset({awa.word, karim.word})}


def test_a_leaver_opens_nothing_any_more_and_what_they_know_is_listed(made: Path, awa: Person, karim: Person) -> None:
    before = open_secrets(made / "secrets", secret_names(made / "secrets"), read_identity(awa.file))
    declare(made, awa)
    done = rekey(load(made), made, awa.file)
    folder = made / "secrets"
    assert done.left == {karim.word: secret_names(folder)}
    assert done.unknown == ()
    assert all(awa.opens(folder, name) and not karim.opens(folder, name) for name in secret_names(folder))
    assert open_secrets(folder, secret_names(folder), read_identity(awa.file)) == before


def changed(made: Path, awa: Person, name: str, text: str) -> int:
    return verb("edit", str(made), name, "--identity", str(awa.file), "--stdin", stdin=text)[0]


def listed(made: Path) -> set[str]:
    """Return the secrets that are told without a key, and see to it that none is written."""
    before = (made / "secrets" / RECORD).read_bytes()
    code, out, err = verb("rekey", str(made), "--list")
    assert (made / "secrets" / RECORD).read_bytes() == before
    names = {line.strip() for line in out.splitlines() if line.startswith("  ")}
    assert code == (4 if names else 0)
    assert ("rekey" in err) == bool(names)
    return names


def test_what_a_leaver_knows_is_listed_until_each_is_another_one(made: Path, awa: Person, karim: Person) -> None:
    declare(made, awa)
    everything = set(secret_names(made / "secrets"))
    assert listed(made) == everything  # before anything was encrypted anew
    assert set(rekey(load(made), made, awa.file).left[karim.word]) == everything
    assert set(rekey(load(made), made, awa.file).left[karim.word]) == everything
    assert changed(made, awa, "hq/mailbox-dsi", "a quite new password") == 0
    assert listed(made) == everything - {"hq/mailbox-dsi"}
    (made / "secrets" / "hq" / "mail1-tls.age").unlink()
    assert listed(made) == everything - {"hq/mailbox-dsi", "hq/mail1-tls"}
    Generation(load(made), made, awa.file).run()
    assert set(rekey(load(made), made, awa.file).left[karim.word]) == everything - {"hq/mailbox-dsi", "hq/mail1-tls"}
    code, out, err = verb("rekey", str(made), "--identity", str(awa.file))
    assert (code, "hq/ca" in out) == (4, True)
    assert err == f"they are listed until each is another one: wizara secrets rekey {made} --list\n"


def test_who_comes_back_is_listed_no_more_and_who_leaves_next_is(made: Path, awa: Person, karim: Person) -> None:
    declare(made, awa)
    rekey(load(made), made, awa.file)
    declare(made, awa, karim)
    rekey(load(made), made, awa.file)
    assert listed(made) == set()
    declare(made, karim)
    assert set(rekey(load(made), made, awa.file).left) == {awa.word}


def test_another_hash_or_certificate_of_the_same_secret_renews_nothing(made: Path, awa: Person) -> None:
    declare(made, awa)
    rekey(load(made), made, awa.file)
    names = ("hq/mailbox-dsi", "hq/mail1-tls", "hq/ca", "hq/dkim-mps-gov-test")
    opened = open_secrets(made / "secrets", names, read_identity(awa.file))
    password = json.loads(opened["hq/mailbox-dsi"].reveal())["password"]
    code, _out, err = verb("edit", str(made), "hq/mailbox-dsi", "--identity", str(awa.file), "--stdin", stdin=password)
    assert (code, "hq/mailbox-dsi: a part of it is as it was" in err) == (0, True)
    for name in names[1:]:
        assert changed(made, awa, name, opened[name].reveal() + "\n") == 0
    assert set(names) <= listed(made)
    assert changed(made, awa, "hq/dkim-mps-gov-test", minting.signing_key()) == 0
    assert listed(made) & set(names) == set(names) - {"hq/dkim-mps-gov-test"}


@pytest.mark.parametrize(
    ("after", "renewed"),
    [
        ("community: new\nauthentication: new words\n", True),
        ("community: new\nauthentication: old words\n", False),
        ("authentication: old one\n", False),
    ],
)
def test_a_device_is_renewed_when_all_its_words_are(after: str, renewed: bool) -> None:
    before = "community: old one\nauthentication: old words\n"
    assert (not minting.essence("snmp", before) & minting.essence("snmp", after)) == renewed


def test_a_newcomer_opens_everything_after_a_rekey(made: Path, awa: Person, karim: Person, tmp_path: Path) -> None:
    issa = Person(tmp_path, "issa")
    declare(made, awa, karim, issa)
    assert rekey(load(made), made, karim.file).left == {}
    assert all(issa.opens(made / "secrets", name) for name in secret_names(made / "secrets"))


def test_without_a_record_every_secret_is_told_as_unknown(made: Path, awa: Person) -> None:
    (made / "secrets" / RECORD).unlink()
    declare(made, awa)
    everything = secret_names(made / "secrets")
    assert rekey(load(made), made, awa.file).unknown == everything
    assert rekey(load(made), made, awa.file).unknown == everything
    assert changed(made, awa, "hq/mailbox-dsi", "a quite new password") == 0
    assert listed(made) == set(everything) - {"hq/mailbox-dsi"}


def test_who_cannot_open_them_all_changes_nothing(made: Path, karim: Person, tmp_path: Path) -> None:
    stranger = Person(tmp_path, "stranger")
    kept = {path: path.read_bytes() for path in (made / "secrets").rglob("*") if path.is_file()}
    declare(made, karim)
    with pytest.raises(UsageFault, match="cannot be opened"):
        rekey(load(made), made, stranger.file)
    assert {path: path.read_bytes() for path in kept} == kept


def verb(*words: str, stdin: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(verbs.command, list(words), input=stdin, standalone_mode=False)
    if result.exception and not isinstance(result.exception, UsageFault):
        raise result.exception
    return (2 if result.exception else int(result.return_value or 0)), result.stdout, result.stderr


def test_a_secret_is_shown_to_who_can_open_it(made: Path, awa: Person) -> None:
    code, out, _err = verb("show", str(made), "hq/mailbox-dsi", "--identity", str(awa.file))
    opened = open_secrets(made / "secrets", ["hq/mailbox-dsi"], read_identity(awa.file))
    assert (code, out) == (0, opened["hq/mailbox-dsi"].reveal())
    assert verb("show", str(made), "hq/mailbox-dsy", "--identity", str(awa.file))[0] == 2
    assert "hq/mailbox-dsi  2\n" in verb("show", str(made))[1]


def test_an_editor_changes_a_secret_and_its_text_never_touches_a_disk(
    made: Path, awa: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor"
    editor.write_text(
        f'#!/bin/sh\necho "$(stat -c "%a %n" "$1") $(stat -f -c %T "$1")" > {tmp_path}/seen\nprintf "new words of a person" > "$1"\n'
    )
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    assert verb("edit", str(made), "hq/mailbox-dsi", "--identity", str(awa.file))[0] == 0
    mode, path, kind = (tmp_path / "seen").read_text().split()
    assert (mode, kind) == ("600", "tmpfs")
    assert not Path(path).exists()
    told = json.loads(verb("show", str(made), "hq/mailbox-dsi", "--identity", str(awa.file))[1])
    assert told["password"] == "new words of a person"
    assert bcrypt.checkpw(told["password"].encode(), told["hash"].encode())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hq/ca", "x"), ("hq/ca", minting.signing_key()), ("hq/mail1-tls", "x"), ("hq/mail1-tls", "-----BEGIN CERTIFICATE-----\nMIIB\n"),
        ("hq/dkim-mps-gov-test", "x"), ("hq/mailbox-dsi", "short"), ("hq/mailbox-dsi", "two\nlines of a word"),
        ("hq/mailbox-dsi", '{"password": "another one here", "hash": "$2b$04$aaaaaaaaaaaaaaaaaaaaaOmFuVWV"}'), ("hq/mailbox-dsi", "{"),
        ("hq/mailbox-dsi", '{"password": 1, "hash": []}'),
    ],
)  # fmt: skip
def test_what_is_no_such_secret_is_refused_and_not_written(made: Path, awa: Person, name: str, text: str) -> None:
    path = made / "secrets" / f"{name}.age"
    kept = path.read_bytes()
    assert verb("edit", str(made), name, "--identity", str(awa.file), "--stdin", stdin=text)[0] == 2
    assert path.read_bytes() == kept


def test_what_is_such_a_secret_is_taken(made: Path, awa: Person) -> None:
    other = minting.authority(load(made).declaration)
    assert verb("edit", str(made), "hq/ca", "--identity", str(awa.file), "--stdin", stdin=other)[0] == 0
    served = minting.server(other, ("mail1.hq.mps.gov.test",))
    assert verb("edit", str(made), "hq/mail1-tls", "--identity", str(awa.file), "--stdin", stdin=served)[0] == 0
    assert load(made).enrolled.authority == minting.certificate_of(other)


@pytest.mark.parametrize("editor", ["'", " ", "rm", "sh -c 'printf \"\\377\" > $0'"])
def test_an_editor_that_leaves_no_text_changes_nothing(
    made: Path, awa: Person, monkeypatch: pytest.MonkeyPatch, editor: str
) -> None:
    path = made / "secrets" / "hq" / "mailbox-dsi.age"
    kept = path.read_bytes()
    monkeypatch.setenv("VISUAL", editor)
    assert verb("edit", str(made), "hq/mailbox-dsi", "--identity", str(awa.file))[0] == 2
    assert path.read_bytes() == kept


def test_an_editor_that_fails_and_an_empty_text_change_nothing(
    made: Path, awa: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made / "secrets" / "hq" / "mailbox-dsi.age"
    kept = path.read_bytes()
    monkeypatch.setenv("VISUAL", "false")
    assert verb("edit", str(made), "hq/mailbox-dsi", "--identity", str(awa.file))[0] == 2
    assert verb("edit", str(made), "hq/mailbox-dsi", "--identity", str(awa.file), "--stdin", stdin="\n")[0] == 2
    assert path.read_bytes() == kept
    assert stat.S_ISREG(path.stat().st_mode)


def test_a_new_signing_key_is_learnt_with_its_public_half(made: Path, awa: Person) -> None:
    before = load(made).enrolled.dkim["mps.gov.test"]
    code, _out, _err = verb(
        "edit", str(made), "hq/dkim-mps-gov-test", "--identity", str(awa.file), "--stdin", stdin=minting.signing_key()
    )
    assert code == 0
    assert load(made).enrolled.dkim["mps.gov.test"] != before


@pytest.mark.parametrize(
    "content",
    [
        '{"keys": [null, "a"], "secrets": {"hq/ca": [0, 1]}}', '{"keys": [[1]], "secrets": {}}', '{"keys": ["a"], "secrets": {"hq/ca": [-1]}}',
        '{"keys": ["a\\u001b[2J"], "secrets": {}}', "[" * 100_000, '{"keys": ["a"], "secrets": {"hq/ca": ["0"]}}',
    ],
    ids=range(6),
)  # fmt: skip
def test_a_record_that_is_none_is_one_clear_fault(made: Path, content: str) -> None:
    (made / "secrets" / RECORD).write_text(content)
    with pytest.raises(UsageFault, match="the record of recipients is damaged"):
        read_record(made / "secrets")


def test_who_only_changes_the_comment_of_a_key_has_not_left() -> None:
    record = Record({"hq/ca": ("ssh-ed25519 AAAA", "ssh-ed25519 BBBB karim@office")})
    assert record.knowing("hq/ca", ["ssh-ed25519 AAAA awa@laptop"]) == ("ssh-ed25519 BBBB karim@office",)
