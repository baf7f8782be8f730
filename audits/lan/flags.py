"""Rules that rest on one fact which a look has set: the service gives something away, or it does not."""

from __future__ import annotations

from collections.abc import Iterator

from audits.lan.subjects import services
from wizara.audit.facts import LanFacts
from wizara.audit.observation import Kind, Seen
from wizara.audit.rule import Judgement, Rule, broken, holds, rule, unknown


def flagged(name: str, kind: Kind, fact: str, cvss: str, *, weak: bool = True, fix: str = "manual") -> Rule[LanFacts]:
    """Return the rule that a service of *kind* is broken where *fact* is *weak*.

    Where the look says that it asked and nothing decided the fact, that is unknown; where it did not ask, nothing is said.
    """

    def judge(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
        for about, one in services(seen, facts, kind):
            if one.data.get(fact) is weak:
                yield broken(about, [one], reply=one.text("reply"))
            elif isinstance(one.data.get(fact), bool):
                yield holds(about, [one])
            elif fact in one.texts("undecided"):
                yield unknown(about, "undecided", [one])

    return rule(name, kinds=(kind,), cvss=f"CVSS:3.1/AV:A/{cvss}", fix=fix)(judge)
