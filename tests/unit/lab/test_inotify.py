"""The limit of inotify instances is what it was once the last lab is down."""

from __future__ import annotations

import pytest

from wizara.lab import inotify, namespace


@pytest.fixture
def limit(tmp_path, monkeypatch):
    (tmp_path / "limit").write_text("128\n")
    monkeypatch.setattr(inotify, "_LIMIT", tmp_path / "limit")
    monkeypatch.setattr(inotify, "_MEMORY", tmp_path / "memory")
    monkeypatch.setattr(namespace, "FOLDER", tmp_path / "netns")
    (tmp_path / "netns").mkdir()
    return tmp_path


def test_two_labs_leave_the_first_ones_limit(limit):
    inotify.raise_limit()
    (limit / "netns/wz-one.core").touch()
    inotify.raise_limit()
    (limit / "netns/wz-two.core").touch()
    assert inotify.current() == inotify.NEEDED
    (limit / "netns/wz-one.core").unlink()
    inotify.restore()
    assert inotify.current() == inotify.NEEDED
    (limit / "netns/wz-two.core").unlink()
    inotify.restore()
    assert inotify.current() == 128
    inotify.restore()
    assert inotify.current() == 128


def test_a_limit_that_is_high_enough_stays(limit):
    (limit / "limit").write_text("4096")
    inotify.raise_limit()
    inotify.restore()
    assert inotify.current() == 4096
