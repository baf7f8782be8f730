"""What an operation would change, or has changed: the one value that plan, apply and records are made of."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["create", "modify", "remove", "install", "start", "restart", "reload", "enable", "stop", "repair"]
_LONGEST_DIFF = 400


@dataclass(frozen=True)
class Change:
    """One change on one node; a secret's content is never in it."""

    operation: str
    kind: Kind
    subject: str
    """What is changed: a path, a unit, a package, a login."""
    diff: tuple[str, ...] = ()
    """Unified diff, without line ends; empty for what is not text, and for secrets."""
    note: str = ""
    reaches_node: bool = False
    """True when a mistake here could cut the way to the node (design §4.7)."""
    found: str = ""
    """Digest of what stands there now, where the diff does not show it: another edit of a secret is another change."""

    def as_dict(self) -> dict[str, Any]:
        """Return the change as JSON-ready values."""
        return asdict(self)


_recorded: dict[str, list[Change]] = defaultdict(list)
_subjects: dict[str, set[str]] = defaultdict(set)
_reaching: dict[str, set[str]] = defaultdict(set)


def record(node: str, change: Change) -> None:
    """Note *change* of *node*; an operation does so before its first command."""
    _recorded[node].append(change)
    _subjects[node].add(change.subject)


def mark_reaching(node: str, subjects: Iterable[str]) -> None:
    """Let the changes of *subjects* reach *node* as well: a unit that does puts them in force."""
    _reaching[node].update(subjects)


def take_reaching(node: str) -> frozenset[str]:
    """Return the subjects marked for *node* since the last call, and forget them."""
    return frozenset(_reaching.pop(node, ()))


def take(node: str) -> tuple[Change, ...]:
    """Return the changes noted for *node* since the last call, and forget them."""
    return tuple(_recorded.pop(node, ()))


def forget(node: str) -> None:
    """Forget all that was noted for *node*: what noted it was only asking what to ask."""
    _recorded.pop(node, None)
    _subjects.pop(node, None)


def changing(node: str) -> frozenset[str]:
    """Return the subjects of *node* that this run changes, or has changed already.

    A file that was edited by hand and is put back has the digest that its unit was started with; the unit may have read it since.
    """
    return frozenset(_subjects[node])


def unified_diff(path: str, before: str, after: str) -> tuple[str, ...]:
    """Return the unified diff of a text file, cut at a length that a person still reads."""
    lines = list(
        difflib.unified_diff(
            before.splitlines(), after.splitlines(), f"{path} (now)", f"{path} (declared)", lineterm=""
        )
    )
    if len(lines) > _LONGEST_DIFF:
        lines = [*lines[:_LONGEST_DIFF], f"… {len(lines) - _LONGEST_DIFF} more lines"]
    return tuple(lines)
