"""What on the nodes is not as declared, each deviation with a fingerprint that a person may accept for a time."""

from __future__ import annotations

import hashlib
import json
from typing import Literal

from wizara.record.progress import Outcome, PlannedChange
from wizara.record.run import Record


class Deviation(Record):
    """One deviation, told as the change that would undo it."""

    fingerprint: str
    """SHA-256 over node and change: another edit of the same file has another one."""
    status: Literal["new", "accepted", "expired"]
    until: str | None = None
    """Last day of its acceptance."""
    change: PlannedChange


class NodeDrift(Record):
    """How far one node is from what is declared."""

    node: str
    outcome: Outcome
    exit_code: int
    message: str = ""
    deviations: tuple[Deviation, ...] = ()


class DriftResult(Record):
    """What came of a drift."""

    run: str
    world: str
    ministry: str
    exit_code: int
    nodes: tuple[NodeDrift, ...]


def fingerprint(node: str, change: PlannedChange) -> str:
    """Return what an acceptance of *change* on *node* names."""
    told = [node, change.operation, change.kind, change.subject, change.note, list(change.diff), change.found]
    return hashlib.sha256(json.dumps(told, ensure_ascii=True).encode()).hexdigest()
