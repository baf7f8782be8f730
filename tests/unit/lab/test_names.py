"""A lab that is not there is told, with the way to one."""

from __future__ import annotations

from pathlib import Path

import pytest

from wizara.cli import lab as verb
from wizara.cli.main import main
from wizara.errors import ExitCode, Refusal
from wizara.lab import find, namespace


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIZARA_STATE", str(tmp_path))
    monkeypatch.setattr(namespace, "FOLDER", tmp_path / "netns")
    monkeypatch.setattr(verb, "_be_root", lambda: None)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("status",), ExitCode.DONE, "no lab is up"),
        (("status", "--name", "never-was"), ExitCode.REFUSED, "there is no lab never-was — known: broken"),
        (("status", "--name", "never-was", "--json"), ExitCode.REFUSED, "there is no lab never-was"),
        (("status", "--name", "broken"), ExitCode.DONE, "broken: incomplete"),
        (("exec", "gw", "true"), ExitCode.REFUSED, "wizara lab up MINISTRY brings one up"),
    ],
)
def test_what_is_not_there_is_told(
    words: tuple[str, ...], code: ExitCode, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if "broken" in said:
        (tmp_path / "labs/broken").mkdir(parents=True)
    with pytest.raises(SystemExit) as left:
        main(["lab", *words])
    told = capsys.readouterr()
    assert left.value.code == code
    assert said in told.out + told.err


def test_the_hint_names_the_ministry_that_was_asked_for() -> None:
    with pytest.raises(Refusal) as told:
        find("never-was", "mps")
    assert told.value.hint == "wizara lab up mps --name never-was brings it up"
