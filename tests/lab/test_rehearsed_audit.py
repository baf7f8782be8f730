"""The audit of the rehearsed ministry's headquarters, and the stock pyinfra CLI on its nodes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from applied import Applied

from wizara import tree
from wizara.cli.planted import compare
from wizara.inventory import load
from wizara.lab import rehearsal

pytestmark = pytest.mark.lab
MPS = tree.shipped_inventories() / "mps"


def test_the_audit_finds_what_was_planted_and_nothing_on_sound_machines(
    applied_ministry: Applied, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wizara", "audit", "mps", "hq", "--lan", "office", "--lab", applied_ministry.lab.name, "--runs",
         str(tmp_path), "--json"],
        capture_output=True, text=True, timeout=200, check=False, env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 4, done.stderr
    found = [(one["subject"]["ip"], one["rule"]) for one in json.loads(done.stdout)["findings"]]
    comparison = compare(load(MPS), rehearsal.read(MPS), "hq", found)
    assert len(comparison.planted) >= 15
    assert comparison.missed == frozenset()
    assert comparison.invented == frozenset()


def test_the_printer_received_not_a_byte(applied_ministry: Applied) -> None:
    received = applied_ministry.lab.folder / "hosts" / "received" / "printer-hq"
    assert {port: (received / f"{port}.bytes").read_bytes() for port in (9100, 515)} == {9100: b"", 515: b""}


def test_stock_pyinfra_runs_a_deploy_on_a_ministry_and_finds_nothing_to_change(applied_ministry: Applied) -> None:
    pyinfra = Path(sys.executable).parent / "pyinfra"
    done = applied_ministry.lab.exec(
        "operator",
        ["env", f"--chdir={tree.root()}", f"WIZARA_LAB_STATE={applied_ministry.lab.folder}", str(pyinfra), "--dry", "@wizara/mps",
         "deploys/mail.py", "--limit", "mail1"],
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = (done.stdout + done.stderr).splitlines()
    head = next(number for number, line in enumerate(said) if line.split()[:2] == ["Operation", "Change"])
    rows = [line.split() for line in said[head + 1 : said.index("", head)]]
    assert len(rows) > 20
    assert {tuple(row[-2:]) for row in rows} == {("-", "-")}, "something is pending"


def test_stock_pyinfra_refuses_a_machine_that_shows_another_key(applied_ministry: Applied, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    for name in ("identity.age", "operator_ed25519"):
        (state / name).write_bytes((applied_ministry.lab.folder / name).read_bytes())
        (state / name).chmod(0o600)
    (state / "secrets").symlink_to(applied_ministry.lab.folder / "secrets")
    text = (applied_ministry.lab.folder / "enrolled.yaml").read_text()
    keys = [line.split("host_key: ")[1] for line in text.splitlines() if "host_key: " in line]
    (state / "enrolled.yaml").write_text(
        text.replace(keys[0], "other").replace(keys[1], keys[0]).replace("other", keys[1])
    )
    pyinfra = Path(sys.executable).parent / "pyinfra"
    done = applied_ministry.lab.exec(
        "operator",
        [
            "env",
            f"--chdir={tree.root()}",
            f"WIZARA_LAB_STATE={state}",
            str(pyinfra),
            "--dry",
            "@wizara/mps",
            "deploys/node.py",
        ],
        timeout=120,
    )
    assert done.returncode != 0
    assert "host key refused" in done.stdout + done.stderr
