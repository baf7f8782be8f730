"""A ministry that was enrolled and applied in a lab, and the verbs typed on it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from wizara.lab import Lab


@dataclass(frozen=True)
class Applied:
    """The shipped ministry, enrolled and applied in a lab of its own."""

    lab: Lab
    runs: Path

    def wizara(self, *words: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a verb on the ministry in this lab, as it is typed."""
        verb, *rest = words
        where = ["--runs", str(self.runs)] if verb in {"plan", "apply", "verify"} else []
        return subprocess.run(
            [sys.executable, "-m", "wizara", verb, *(["generate"] if verb == "secrets" else []), "mps", "--lab", self.lab.name, *where, *rest],
            capture_output=True, text=True, timeout=timeout, check=False, env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        )  # fmt: skip
