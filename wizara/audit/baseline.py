"""Compares an audit with an earlier one: what is new, known, mended, back again, or could not be seen this time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wizara.audit.observation import Kind, Observation
from wizara.audit.rule import Rule
from wizara.audit.verdict import Past, Verdict, Verdicts


@dataclass(frozen=True)
class Baseline:
    """What an earlier audit left behind."""

    open: Mapping[str, Verdict]
    """Fingerprint → what was broken then, or was not seen since it was."""
    fixed: Mapping[str, Verdict]
    """Fingerprint → what was found and was mended since."""

    @classmethod
    def of(cls, earlier: Verdicts) -> Baseline:
        """Return what *earlier* found, and what it remembers of those before it."""
        unseen = {one.fingerprint: one.verdict for one in earlier.past if one.status == "unknown"}
        return cls(
            unseen | {one.fingerprint: one.verdict for one in earlier.findings},
            {one.fingerprint: one.verdict for one in earlier.past if one.status == "fixed"},
        )

    def status(self, verdict: Verdict) -> str:
        """Return what a broken *verdict* is beside this baseline: ``open``, ``regressed`` or ``new``."""
        known = "open" if verdict.fingerprint in self.open else "new"
        return "regressed" if verdict.fingerprint in self.fixed else known


class Looked:
    """What an audit looked at, to tell what is gone from what was not seen."""

    def __init__(
        self, rules: Iterable[Rule[Any]], verdicts: tuple[Verdict, ...], observations: Iterable[Observation]
    ) -> None:
        self._kinds = {one.id: one.kinds for one in rules}
        self._verdicts: defaultdict[str, list[Verdict]] = defaultdict(list)
        for verdict in verdicts:
            self._verdicts[verdict.rule].append(verdict)
        self._answers: set[tuple[Kind, str, int | None]] = set()
        self._closed: set[tuple[str, str, int]] = set()
        self._places: defaultdict[str, set[str]] = defaultdict(set)
        for one in observations:
            self._observe(one)
        for verdict in verdicts:
            if verdict.subject.ip:
                self._places[verdict.subject.asset].add(verdict.subject.ip)

    def _observe(self, one: Observation) -> None:
        ip = one.target.ip
        if ip is None:
            return
        answered = one.data.get("answer") is not False
        if answered:
            self._answers.add((one.kind, ip, one.target.port))
        if one.target.mac and answered:
            self._places[one.target.mac].add(ip)
        if one.kind == "ports":
            self._closed |= {("tcp", ip, port) for port in one.numbers("closed")}
        if one.flag("refused") and one.target.proto and one.target.port:
            self._closed.add((one.target.proto, ip, one.target.port))

    def gone(self, old: Verdict) -> bool:
        """Say whether there is positive evidence that the weakness *old* is no more: silence is none.

        The rule found it in order, or what the rule rests on was seen again and the rule complains no more, or the
        port refuses connections, or datagrams by ICMP (port unreachable, RFC 792). Another address of the same
        card is another machine as far as anybody knows, unless the machine has moved there.
        """
        mine = [one for one in self._verdicts[old.rule] if _same(one, old)]
        if any(one.outcome != "holds" for one in mine):
            return False
        place = self._place(old)
        return any(one.subject.ip in {place, None} for one in mine) or (
            place is not None and self._answered(old, place)
        )

    def _place(self, old: Verdict) -> str | None:
        """Return where the machine of *old* is this time: where it was, else its one new address; None when nobody can tell."""
        places = self._places[old.subject.asset]
        if old.subject.ip in places or old.subject.ip is None:
            return old.subject.ip
        return next(iter(places)) if len(places) == 1 else None

    def _answered(self, old: Verdict, ip: str) -> bool:
        proto, _slash, port = (old.subject.service or "").partition("/")
        number = int(port) if port else None
        kinds = self._kinds.get(old.rule, ())
        if any((kind, ip, number) in self._answers for kind in kinds):
            return True
        if number is None:
            return False
        return (proto, ip, number) in self._closed


def _same(one: Verdict, old: Verdict) -> bool:
    """Say whether two verdicts of a rule are about one thing; a machine that was declared since keeps its card."""
    asset = old.subject.asset in {one.subject.asset, one.subject.mac}
    other = one.outcome == "broken" and one.discriminator != old.discriminator
    return asset and one.subject.service == old.subject.service and not other


def past(baseline: Baseline, looked: Looked, broken: frozenset[str]) -> Iterator[Past]:
    """Yield what was found earlier and is not among the fingerprints *broken* now."""
    for fingerprint, verdict in baseline.open.items():
        if fingerprint not in broken:
            yield Past(
                id=verdict.id, fingerprint=fingerprint, verdict=verdict,
                status="fixed" if looked.gone(verdict) else "unknown",
            )  # fmt: skip
    for fingerprint, verdict in baseline.fixed.items():
        if fingerprint not in broken and fingerprint not in baseline.open:
            yield Past(id=verdict.id, fingerprint=fingerprint, verdict=verdict, status="fixed", earlier=True)
