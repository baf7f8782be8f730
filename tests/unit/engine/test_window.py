"""What makes one change of the way to a node, what it touches, and what the node's answers mean."""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from wizara import tree
from wizara.blueprint import derive
from wizara.cli.main import main
from wizara.engine import window
from wizara.engine.companion import Pending
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
    with pytest.raises(UsageFault, match=f"WIZARA_CONFIRM_SECONDS is '{text}'"):
        confirm_seconds()


@pytest.mark.parametrize("text", ["5", "600", None])
def test_the_timer_is_60_seconds_or_as_it_was_set(text: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WIZARA_CONFIRM_SECONDS", raising=False)
    if text:
        monkeypatch.setenv("WIZARA_CONFIRM_SECONDS", text)
    assert confirm_seconds() == int(text or "60")


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


def test_what_its_timer_forgets_while_it_is_kept_is_remembered(tmp_path: Path) -> None:
    """Who keeps a change and the timer of it end at once: a line that one wrote is not lost to the other's trimming of the history."""
    stubs = {
        "systemctl": "",
        "sync": '[ "$1" = -f ] || /bin/sleep 0.15',
        "sleep": "/bin/sleep 0.01",
        "tail": '/usr/bin/tail "$@"; /bin/sleep 0.3',
    }
    for name, does in stubs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    moved = {
        "/var/lib/wizara": tmp_path / "kept",
        "/run/wizara": tmp_path / "live",
        "systemd=/etc": f"systemd={tmp_path}",
        "PATH=/usr/sbin": f"PATH={tmp_path}",
    }
    text = _SCRIPT.read_text(encoding="ascii")
    for place, other in moved.items():
        assert place in text
        text = text.replace(place, str(other))
    script = tmp_path / "window"
    script.write_text(text)
    change, live = tmp_path / "kept/changes/run-1", tmp_path / "live/changes/run-1"
    for folder in (change, live):
        folder.mkdir(parents=True)
    (change / "armed").touch()
    (live / "deadline").write_text("99999999999")
    (change.parent / "history").write_text("run-0 kept 1 \n")
    with subprocess.Popen(["sh", str(script), "watch", "run-1"]) as timer:
        time.sleep(0.1)
        kept = subprocess.run(["sh", str(script), "keep", "run-1"], capture_output=True, text=True, check=True)
        assert timer.wait(10) == 0
    assert State.read(kept.stdout.splitlines()).word == "kept"
    assert [line.split()[:2] for line in (change.parent / "history").read_text().splitlines()] == [
        ["run-0", "kept"],
        ["run-1", "kept"],
    ]
    asked = subprocess.run(["sh", str(script), "status", "run-1"], capture_output=True, text=True, check=True)
    assert State.read(asked.stdout.splitlines()).word == "kept"
    assert sorted(path.name for path in change.parent.iterdir()) == ["history", "lock"]
