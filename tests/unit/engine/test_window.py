"""What makes one change of the way to a node, what it touches, and what the node's answers mean."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from wizara import tree
from wizara.blueprint import derive
from wizara.cli.main import main
from wizara.engine import window
from wizara.engine.companion import Pending
from wizara.engine.envelope import chosen_seconds
from wizara.engine.setting import confirm_seconds
from wizara.engine.window import Span, State, names, spans, touched
from wizara.errors import UsageFault
from wizara.inventory import load
from wizara.operations.change import Change

_SCRIPT = Path(window.__file__).with_name("window.sh")


def steps(words: str) -> tuple[Pending, ...]:
    """Return steps from letters: F and U a file and a unit that reach the node, f and u ones that do not, - nothing to do."""
    made = []
    for number, letter in enumerate(words, 1):
        operation = {"f": "file", "u": "unit"}.get(letter.lower(), "")
        changes = (Change(operation, "modify", f"/{number}", reaches_node=letter.isupper()),) if operation else ()
        made.append(Pending(number, str(number), letter, changes))
    return tuple(made)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", []),
        ("fu-", []),
        ("F", [(1, 1)]),
        ("fFfU", [(2, 4)]),
        ("-F-FuUfU-f", [(2, 8)]),
        ("FUfF", [(1, 2), (4, 4)]),
        ("FUfFF", [(1, 2), (4, 5)]),
        ("UF", [(1, 1), (2, 2)]),
    ],
)
def test_a_change_reaches_from_its_first_file_to_its_last_unit(words: str, expected: list[tuple[int, int]]) -> None:
    assert [(span.first, span.last) for span in spans(steps(words))] == expected


def test_what_a_change_touches_is_kept_whether_or_not_it_reaches_the_node() -> None:
    changes = (
        Change("file", "create", "/etc/a"), Change("directory", "modify", "/etc/d"), Change("login", "create", "amine"),
        Change("login", "modify", "essai"), Change("unit", "reload", "nftables.service"), Change("unit", "enable", "nftables.service"),
        Change("unit", "stop", "ufw.service"), Change("packages", "install", "sudo"), Change("file", "modify", "/etc/a"),
    )  # fmt: skip
    found = touched(
        (Pending(1, "1", "before", (Change("file", "modify", "/no"),)), Pending(2, "2", "x", changes)), Span(2, 3)
    )
    assert found == (
        "file=/etc/a", "folder=/etc/d", "home=/home/amine", "reload=nftables.service", "stop=ufw.service",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ([], State("")),
        (["armed 57"], State("armed", "57")),
        (["rolled-back 1795 a;"], State("rolled-back", "1795 a;")),
        ([""], State("")),
    ],
)
def test_an_answer_is_read(answer: list[str], expected: State) -> None:
    assert State.read(answer) == expected


def test_only_names_are_looked_up() -> None:
    plan = derive(load(tree.shipped_inventories() / "mps")).nodes["gw-hq"]
    assert next(iter(names(plan))) == plan.fqdn
    assert plan.apt
    named = replace(
        plan,
        apt=plan.apt.model_copy(update={"mirror": "http://deb.example.test/debian", "security": "http://192.0.2.1/d"}),
    )
    assert list(names(named))[1:] == ["deb.example.test"]


@pytest.mark.parametrize("text", ["4", "601", "", "1e2", "-5", "٦٠", "abc"])
def test_a_timer_that_is_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIZARA_CONFIRM_SECONDS", text)
    with pytest.raises(UsageFault):
        chosen_seconds()
    with pytest.raises(UsageFault, match=f"WIZARA_CONFIRM_SECONDS is '{text}'"):
        confirm_seconds()


@pytest.mark.parametrize("text", ["5", "600", None])
def test_the_timer_is_60_seconds_or_as_it_was_set(text: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WIZARA_CONFIRM_SECONDS", raising=False)
    if text:
        monkeypatch.setenv("WIZARA_CONFIRM_SECONDS", text)
    assert chosen_seconds() == confirm_seconds() == int(text or "60")


def test_a_timer_that_is_none_is_told_before_anything_is_contacted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WIZARA_CONFIRM_SECONDS", "abc")
    with pytest.raises(SystemExit) as ended:
        main(["apply", "mps", "--yes", "--runs", str(tmp_path / "runs")])
    (line,) = capsys.readouterr().err.splitlines()
    assert (ended.value.code, line.partition(" — ")[0]) == (
        2,
        "WIZARA_CONFIRM_SECONDS is 'abc': it should be a number of seconds from 5 to 600",
    )
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("shell", [one for one in ("dash", "sh") if shutil.which(one)])
def test_the_node_s_program_is_plain_shell(shell: str) -> None:
    done = subprocess.run([shell, "-n", str(_SCRIPT)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_node_s_program_needs_nothing_but_debian() -> None:
    text = _SCRIPT.read_text(encoding="ascii")
    assert not {word for word in ("python", "perl", "curl", "wget", "sftp") if word in text}
