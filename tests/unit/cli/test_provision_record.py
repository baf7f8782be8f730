"""A plan or apply that came to an end is recorded as ended, however it ended; only a killed one stays open."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from wizara import tree
from wizara.cli import provision
from wizara.cli.world import Scene
from wizara.errors import Unfinished
from wizara.inventory import load
from wizara.record import RunFolder
from wizara.record.progress import Ended, Planned, PlannedChange, Step
from wizara.record.unwritable import writing
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


@pytest.fixture
def apply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., provision.Provision]:
    """Make an apply on some nodes whose worker says what it is given."""

    def make(said: Any, *nodes: str) -> provision.Provision:
        monkeypatch.setattr(FakeSession, "said", said)
        monkeypatch.setattr(provision, "Session", FakeSession)
        monkeypatch.setattr(provision, "refuse_unenrolled", lambda *_: None)
        monkeypatch.setattr(provision, "secrets_of_nodes", lambda *_: {})
        return provision.Provision(Scene(load(tree.shipped_inventories() / "mps"), World()), "apply", nodes, tmp_path)

    return make


def test_a_full_disk_hides_no_nodes_outcome(
    apply: Callable[..., provision.Provision], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(folder: RunFolder, name: str, *_what: object) -> None:
        with writing(folder.path / name):
            raise OSError(28, "No space left on device")

    made = apply((Ended(node="dc1", outcome="changed"), Ended(node="gw-hq", outcome="changed")), "dc1", "gw-hq")
    monkeypatch.setattr(RunFolder, "append", full)
    result = made.run()
    assert (result.exit_code, {one.node: one.outcome for one in result.nodes}) == (
        3,
        {"dc1": "changed", "gw-hq": "changed"},
    )
    assert capsys.readouterr().err.count("cannot be written: No space left on device") == 1


def window(node: str, seconds: int) -> Step:
    return Step(node=node, phase="apply", name="snapshot and timer", window=seconds)


@pytest.mark.parametrize("ending", [KeyboardInterrupt, signal.SIGTERM])
def test_an_interrupted_run_names_the_open_changes_and_when_they_are_taken_back(
    ending: Any, apply: Callable[..., provision.Provision], capsys: pytest.CaptureFixture[str]
) -> None:
    def said() -> Iterator[Any]:
        yield from (window("gw-hq", 60), window("gw-ons", 60), window("gw-ons", -1), window("dc1", 60))
        yield Ended(node="dc1", outcome="failed")
        if ending is KeyboardInterrupt:
            raise KeyboardInterrupt
        os.kill(os.getpid(), ending)
        time.sleep(5)

    with pytest.raises(KeyboardInterrupt):
        apply(said(), "gw-hq", "gw-ons", "dc1").run()
    told = [line for line in capsys.readouterr().err.splitlines() if "takes it back by" in line]
    assert [line.partition(":")[0] for line in told] == ["gw-hq"]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


CONF = PlannedChange(operation="file", kind="modify", subject="/etc/wireguard/wg0.conf")
OTHER = PlannedChange(operation="file", kind="modify", subject="/etc/motd")


@pytest.mark.parametrize(
    ("nodes", "change", "told"),
    [
        (("gw-ons",), CONF, ["gw-hq"]),
        (("gw-ons", "gw-hq"), CONF, []),
        (("gw-ons",), OTHER, []),
        (("dc1",), CONF, []),
    ],
)
def test_a_tunnel_that_is_changed_at_one_end_only_is_told(
    nodes: tuple[str, ...], change: PlannedChange, told: list[str], apply: Callable[..., provision.Provision]
) -> None:
    made = apply((Planned(node=nodes[0], changes=(change,)),), *nodes)
    made.run()
    assert [item.subject for item in made.planned[nodes[0]].standing if item.kind == "tunnel"] == told
