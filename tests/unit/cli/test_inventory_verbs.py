"""check, init, schema and secrets as a person types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from wizara import text, tree
from wizara.cli.main import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        out, err = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, out, err

    yield call  # type: ignore[misc]
    text.use("en")


def test_a_valid_ministry_is_one_line_and_notes(run: Run) -> None:
    code, out, err = run("check", "mps")
    assert code == 0
    assert out.startswith("mps: 3 sites, ")
    assert "note: not enrolled: gw-cneap, gw-hq" in err
    assert err.endswith("next: wizara show mps\n")


def test_the_next_command_names_the_ministry_wherever_one_stands(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("init", "abc")[0] == 0
    assert run("check", "inventories/abc")[2].endswith("next: wizara show abc\n")
    run("init", "far", "--folder", "elsewhere")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert run("check", ".")[2].endswith(f"next: wizara show {tmp_path / 'elsewhere'}\n")


def test_an_unknown_ministry_is_told_each_known_one_once(run: Run, tmp_path: Path) -> None:
    run("init", "mps")
    code, _out, err = run("check", "quite-another")
    assert code == 2
    assert err.count("mps") == 1


def test_faults_are_lines_on_stderr_and_exit_code_2(run: Run, tmp_path: Path) -> None:
    run("init", "abc", "--folder", "abc")
    path = tmp_path / "abc" / "sites" / "hq.yaml"
    path.write_text(
        path.read_text()
        .replace("release: trixie", "release: trixi", 1)
        .replace("manage: 10.1.99.10", "manag: 10.1.99.10")
    )
    code, out, err = run("check", "abc")
    assert (code, out) == (2, "")
    lines = err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["abc/sites/hq.yaml"] * 2
    assert "did you mean 'trixie'?" in lines[0]
    assert "did you mean 'manage'?" in lines[1]


def test_faults_as_json_have_their_place(run: Run, tmp_path: Path) -> None:
    run("init", "abc", "--folder", "abc")
    path = tmp_path / "abc" / "ministry.yaml"
    path.write_text(path.read_text().replace("country: DZ", "country: dz"))
    code, out, err = run("check", "abc", "--json")
    result = json.loads(out)
    assert (code, err, result["valid"]) == (2, "", False)
    (fault,) = result["faults"]
    assert fault["place"] == {"file": "abc/ministry.yaml", "line": 7, "column": 10, "path": "country"}
    assert set(fault) == {"place", "message", "hint"}


BESIDE = (
    ("exceptions.yaml", "- fingerprint: 0123456789\n  reason: old\n  owner: awa\n  accepted: 2026-01-10\n  expires: tomorrow\n",
     "5:12: [0].expires: 'tomorrow' should be a date such as 2026-01-31"),
    ("mandate.yaml", "hours: [8-12]\n", "1:9: hours[0]: '8-12' should be written 08:00-18:00"),
    ("rehearsal.yaml", "outside_: {}\n", "1:1: outside_: unknown key 'outside_' — did you mean 'outside'?"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "content", "told"), BESIDE, ids=[one[0] for one in BESIDE])
def test_what_stands_beside_the_inventory_is_read_too(
    name: str, content: str, told: str, run: Run, tmp_path: Path
) -> None:
    run("init", "abc", "--folder", "abc")
    (tmp_path / "abc" / name).write_text(content)
    path = tmp_path / "abc" / "sites" / "hq.yaml"
    path.write_text(path.read_text().replace("release: trixie", "release: trixi", 1))
    code, out, err = run("check", "abc")
    assert (code, out) == (2, "")
    assert f"abc/{name}:{told}" in err.splitlines()
    assert "did you mean 'trixie'?" in err


def test_a_valid_ministry_as_json(run: Run) -> None:
    code, out, _err = run("check", "mps", "--json")
    result = json.loads(out)
    assert code == 0
    assert set(result) == {"valid", "faults", "notes", "name", "sites", "nodes", "people"}


def test_what_init_writes_is_valid_and_nothing_is_overwritten(run: Run, tmp_path: Path) -> None:
    code, out, err = run("init", "beta")
    assert code == 0
    assert out.splitlines() == [
        f"inventories/beta/{name}" for name in ("ministry.yaml", "sites/hq.yaml", "sites/institution.yaml")
    ]
    assert "next: edit these files, then: wizara check inventories/beta" in err
    code, _out, err = run("check", "beta")
    assert code == 0
    assert "the SSH key is still the example's, and nobody has it: first" in err
    before = (tmp_path / "inventories" / "beta" / "ministry.yaml").read_bytes()
    code, _out, err = run("init", "beta")
    assert code == 2
    assert "is there already; nothing was written" in err
    assert (tmp_path / "inventories" / "beta" / "ministry.yaml").read_bytes() == before


@pytest.mark.parametrize("name", ["../x", "A", "", "a b", "x" * 40])
def test_init_refuses_a_name_that_is_none(name: str, run: Run, tmp_path: Path) -> None:
    code, _out, err = run("init", name)
    assert code == 2
    assert "the name of a ministry should be" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["ministry", "site"])
def test_schema_prints_what_is_shipped(kind: str, run: Run) -> None:
    code, out, _err = run("schema", kind)
    assert code == 0
    assert out == (tree.shipped_inventories() / "schema" / f"{kind}.json").read_text()


def test_secrets_need_recipients(run: Run) -> None:
    run("init", "abc", "--folder", "abc")
    code, out, err = run("secrets", "generate", "abc")
    assert (code, out) == (2, "")
    assert err == (
        "abc/ministry.yaml:1:1: nobody could open the secrets: no recipients are declared — "
        "add an age or ssh-ed25519 public key to 'recipients'\n"
    )


def test_words_are_french_when_asked(run: Run) -> None:
    code, out, err = run("--lang", "fr", "check", "mps")
    assert code == 0
    assert "aucune faute" in out
    assert "remarque : non enrôlés" in err


def test_a_misspelt_verb_is_told_with_its_neighbour(run: Run) -> None:
    code, _out, err = run("chek", "mps")
    assert code == 2
    assert "no verb 'chek' — did you mean 'check'?" in err
