"""What the engine tells while it plans and applies: JSON lines between the worker, ``--json`` and the record."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Outcome = Literal["unchanged", "pending", "changed", "failed", "unreachable", "refused", "skipped"]


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PlannedChange(_Line):
    """One change on one node, as ``wizara.operations.change.Change``."""

    operation: str
    kind: str
    subject: str
    diff: tuple[str, ...] = ()
    note: str = ""
    reaches_node: bool = False
    found: str = ""


class Standing(_Line):
    """Something on a used machine that a first run would cut, replace or fight with, and that nothing declares."""

    kind: Literal["socket", "peer", "file", "conflict", "rolled-back", "tunnel"]
    subject: str
    """What ``--accept-closing`` names: ``tcp/5432``, a path, or a service such as ``ufw``."""
    detail: str = ""
    asks: bool = True
    """True when an apply needs somebody's word for it; False when it is only told."""


class Step(_Line):
    """A node has begun a step."""

    event: Literal["step"] = "step"
    node: str
    phase: Literal["connect", "check", "wait", "apply"]
    number: int = 0
    total: int = 0
    name: str = ""
    window: int = 0
    """From now on a change of the way to the node is open, which the node takes back after so many seconds; -1: it was kept."""


class Planned(_Line):
    """A node was checked: these changes are pending."""

    event: Literal["planned"] = "planned"
    node: str
    changes: tuple[PlannedChange, ...]
    first_time: bool = False
    """True on a node that wizara never applied to before."""
    standing: tuple[Standing, ...] = ()
    seen: dict[str, str] = {}
    """What the check looked at → a digest of how it was: a saved plan is stale when one of them moved."""


class Ended(_Line):
    """A node is finished, in this phase for good."""

    event: Literal["ended"] = "ended"
    node: str
    outcome: Outcome
    changes: tuple[PlannedChange, ...] = ()
    message: str = ""
    seconds: float = 0.0


class AllPlanned(_Line):
    """Every node was checked; an apply now waits for its go-ahead."""

    event: Literal["all-planned"] = "all-planned"


class Fault(_Line):
    """The worker itself could not go on."""

    event: Literal["fault"] = "fault"
    code: int
    message: str


Line = Annotated[Step | Planned | Ended | AllPlanned | Fault, Field(discriminator="event")]
LINE: TypeAdapter[Step | Planned | Ended | AllPlanned | Fault] = TypeAdapter(Line)
