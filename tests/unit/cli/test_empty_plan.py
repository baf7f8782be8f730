"""A plan of nodes that could not be checked has nothing to apply, and says so before anything is contacted."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from wizara.cli import apply, provision
from wizara.errors import UsageFault


def test_a_plan_for_no_node_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply, "_saved", lambda _order: SimpleNamespace(nodes={}, deploy="site"))
    monkeypatch.setattr(apply, "_scene", lambda *_words: SimpleNamespace(ministry=SimpleNamespace()))
    for name in ("world_line", "interruptions"):
        monkeypatch.setattr(provision, name, lambda *_words: None)
    result = CliRunner().invoke(apply.command, ["plan.json", "--yes"], standalone_mode=False)
    assert isinstance(result.exception, UsageFault)
    assert "no node" in str(result.exception)
