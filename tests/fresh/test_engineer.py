"""An engineer who is not root, in a checkout of his own, with a sudo rule: everything he needs works, and stays his."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests_fresh_newcomer import Newcomer

from wizara.record.world import cache_folder

#: What stays root's under his home: the files of the machines' own trees, which are laid with their owners.
_NOT_HIS = "find /home/engineer ! -user engineer -not -path '/home/engineer/.cache/wizara/roots/*' -print"

_MEET = r"""
set -eu
useradd --create-home --shell /bin/bash engineer
mv /srv/wizara /home/engineer/wizara
chown -R engineer: /home/engineer
"""

_WORK = r"""
set -eu
rules=/etc/sudoers.d/engineer
as_engineer() { (cd /home/engineer/wizara; HOME=/home/engineer USER=engineer LOGNAME=engineer runuser -u engineer -- "$@"); }
echo "@@ without a rule"
as_engineer python3 -m wizara lab status </dev/null && exit 90 || echo "exit $?"
echo 'engineer ALL=(ALL) NOPASSWD: ALL' > $rules; chmod 440 $rules
as_engineer python3 -m wizara test lint unit
echo "@@ lab"
lab() { as_engineer python3 -m wizara "$@"; }
lab lab up mps --name engineer
lab lab status --name engineer
test "$(lab lab exec --name engineer gw-ons -- hostname)" = gw-ons
lab secrets generate mps --lab engineer
lab enrol mps --lab engineer
lab apply mps --lab engineer --yes --limit ons,gw-hq
lab audit mps ons --lab engineer
lab report last --lang fr --format pdf,json
echo "@@ end"
lab lab down --name engineer
echo "@@ not his"
NOT_HIS
test -z "$(find /home/engineer/.local/state/wizara/labs -mindepth 1)"
"""


@pytest.fixture
def newcomer() -> Iterator[Newcomer]:
    system = Newcomer("trixie", cache_folder() / "fresh", "sudo", "passwd")
    system.build()
    yield system
    system.remove()


def test_an_engineer_with_a_sudo_rule_works_from_his_own_checkout(newcomer: Newcomer) -> None:
    line = f"cd /; ({_MEET}); {_WORK.replace('NOT_HIS', _NOT_HIS)}"
    done = newcomer.run("sh", "-c", line, timeout=1500)
    told = f"exit {done.returncode}\n{done.stdout[-5000:]}\n{done.stderr[-5000:]}"
    assert done.returncode == 0, told
    parts = dict(part.split("\n", 1) for part in done.stdout.split("@@ ")[1:])
    assert parts["without a rule"].splitlines()[0] == "exit 3", told
    assert "run as root: apt-get install" in done.stderr, told
    assert " 0 failed" in parts["without a rule"], told
    assert "lab engineer is up" in parts["lab"], told
    assert parts["not his"].strip() == "", told
    assert "lab engineer is down" in parts["end"], told
