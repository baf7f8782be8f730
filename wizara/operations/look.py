"""How operations look at a node: they ask facts, and what they saw is remembered as a digest, to tell later that it moved."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from pyinfra.api import FactBase
from pyinfra.context import host

_AnswerT = TypeVar("_AnswerT")
_seen: dict[str, dict[str, str]] = defaultdict(dict)


def look(fact: type[FactBase[_AnswerT]], *arguments: Any, subject: str = "") -> _AnswerT:
    """Return what *fact* says of the node at hand, and remember that it was so of *subject* (else the first argument)."""
    answer: _AnswerT = host.get_fact(fact, *arguments)
    subject = subject or (arguments[0] if arguments and isinstance(arguments[0], str) else "")
    label = f"{_NAMES.get(fact.__name__, fact.__name__)} {subject}".strip()
    _seen[host.name][label] = hashlib.sha256(_plain((arguments, answer)).encode()).hexdigest()[:16]
    return answer


def take_seen(node: str) -> dict[str, str]:
    """Return what was seen on *node* (what, and a digest of how it was) since the last call, and forget it."""
    return _seen.pop(node, {})


_NAMES = {
    "Status": "path",
    "Unit": "unit",
    "Packages": "packages",
    "Login": "login",
    "Members": "group",
    "Active": "services",
}


def _plain(value: Any) -> str:
    """Return *value* written in one way only, whatever order a set or a mapping has."""
    if is_dataclass(value):
        return _plain([getattr(value, one.name) for one in fields(value)])
    if isinstance(value, Mapping):
        return _plain(sorted((str(key), _plain(item)) for key, item in value.items()))
    if isinstance(value, AbstractSet):
        return _plain(sorted(_plain(item) for item in value))
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_plain(item) for item in value) + "]"
    return repr(value)
