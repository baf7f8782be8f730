"""What root writes for a person behind sudo is his in the end: state, cache and run records, but no machine's own file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wizara.lab import ownership

RUN = "20260101T000000Z-audit-mps-0000"


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What was given back, beside the folder *tmp_path* that is his home."""
    paths: set[str] = set()
    monkeypatch.setenv("SUDO_UID", "1000")
    monkeypatch.setattr(ownership, "home", lambda: tmp_path)
    monkeypatch.setattr(ownership, "state_folder", lambda: tmp_path / ".local/state/wizara")
    monkeypatch.setattr(ownership, "cache_folder", lambda: tmp_path / ".cache/wizara")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(ownership, "_is_roots", lambda path: path.name != "his")
    monkeypatch.setattr(
        os, "chown", lambda path, owner, group, *, follow_symlinks: paths.add(str(Path(path).relative_to(tmp_path)))
    )
    return paths


def written(*names: str, root: Path) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")


def test_state_and_cache_are_his_and_machines_stay_their_own(given: set[str], tmp_path: Path) -> None:
    written(
        ".local/state/wizara/labs/x/lab.json",
        ".local/state/wizara/labs/x/machines/gw/etc",
        ".cache/wizara/roots/trixie/bin",
        root=tmp_path,
    )
    ownership.give_back()
    assert given == {
        ".local", ".local/state", ".local/state/wizara", ".local/state/wizara/labs", ".local/state/wizara/labs/x",
        ".local/state/wizara/labs/x/lab.json", ".local/state/wizara/labs/x/machines", ".cache", ".cache/wizara", ".cache/wizara/roots",
    }  # fmt: skip


def test_run_records_are_his_and_nothing_beside_them(given: set[str], tmp_path: Path) -> None:
    runs = tmp_path / "work/runs"
    written(f"{RUN}/run.json", f"{RUN}/his", "other/file", "file", root=runs)
    (runs / RUN.replace("0000", "0001")).symlink_to(tmp_path)
    ownership.give_back_runs(runs, None)
    assert given == {f"work/runs/{RUN}", f"work/runs/{RUN}/run.json"}
    given.clear()
    ownership.give_back_runs(runs, tmp_path / "work")
    assert given == {"work", "work/runs", f"work/runs/{RUN}", f"work/runs/{RUN}/run.json"}


def test_nothing_is_given_where_nobody_stands_behind(
    given: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(".cache/wizara/x", root=tmp_path)
    monkeypatch.delenv("SUDO_UID")
    ownership.give_back()
    assert given == set()
