"""Reads the heads of the journal that nodes have kept: witnesses that nobody at the controller can talk to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wizara.blueprint import derive
from wizara.engine import PROVISIONER
from wizara.engine.ground import each
from wizara.engine.reach import HostKey, Login, Machine
from wizara.errors import WizaraError
from wizara.inventory.models import Ministry
from wizara.record.run import Head

HEADS = "/var/lib/wizara/journal-heads"
#: A node in other hands may have put anything there: a pipe that never ends, or more than is ever kept.
_READ = '[ ! -f "$1" ] || timeout 10 head -c 1000000 "$1" || true'
_PATIENCE = 30.0
"""Seconds that a node may be silent before it counts as one that could not be asked."""
_NUMBER = re.compile("[0-9]{1,18}")


@dataclass(frozen=True)
class Witnesses:
    """What nodes have seen of journals."""

    heads: tuple[Head, ...] = ()
    silent: Mapping[str, str] = field(default_factory=dict)
    """Node that could not be asked → why."""
    machines: Mapping[str, str] = field(default_factory=dict)
    """Node that answered → fingerprint of its host key."""


def heads_of(ministry: Ministry, nodes: Iterable[str], namespace: Path | None, key: Path | None) -> Witnesses:
    """Return what *nodes* have seen; each is asked."""
    blueprint = derive(ministry)

    def ask(node: str) -> tuple[str, list[Head] | str]:
        try:
            with Machine(str(blueprint.nodes[node].manage), namespace=namespace) as machine:
                machine.log_in(Login(PROVISIONER, key_file=key), HostKey.parse(ministry.enrolled.nodes[node].host_key))
                return node, _parse(node, machine.run_as_root(_READ, HEADS, seconds=_PATIENCE))
        except WizaraError as fault:
            return node, str(fault)

    found: list[Head] = []
    silent: dict[str, str] = {}
    machines: dict[str, str] = {}
    for node, answer in each(nodes, ask):
        if isinstance(answer, str):
            silent[node] = answer
        else:
            found += answer
            machines[node] = HostKey.parse(ministry.enrolled.nodes[node].host_key).fingerprint
    return Witnesses(tuple(found), silent, machines)


def _parse(node: str, text: str) -> list[Head]:
    """Read ``journal entry hash run`` lines; what is not one is none of ours."""
    found = []
    for line in text.splitlines():
        words = line.split(" ")
        if len(words) == 4 and _NUMBER.fullmatch(words[1]):
            found.append(Head(journal=words[0], seq=int(words[1]), hash=words[2], kept=node, run=words[3]))
    return found
