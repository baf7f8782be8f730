"""A lab's control groups are made where this process may make them, and found by their name."""

from __future__ import annotations

from pathlib import Path

import pytest

from wizara.lab import cgroup, namespace


@pytest.fixture
def mount(tmp_path, monkeypatch):
    monkeypatch.setattr(cgroup, "_MOUNT", tmp_path)
    monkeypatch.setenv("WIZARA_STATE", str(tmp_path / "state"))
    return tmp_path


def test_a_group_is_found_wherever_it_was_made(mount):
    for base in ("systemd", "unified/some.scope"):
        (mount / base / cgroup.folder("one") / "gw/payload").mkdir(parents=True)
    (mount / "systemd/wizara.one-more").mkdir()
    found = cgroup.groups("one")
    assert len(found) == 6
    assert all(cgroup.folder("one") in group.parts for group in found)
    assert [len(group.parts) for group in found] == sorted((len(group.parts) for group in found), reverse=True)


def test_hybrid_groups_are_made_in_each_hierarchy_that_is_there(mount):
    for name in ("systemd", "memory", "blkio"):
        (mount / name).mkdir()
        (mount / name / "cgroup.procs").touch()
    assert cgroup.bases() == [mount / "systemd", mount / "memory"]


def test_a_unified_group_is_made_within_this_processs_own(mount):
    (mount / "cgroup.controllers").touch()
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    own = next((line[3:] for line in lines if line.startswith("0::")), "/")
    assert cgroup.bases() == [mount / own.lstrip("/")]


def test_removing_takes_the_groups_of_that_lab_only(mount):
    (mount / "systemd" / cgroup.folder("one") / "gw").mkdir(parents=True)
    (mount / "systemd" / cgroup.folder("two")).mkdir()
    cgroup.remove("one")
    assert [path.name for path in (mount / "systemd").iterdir()] == [cgroup.folder("two")]


def test_a_lab_of_the_same_name_in_another_state_folder_is_another_lab(mount, monkeypatch):
    monkeypatch.setattr(namespace, "FOLDER", mount / "netns")
    monkeypatch.setenv("WIZARA_STATE", str(mount / "his"))
    (mount / "systemd" / cgroup.folder("demo") / "gw").mkdir(parents=True)
    (mount / "netns").mkdir()
    namespace.path("demo", "core").touch()
    assert (cgroup.groups("demo"), namespace.of_lab("demo"), namespace.labs()) != ([], [], set())
    monkeypatch.setenv("WIZARA_STATE", str(mount / "mine"))
    assert (cgroup.groups("demo"), namespace.of_lab("demo"), namespace.labs()) == ([], [], set())
    assert namespace.any_lab()  # what the computer's labs share stays as they need it
