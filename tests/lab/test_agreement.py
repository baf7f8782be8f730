"""wizara's word on ten ways to set up sshd is that of ssh-audit, which looks for itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from corpus import audits, root, settings
from corpus.ground import AUDITOR, NETWORK, Ground

pytestmark = pytest.mark.lab

#: ssh-audit's section → our list and the rule that judges it
SECTIONS = {
    "kex": ("kex", "SSH-001"),
    "enc": ("cipher", "SSH-002"),
    "mac": ("mac", "SSH-003"),
    "key": ("host_key", "SSH-004"),
}


def condemned(section: list[dict[str, Any]]) -> set[str]:
    """Return what ssh-audit fails, but for its suspicion of the NIST curves, and what it warns of for its cipher mode."""
    found = set()
    for one in section:
        notes = one.get("notes", {})
        fails = [text for text in notes.get("fail", []) if "suspected as being backdoored" not in text]
        if fails or "using weak cipher mode" in notes.get("warn", []):
            found.add(one["algorithm"])
    return found


def test_ten_sshd_are_judged_as_ssh_audit_does(tmp_path: Path) -> None:
    trees = root.trees()
    with Ground() as up:
        for last, (tree, files, script) in settings.SSHD.items():
            up.host(last, trees[tree], files, script)
        up.wait(dict.fromkeys(settings.SSHD, 22))
        done = audits.audit(up, tmp_path, "--profile", "fast", "--ports", "22")
        mine, found = audits.seen(done, "ssh"), done.found
        program = str(Path(sys.executable).with_name("ssh-audit"))
        for last in settings.SSHD:
            said = subprocess.run(
                up.command(AUDITOR, program, "-j", f"{NETWORK}.{last}"), capture_output=True, text=True, check=False
            ).stdout
            theirs = json.loads(said)
            for section, (own, rule) in SECTIONS.items():
                assert {*mine[last][own]} == {one["algorithm"] for one in theirs[section]}, (last, section)
                assert ((rule, last) in found) == bool(condemned(theirs[section])), (last, rule)
