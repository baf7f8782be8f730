"""A folder for run records that is none, or cannot be one, is one clear line and exit code 2; nothing is made or contacted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wizara.cli.main import main
from wizara.cli.options import RunsFolder
from wizara.record.unwritable import Unwritable, writing

VERBS = (
    ["plan", "mps"], ["apply", "mps", "--yes"], ["drift", "mps"], ["verify", "mps"], ["audit", "mps", "hq"], ["audit", "config", "x"],
    ["report", "last"], ["log"], ["log", "verify"], ["run"],
)  # fmt: skip


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    out, err = capsys.readouterr()
    assert out == ""
    return int(ended.value.code or 0), err


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
@pytest.mark.parametrize(
    ("runs", "reason"),
    [
        ("/dev/null", "/dev/null is no folder"),
        ("file", "{here}/file is no folder"),
        ("file/below", "{here}/file is no folder"),
        ("x" * 300, "File name too long"),
    ],
    ids=["device", "file", "below a file", "long"],
)
def test_what_is_no_folder_is_one_line(
    words: list[str],
    runs: str,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    code, err = told(capsys, *words, "--runs", runs)
    expected = f"run records cannot be kept in {runs}: {reason.format(here=tmp_path)}"
    assert (code, err) == (2, f"{expected} — --runs names a folder, which is made where there is none\n")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_one_may_not_enter_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "access", lambda *_words, **_more: False)  # root may enter every folder
    code, err = told(capsys, "run", "--runs", str(tmp_path / "runs"))
    assert (code, "Permission denied" in err, err.count("\n")) == (2, True, 1)


@pytest.mark.parametrize("below", ["", "runs", "a/b/runs"])
def test_a_folder_that_can_be_made_is_taken_and_not_made_yet(below: str, tmp_path: Path) -> None:
    assert RunsFolder().convert(str(tmp_path / below), None, None) == str(tmp_path / below)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "full"), [(28, True), (13, False), (20, False)])
def test_room_is_asked_for_only_where_there_is_none(number: int, full: bool) -> None:
    with pytest.raises(Unwritable) as fault, writing(Path("x")):
        raise OSError(number, os.strerror(number))
    assert ("make room" in str(fault.value)) == full
