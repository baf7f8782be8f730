"""Writes the journal while nodes are changed: the intent before the first change, each step once it is done, the end."""

from __future__ import annotations

import contextlib

from pydantic import JsonValue
from pyinfra.api.host import Host

from wizara.engine.companion import Pending
from wizara.engine.heads import HEADS
from wizara.engine.reach import HostKey
from wizara.errors import WizaraError
from wizara.operations.change import Change
from wizara.operations.command import program
from wizara.record.journal import Journal
from wizara.record.run import Head

# One line a journal: name, entry, hash, run. The lock of the site keeps two runs from writing it at once.
_KEEP = r"""
set -eu
file=$1; mkdir -p "${file%/*}"
# What packages write from here on, in a first run that may be interrupted, is nobody's own work (see TouchedFact).
[ -e "${file%/*}/began" ] || : > "${file%/*}/began"
new=$(mktemp "${file%/*}/.heads-XXXXXXXX"); trap 'rm -f "$new"' EXIT
{ grep -v "^$2 " "$file" 2>/dev/null || true; } > "$new"
printf '%s %s %s %s\n' "$2" "$3" "$4" "$5" >> "$new"
chmod 644 "$new"; sync "$new"; mv -fT "$new" "$file"; trap - EXIT
"""
_KEEP_SECONDS = 60


class Recorder:
    """The companion that keeps the journal of *run*, and leaves its head on each node that it changes."""

    def __init__(self, journal: Journal, run: str) -> None:
        self._journal = journal
        self._run = run
        self._kept: dict[str, str] = {}
        """Node → fingerprint of the host key of the machine that has taken the journal's head."""

    def begin(self, host: Host, steps: tuple[Pending, ...]) -> None:
        """Write what is going to be done, before anything is."""
        pending: JsonValue = [
            {"number": step.number, "name": step.name, "changes": _told(step.changes)} for step in steps if step.changes
        ]
        if self._keep(host, self._journal.append(self._run, "intent", str(host), steps=pending)):
            self._kept[str(host)] = HostKey.parse(host.data.wizara_host_key).fingerprint

    def before(self, host: Host, step: Pending) -> None:
        """Nothing: the intent has told it."""

    def after(self, host: Host, step: Pending, done: tuple[Change, ...]) -> None:
        """Write a step that was to change something, or did."""
        if step.changes or done:
            self._journal.append(self._run, "step", str(host), number=step.number, name=step.name, changes=_told(done))

    def end(self, host: Host, failure: str) -> str:
        """Write how the node ended; a node that cannot be reached any more keeps the head of before."""
        told: dict[str, JsonValue] = {"outcome": "failed" if failure else "done", "message": failure}
        if str(host) in self._kept:  # log verify asks that machine for it
            told["kept"] = self._kept[str(host)]
        try:
            head = self._journal.append(self._run, "node", str(host), **told)
        except WizaraError as fault:  # what has befallen the node is told all the same
            return failure if str(fault) in failure else f"{failure} — {fault}".removeprefix(" — ")
        with contextlib.suppress(Exception):  # the journal holds the truth; the copy is its second witness
            self._keep(host, head)
        return failure

    def _keep(self, host: Host, head: Head) -> bool:
        words = (HEADS, head.journal, str(head.seq), head.hash, self._run)
        done, _told = host.run_shell_command(program(_KEEP, *words), _sudo=True, _timeout=_KEEP_SECONDS)
        return bool(done)


def _told(changes: tuple[Change, ...]) -> JsonValue:
    """Return the changes without their texts: a journal is read by many."""
    return [{"operation": one.operation, "kind": one.kind, "subject": one.subject} for one in changes]
