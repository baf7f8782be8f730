"""A plan file is code's master for a while: what is none of ours, or may be somebody else's, is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from wizara.errors import Refusal, UsageFault
from wizara.record.saved_plan import SavedPlan

PLAN: dict[str, Any] = {
    "wizara_plan": 1, "run": "r", "version": "0", "ministry": "mps", "folder": "/x", "world": "field", "lab": None, "deploy": "site",
    "files": {}, "nodes": {},
}  # fmt: skip


def kept(folder: Path, **changed: Any) -> Path:
    path = folder / "plan.json"
    path.write_text(json.dumps({**PLAN, **changed}))
    path.chmod(0o600)
    return path


def test_a_plan_is_read(tmp_path: Path) -> None:
    assert SavedPlan.read(kept(tmp_path)).deploy == "site"


@pytest.mark.parametrize(
    "changed",
    [{"deploy": name} for name in ("../../evil", "/tmp/evil", "parts/mail", "parts.mail", "", "si te", "site\n")]
    + [{"wizara_plan": 2}, {"wizara_plan": "1"}, {"more": 1}, {"nodes": []}],
)
def test_what_no_wizara_writes_is_no_plan(tmp_path: Path, changed: dict[str, Any]) -> None:
    with pytest.raises(UsageFault, match="is no plan that wizara wrote"):
        SavedPlan.read(kept(tmp_path, **changed))


@pytest.mark.parametrize("mode", [0o666, 0o620])
def test_a_plan_that_others_could_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = kept(tmp_path)
    path.chmod(mode)
    link = tmp_path / "link.json"
    link.symlink_to(path)
    for one in (path, link):
        with pytest.raises(Refusal, match="others may write"):
            SavedPlan.read(one)


def test_a_plan_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = kept(tmp_path)
    monkeypatch.delenv("SUDO_UID", raising=False)
    if os.geteuid() == 0:
        os.chown(path, 65534, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 65534)
    with pytest.raises(Refusal, match="belongs to somebody else"):
        SavedPlan.read(path)
