"""``python3 -m corpus COMMAND…`` in tests/lab: raises the corpus and runs a command in the auditor's place."""

from __future__ import annotations

import subprocess
import sys
import time

from corpus.ground import AUDITOR
from corpus.population import corpus

if __name__ == "__main__":
    began = time.monotonic()
    with corpus() as up:
        print(f"up in {time.monotonic() - began:.1f} s", file=sys.stderr)
        sys.exit(subprocess.run(up.command(AUDITOR, *(sys.argv[1:] or ["sh"])), check=False).returncode)
