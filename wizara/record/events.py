"""What happens during a run, as JSON lines: one set of models for ``--json``, the worker's pipe and the record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from wizara.record.run import Record, RunId, Verb


def _now() -> datetime:
    return datetime.now(UTC)


class _Event(Record):
    """What each event has."""

    time: datetime = Field(default_factory=_now)


class RunStarted(_Event):
    """The first line of every run: it names the world."""

    kind: Literal["run_started"] = "run_started"
    run: RunId
    verb: Verb
    world: str
    ministry: str


class OperationEnded(_Event):
    """One operation on one node is over."""

    kind: Literal["operation"] = "operation"
    node: str
    operation: str
    outcome: Literal["ok", "changed", "pending", "failed", "skipped"]
    seconds: float = 0.0
    diff: str | None = None
    message: str | None = None


class Note(_Event):
    """Progress, or something worth knowing, in plain words."""

    kind: Literal["note"] = "note"
    node: str | None = None
    message: str


class RunEnded(_Event):
    """The last line of a run that was not killed."""

    kind: Literal["run_ended"] = "run_ended"
    run: RunId
    exit_code: int


Event = Annotated[RunStarted | OperationEnded | Note | RunEnded, Field(discriminator="kind")]
#: Reads any event: ``EVENT.validate_json(line)``.
EVENT: TypeAdapter[RunStarted | OperationEnded | Note | RunEnded] = TypeAdapter(Event)
