"""A plan or apply that came to an end is recorded as ended, however it ended; only a killed one stays open."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import pytest

from wizara import tree
from wizara.cli import provision
from wizara.cli.world import Scene
from wizara.errors import Unfinished
from wizara.inventory import load
from wizara.record import RunFolder
from wizara.record.progress import Planned
from wizara.record.world import World


class FakeSession:
    """A worker that says what the test wants."""

    said: Any = ()

    def __init__(self, *_details: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        pass

    def events(self) -> Any:
        if isinstance(self.said, BaseException):
            raise self.said
        return iter(self.said)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ((Planned(node="dc1", changes=()),), 0),
        (Unfinished("no"), 3),
        (KeyboardInterrupt(), 130),
        (RuntimeError("bug"), 1),
    ],
)
def test_the_end_of_a_run_is_recorded(said: Any, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeSession, "said", said)
    monkeypatch.setattr(provision, "Session", FakeSession)
    monkeypatch.setattr(provision, "refuse_unenrolled", lambda *_: None)
    monkeypatch.setattr(provision, "secrets_of_nodes", lambda *_: {})
    scene = Scene(load(tree.shipped_inventories() / "mps"), World())
    plan = provision.Provision(scene, "plan", ("dc1",), tmp_path)
    if isinstance(said, BaseException):
        with pytest.raises(type(said)):
            plan.run()
    else:
        plan.run()
    run = RunFolder.open(tmp_path, "last").run
    assert run.ended is not None
    assert run.exit_code == code
