"""Rules: pure functions from observations and declared facts to judgements, with an id, a scope and a CVSS vector.

A rule is written once and used by any verb::

    @rule("LAN-001", kinds=("host",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:N")
    def undeclared_host(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
        ...
        yield broken(subject, [observation], vendor=...)

Its severity follows from its vector. Its words stand in ``audits/catalog/<subject>.<language>.toml``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Generic, TypeVar

from wizara.audit.cvss import Severity, severity
from wizara.audit.observation import Kind, Observation, Seen
from wizara.audit.verdict import Outcome, Scope, Subject, Verdict

FactsT = TypeVar("FactsT")


@dataclass(frozen=True)
class Judgement:
    """What a rule yields; the rule's own id, scope and severity are added by :func:`judge`."""

    outcome: Outcome
    subject: Subject
    evidence: tuple[str, ...] = ()
    reason: str | None = None
    discriminator: str = ""
    details: dict[str, str] = field(default_factory=dict)


def holds(subject: Subject, evidence: Iterable[Observation] = ()) -> Judgement:
    """The promise is kept, as *evidence* shows."""
    return Judgement("holds", subject, tuple(one.id for one in evidence))


def broken(subject: Subject, evidence: Iterable[Observation], *, discriminator: str = "", **details: str) -> Judgement:
    """It is not as it should be; *details* fill the rule's text."""
    return Judgement("broken", subject, tuple(one.id for one in evidence), discriminator=discriminator, details=details)


def unknown(subject: Subject, reason: str, evidence: Iterable[Observation] = (), **details: str) -> Judgement:
    """It could not be judged; *reason* is a key of the catalogue's ``[reasons]``."""
    return Judgement("unknown", subject, tuple(one.id for one in evidence), reason=reason, details=details)


@dataclass(frozen=True)
class Rule(Generic[FactsT]):
    """A named rule; call it with observations and facts."""

    id: str
    scope: Scope
    kinds: tuple[Kind, ...]
    """The observations it needs; a vantage that cannot make them leaves it unknown."""
    cvss: str
    function: Callable[[Seen, FactsT], Iterable[Judgement]]
    fix: str = ""
    """What mends it: a deploy's name (``mail``), or ``manual``."""

    @property
    def severity(self) -> Severity:
        """The severity of its vector."""
        return severity(self.cvss)

    def __call__(self, seen: Seen, facts: FactsT) -> Iterable[Judgement]:
        """Judge."""
        return self.function(seen, facts)


def rule(
    name: str, *, kinds: tuple[Kind, ...], cvss: str, scope: Scope = "found", fix: str = ""
) -> Callable[[Callable[[Seen, FactsT], Iterable[Judgement]]], Rule[FactsT]]:
    """Make a rule of a function; a malformed vector is a ValueError at import."""
    severity(cvss)

    def decorate(function: Callable[[Seen, FactsT], Iterable[Judgement]]) -> Rule[FactsT]:
        return Rule(name, scope, kinds, cvss, function, fix)

    return decorate


def rules_of(*modules: ModuleType) -> tuple[Rule[Any], ...]:
    """Return the rules that *modules* hold, by id; a repeated id is a ValueError."""
    found = {id(value): value for module in modules for value in vars(module).values() if isinstance(value, Rule)}
    ordered = sorted(found.values(), key=lambda one: one.id)
    if len({one.id for one in ordered}) != len(ordered):
        raise ValueError("two rules share an id")
    return tuple(ordered)


def judge(
    rules: Iterable[Rule[FactsT]], observations: Iterable[Observation], facts: FactsT, scope: Scope | None = None
) -> tuple[Verdict, ...]:
    """Return all verdicts of *rules* (of one *scope* where given), worst and clearest first in a stable order."""
    seen = Seen(observations)
    verdicts = [
        _verdict(one, judgement) for one in rules if scope in {None, one.scope} for judgement in one(seen, facts)
    ]
    unique = {(verdict.fingerprint, verdict.outcome): verdict for verdict in verdicts}
    return tuple(unique.values())


def _verdict(origin: Rule[Any], judgement: Judgement) -> Verdict:
    return Verdict(
        rule=origin.id, scope=origin.scope, severity=origin.severity, cvss=origin.cvss, outcome=judgement.outcome,
        subject=judgement.subject, evidence=judgement.evidence, details=judgement.details, reason=judgement.reason,
        discriminator=judgement.discriminator,
    )  # fmt: skip
