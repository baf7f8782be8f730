"""The result of a plan or an apply, as ``--json`` prints it and the run's folder keeps it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from wizara.record.progress import Outcome, PlannedChange, Standing


class NodeOutcome(BaseModel):
    """What came of one node."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    node: str
    outcome: Outcome
    exit_code: int
    changes: tuple[PlannedChange, ...] = ()
    """Pending ones after a plan; made ones after an apply."""
    standing: tuple[Standing, ...] = ()
    """On a machine met for the first time: what a run would cut or replace and nothing declares."""
    message: str = ""
    seconds: float = 0.0


class ProvisionResult(BaseModel):
    """What came of a plan or an apply."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    verb: Literal["plan", "apply", "drift"]
    world: str
    ministry: str
    exit_code: int
    nodes: tuple[NodeOutcome, ...]
