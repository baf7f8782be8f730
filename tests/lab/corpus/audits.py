"""An audit of the corpus, and what it found as (rule, last part of the address)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.ground import AUDITOR, NETWORK, Ground
from corpus.table import ALONG, CONTROLS, PLANTS
from wizara.tree import root

MANDATE = f"""commissioner: SG
reference: CORPUS/1
date: 2026-01-01
perimeter: [{NETWORK}.0/24]
from: 2020-01-01
to: 2099-12-31
hours: ["00:00-24:00"]
operators: [bench]
default_logins: true
contact: bench
"""


@dataclass(frozen=True)
class Audit:
    """What one audit found."""

    seconds: float
    findings: list[dict[str, Any]]
    folder: Path

    @property
    def found(self) -> set[tuple[str, int]]:
        """(rule, host); what is told of the wire as a whole has no host and is left out."""
        return {(one["rule"], last) for one in self.findings if (last := host_of(one["subject"]))}

    @property
    def unknown(self) -> set[tuple[str, int, str]]:
        """(rule, host, reason) of what could be neither proven nor refuted."""
        told = json.loads((self.folder / "verdicts.json").read_text())["verdicts"]
        left = [one for one in told if one["outcome"] == "unknown"]
        return {(one["rule"], last, one["reason"]) for one in left if (last := host_of(one["subject"]))}


def seen(done: Audit, kind: str) -> dict[int, dict[str, Any]]:
    """Return host → the facts of its observation of *kind*."""
    kept = map(json.loads, (done.folder / "observations.jsonl").read_text().splitlines())
    return {int(one["target"]["ip"].rpartition(".")[2]): one["data"] for one in kept if one["kind"] == kind}


def host_of(subject: dict[str, Any]) -> int:
    """Return the last part of the address of a finding's *subject*; by its card where it has no IPv4 address."""
    ip, mac = subject["ip"] or "", subject["mac"] or ""
    if ip.startswith(f"{NETWORK}."):
        return int(ip.rpartition(".")[2])
    return int(mac.rpartition(":")[2], 16) if mac.startswith("52:54:00:77:00") else 0


def audit(up: Ground, runs: Path, *options: str) -> Audit:
    """Run ``wizara audit`` from the auditor's place, as a person would."""
    mandate = up.folder / "mandate.yaml"
    mandate.write_text(MANDATE)
    line = [sys.executable, "-m", "wizara", "audit", "--network", f"{NETWORK}.0/24", "--interface", "lan0", "--mandate", str(mandate),
            "--runs", str(runs), "--default-logins", "--json", *options]  # fmt: skip
    began = time.monotonic()
    done = subprocess.run(
        up.command(AUDITOR, *line), check=False, capture_output=True, text=True, cwd=root(),
        env=os.environ | {"PYTHONPATH": str(root())},
    )  # fmt: skip
    if done.returncode not in {0, 4}:
        raise RuntimeError(done.stderr[-2000:])
    told = json.loads(done.stdout)
    return Audit(time.monotonic() - began, told["findings"], Path(told["folder"]))


def expected(wanted: set[int]) -> tuple[set[tuple[str, int]], set[tuple[str, int]]]:
    """Return what must be found on the hosts *wanted*, and what may be found beside it; controls add nothing to either."""
    must = {(one.rule, one.last) for one in PLANTS if one.last in wanted}
    return must, {one for one in ALONG if one[1] in wanted and one[1] not in CONTROLS}
