"""Keeps count of the logins that are tried: none unless that is wanted, an account once a machine, none after a sign of a lockout."""

from __future__ import annotations

import re

#: What tells that trying must end: locked (RFC 4918), asked too often (RFC 6585), or in words.
_LOCKOUT = re.compile(
    rb"^HTTP/1\.[01] (423|429) |\r\nretry-after:|lock(ed)?[ -]?out|too many|(temporarily|account|has been|is) (blocked|locked)"
    rb"|verrouill|trop de tentatives",
    re.IGNORECASE,
)


class Tries:
    """What may still be tried in this part of the audit."""

    def __init__(self, *, wanted: bool, stopped: bool = False) -> None:
        self.wanted, self.stopped = wanted, stopped
        self._made: set[tuple[str, str]] = set()

    def take(self, machine: str, account: str) -> str:
        """Note that *account* is tried at *machine* and return an empty text, or why it may not be: a key of ``[reasons]``."""
        if not self.wanted:
            return "not-wanted"
        if self.stopped:
            return "lockout"
        if (machine, account) in self._made:
            return "tried-once"
        self._made.add((machine, account))
        return ""

    def stop(self) -> None:
        """Note a sign of a lockout: nothing more is tried anywhere, for accounts may be the same everywhere."""
        self.stopped = True


def locks(answer: bytes) -> bool:
    """Say whether the *answer* to a login is a sign of a lockout; none at all is one, too."""
    return not answer or _LOCKOUT.search(answer[:4096]) is not None
