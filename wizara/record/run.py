"""The record of one run: who did what to which ministry, in which world, and how it ended."""

from __future__ import annotations

import getpass
import os
import re
import secrets
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: ``20261121T233500Z-audit-mps-1f3a``
RUN_ID = r"\d{8}T\d{6}Z-[a-z]+-[a-z][a-z0-9-]*-[0-9a-f]{4}"
RunId = Annotated[str, Field(pattern=rf"^{RUN_ID}$")]
Verb = Literal["enrol", "plan", "apply", "drift", "verify", "audit"]
_ID = re.compile(RUN_ID)


class Record(BaseModel):
    """What everything kept of a run is: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Head(Record):
    """The last entry that somebody saw of a journal: what a copy elsewhere proves of it."""

    journal: str
    """The journal's name: the hash of its first entry."""
    seq: int
    hash: str
    kept: str = ""
    """Who has seen it: a run or a node."""
    run: str = ""
    """The run that left it with a node."""


class Run(Record):
    """One plan, apply, verify or audit. ``ended`` is None while it runs, and for ever when it was killed."""

    id: RunId
    verb: Verb
    world: str
    """``field`` or ``lab NAME``."""
    ministry: str
    operator: str
    """Login of the person at the keyboard, also under sudo."""
    host: str = ""
    """Name of the computer they sit at."""
    started: datetime
    ended: datetime | None = None
    exit_code: int | None = None
    head: Head | None = None
    """Where the journal stood when the run ended."""

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, content: Any) -> Any:
        """Read a record of 0.1 as well: it had an empty list of nodes."""
        if isinstance(content, dict) and content.get("nodes") == []:
            return {key: value for key, value in content.items() if key != "nodes"}
        return content


def operator() -> str:
    """Return the login of the person at the keyboard, also under sudo."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def new_run_id(verb: str, ministry: str, moment: datetime | None = None) -> str:
    """Return a fresh run id; *moment* defaults to now."""
    stamp = (moment or datetime.now(UTC)).astimezone(UTC)
    return f"{stamp:%Y%m%dT%H%M%SZ}-{verb}-{ministry}-{secrets.token_hex(2)}"


def is_run_id(text: str) -> bool:
    """Say whether *text* is a run id, and so safe as a folder name."""
    return _ID.fullmatch(text) is not None
