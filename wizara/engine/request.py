"""What the CLI asks of the engine's worker: one JSON line on its standard input."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Request(BaseModel):
    """A plan or an apply over some nodes of a ministry. Secrets travel in it by pipe only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verb: Literal["plan", "apply"]
    folder: str
    """The ministry's folder."""
    enrolled: str | None = None
    """The file read instead of its ``enrolled.yaml``."""
    nodes: tuple[str, ...]
    run: str
    deploy: str = "site"
    secrets: dict[str, dict[str, str]] = {}
    """Node → secret name → value."""
    runs: str | None = None
    """Folder of runs, whose journal is kept; None keeps none."""
    holder: str = ""
    """Who asks, as ``login@computer``."""
    ssh_key: str | None = None
    """Private key file; None asks the agent and the operator's own keys."""
    at_once: bool = False
    """Apply on each node as soon as it is checked and allowed, whatever becomes of the others."""
    max_failures: int | None = None
    """With *at_once*: when more than so many nodes have failed, no other begins."""
    console: bool = False
    """Somebody stands at the machines: no change is taken back (design §4.7)."""


class Go(BaseModel):
    """The answer to *all planned*, or to one planned node of a run at once: apply on these nodes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    nodes: tuple[str, ...]
    declined: tuple[str, ...] = ()
    """In a run at once: these are left as they are."""
    canary: tuple[str, ...] = ()
    """Those of them that go first; the others begin only when each of these came to its end."""
    max_failures: int | None = None
    """When more than so many nodes have failed, no other begins."""
