"""What a ministry promises, in the form that rules of scope ``declared`` compare with what was seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wizara.audit.observation import Kind, Observation, Seen
from wizara.audit.verdict import Subject
from wizara.blueprint import Blueprint, NodePlan
from wizara.inventory.models import Ministry
from wizara.inventory.types import Titles
from wizara.record.run import Record


@dataclass(frozen=True)
class Promises:
    """Everything the rules of promises need beside the observations."""

    ministry: Ministry
    blueprint: Blueprint
    nodes: tuple[str, ...]
    """The nodes that were asked: --limit leaves the others out."""
    lab: bool = False
    foreign: tuple[str, str] | None = None

    def plans(self, part: str | None = None) -> Iterator[NodePlan]:
        """Yield the plans of the nodes that were asked, those with *part* only where given."""
        for name in self.nodes:
            plan = self.blueprint.nodes[name]
            if part is None or part in plan.parts:
                yield plan

    def addresses(self, name: str) -> tuple[str, ...]:
        """Return the addresses that the zones declare for *name*."""
        return tuple(
            record.value
            for zone in self.blueprint.zones
            for record in zone.records
            if record.type == "A" and record.name == f"{name}."
        )


class Verification(Record):
    """``verification.json``: what the report must say about the verification itself."""

    ministry: str
    title: Titles
    country: str | None = None
    nodes: tuple[str, ...]
    """Those whose promises were tried."""
    versions: dict[str, str]


def node_subject(plan: NodePlan, service: str | None = None) -> Subject:
    """Return the node as what a verdict is about."""
    return Subject(asset=f"{plan.site}/{plan.name}", name=plan.name, ip=str(plan.manage), service=service)


def pair_subject(source: str, target: str, service: str | None = None) -> Subject:
    """Return a way from one place to another as what a verdict is about."""
    return Subject(asset=f"{source}>{target}", name=f"{source} → {target}", service=service)


def about(seen: Seen, collector: str, *kinds: Kind, **facts: str) -> list[Observation]:
    """Return the observations of *collector* whose data hold all *facts*."""
    return [
        one for one in seen.of(*kinds)
        if one.collector == collector and all(one.text(key) == value for key, value in facts.items())
    ]  # fmt: skip
