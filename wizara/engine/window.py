"""A change of the way to a node on that node: which steps it spans, what it touches, and how it is spoken to."""

from __future__ import annotations

import contextlib
import re
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import paramiko
from pyinfra.api.host import Host

from wizara.blueprint import NodePlan
from wizara.engine.companion import Pending
from wizara.engine.hosts import WAY, way
from wizara.engine.reach import Machine
from wizara.errors import Unreachable
from wizara.operations.change import Change
from wizara.text import _

#: What runs on the node; it lies beside the snapshot while the change can be taken back.
_SCRIPT = Path(__file__).with_name("window.sh").read_text(encoding="ascii")
LAY = r"""
set -eu
umask 077
dir=/var/lib/wizara/changes/$1
(umask 022; mkdir -p /var/lib/wizara)
mkdir -p "${dir%/*}"
exec 9>> "${dir%/*}/lock"
flock 9
mkdir "$dir"
printf %s "$2" > "$dir/window"
id=$1; shift 2
exec sh "$dir/window" arm "$id" "$@" < /dev/null
"""
ASK = r"""
verb=$1 id=$2; shift 2
window=/var/lib/wizara/changes/$id/window
[ ! -e "$window" ] || exec sh "$window" "$verb" "$id" "$@"
found=$(grep "^$id " /var/lib/wizara/changes/history 2>/dev/null | tail -n 1)
echo "${found#* }"
"""
#: How a unit is brought back to the files of before; what needs the more wins.
_AGAIN: Mapping[str, str] = {"reload": "reload", "enable": "reload", "stop": "stop"}
_THOROUGH = ("", "reload", "restart", "stop")
#: Small enough to fill no window of a slow line, large enough that no path lets it pass in small packets only.
PAYLOAD = "x" * 24_000


@dataclass(frozen=True)
class Span:
    """The steps of one change of the way to a node, first and last included."""

    first: int
    last: int


@dataclass(frozen=True)
class State:
    """What the node says of a change."""

    word: str
    """``armed``, ``rolling``, ``rolled-back``, ``kept``, ``good``, ``no``, or empty when it knows nothing of it."""
    rest: str = ""

    @classmethod
    def read(cls, lines: Sequence[str]) -> State:
        """Read the first line of an answer."""
        word, _space, rest = (lines[0] if lines else "").strip().partition(" ")
        return cls(word, rest)


def spans(steps: Sequence[Pending]) -> tuple[Span, ...]:
    """Return the changes of the way to the node among *steps*.

    A file that says how the node is reached and the unit that puts it in force are one change: up to the last such unit
    all is one; what comes after it is in force by itself, and is another.
    """
    reaching = [step for step in steps if step.reaches_node]
    units = [
        step.number for step in reaching if any(one.operation == "unit" and one.reaches_node for one in step.changes)
    ]
    border = max(units, default=0)
    groups = (
        [step.number for step in reaching if step.number <= border],
        [step.number for step in reaching if step.number > border],
    )
    return tuple(Span(min(group), max(group)) for group in groups if group)


def touched(steps: Sequence[Pending], span: Span) -> tuple[str, ...]:
    """Return, as window.sh takes it, everything that the steps of *span* would touch."""
    changes = [one for step in steps if span.first <= step.number <= span.last for one in step.changes]
    units: dict[str, str] = {}
    for one in changes:
        if one.operation == "unit":
            units[one.subject] = max(units.get(one.subject, ""), _AGAIN.get(one.kind, "restart"), key=_THOROUGH.index)
    others = [word for one in changes for word in _words(one)]
    return (*dict.fromkeys(others), *(f"{again}={unit}" for unit, again in units.items()))


def _words(change: Change) -> list[str]:
    if change.operation == "file":
        return [f"file={change.subject}"]
    if change.operation == "directory":
        return [f"folder={change.subject}"]
    if change.operation == "login" and change.kind == "create":
        return [f"home=/home/{change.subject}"]
    if change.operation == "login" and change.kind == "remove":
        return [f"file=/home/{change.subject}/.ssh/authorized_keys"]
    return []


def names(plan: NodePlan) -> Iterator[str]:
    """Yield the names that, when they were found before a change, must be found after it."""
    yield plan.fqdn
    for url in (plan.apt.mirror, plan.apt.security) if plan.apt else ():
        host = urllib.parse.urlsplit(str(url)).hostname or ""
        if not re.fullmatch(r"[0-9.]+|.*:.*", host):
            yield host


def lay(change: str, seconds: int, longest: int, what: Sequence[str]) -> tuple[str, ...]:
    """Return the program and arguments that make the snapshot and arm the timer."""
    return (LAY, change, _SCRIPT, str(seconds), str(longest), *what)


@contextlib.contextmanager
def new_connection(host: Host) -> Iterator[Machine]:
    """Yield a connection of its own to *host*, made now as all are: TCP, the pinned key, the login; nothing is shared."""
    known = way(str(host), {name: host.data.get(name) for name in WAY})
    try:
        with Machine.over(known) as machine:
            yield machine
    except (paramiko.SSHException, EOFError, OSError) as fault:
        raise Unreachable(_("{address}: the connection was cut").format(address=known.address)) from fault


def ask(machine: Machine, verb: str, change: str, *words: str, stdin: str = "") -> State:
    """Ask the node over *machine* about *change*, as root."""
    return State.read(machine.run_as_root(ASK, verb, change, *words, stdin=stdin).splitlines())
