"""Makes the Document of a verification in one language: what the ministry promises, what is proven, and what is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from wizara.audit.verdict import Outcome, Verdict
from wizara.report.build import SEVERITY_WORDS, table
from wizara.report.case import Proofs
from wizara.report.colophon import origin
from wizara.report.document import Block, Document, Heading, Inline, Paragraph, Risk, Risks, Section, Tile, Tiles
from wizara.report.findings import block, where
from wizara.report.words import Catalogue, Words, latin
from wizara.text import N_

#: The subjects of promises, in the order they are shown.
SUBJECTS = ("node", "names", "intranet", "mail")
TITLES = {"node": N_("Nodes"), "names": N_("Names"), "intranet": N_("Secure intranet"), "mail": N_("Mail")}
_FIRST = 5
"""Broken promises on the first page."""
_PLACES = 6
"""Places named in a row; of more, their number."""


def build(case: Proofs, language: str) -> Document:
    """Return the report of *case* in *language*."""
    words, catalogue = Words(language, case.verification.country), Catalogue(language, SUBJECTS)
    place = words.count("{count} machine", "{count} machines", len(case.verification.nodes))
    return Document(
        language=words.language,
        direction="rtl" if words.right_to_left else "ltr",
        title=words.say("Verification report"),
        owner=case.verification.title.in_(language),
        place=f"{place} · {case.verification.ministry}",
        date=words.day(case.run.started.date()),
        marking=words.say("Restricted distribution"),
        run=case.run.id,
        page_word=words.say("Page"),
        contents_word=words.say("Contents"),
        timestamp=int(case.run.started.timestamp()),
        sections=(
            _summary(case, words, catalogue),
            _broken(case, words, catalogue),
            _proven(case, words, catalogue),
            _unknown(case, words, catalogue),
            Section(
                title=words.say("Colophon"),
                anchor="colophon",
                blocks=origin(case, case.verification.versions, words, catalogue),
            ),
        ),
    )


def topics(language: str) -> dict[str, str]:
    """Return rule → the subject that it belongs to."""
    return {rule: one for one in SUBJECTS for rule in Catalogue(language, (one,)).rules}


def _counted(verdicts: Iterable[Verdict]) -> Counter[Outcome]:
    return Counter(one.outcome for one in verdicts)


def _summary(case: Proofs, words: Words, catalogue: Catalogue) -> Section:
    counts = _counted(case.verdicts.verdicts)
    tiles = (
        Tile(number=words.number(counts["holds"]), word=words.say("Proven")),
        Tile(number=words.number(counts["broken"]), word=words.say("Not kept"), severity="high"),
        Tile(number=words.number(counts["unknown"]), word=words.say("Not known"), severity="info"),
    )
    blocks: tuple[Block, ...] = (
        Paragraph(text=_lead(case, words), lead=True),
        Tiles(tiles=tiles),
        _by_subject(case, words),
        *_first(case, words, catalogue),
    )
    return Section(title=words.say("Summary"), anchor="summary", blocks=blocks)


def _lead(case: Proofs, words: Words) -> Inline:
    number = words.count("{count} promise was tried.", "{count} promises were tried.", len(case.verdicts.verdicts))
    rehearsed = "" if case.run.world == "field" else words.say("This was the rehearsal on one computer, not the field.")
    return (
        *words.tell(
            "What the inventory of {ministry} promises was held against what its machines do, on {date}.",
            ministry=case.verification.ministry, date=words.day(case.run.started.date()),
        ),
        *words.prose(f" {number} {rehearsed}".rstrip()),
    )  # fmt: skip


def _by_subject(case: Proofs, words: Words) -> Block:
    subject_of = topics(words.language)
    rows = tuple(
        (words.prose(words.say(TITLES[one])), *(latin(words.number(counts[outcome])) for outcome in _OUTCOMES))
        for one in SUBJECTS
        if (counts := _counted(verdict for verdict in case.verdicts.verdicts if subject_of[verdict.rule] == one))
    )
    headers = (words.say("Subject"), words.say("Proven"), words.say("Not kept"), words.say("Not known"))
    return table(words, headers, rows, (40, 20, 20, 20))


_OUTCOMES: tuple[Outcome, ...] = ("holds", "broken", "unknown")


def _first(case: Proofs, words: Words, catalogue: Catalogue) -> Iterator[Block]:
    if not case.findings:
        yield Paragraph(text=words.prose(words.say("No promise is broken.")))
        return
    yield Heading(text=words.say("The first risks"))
    risks = (
        Risk(
            id=one.id,
            severity=one.verdict.severity,
            word=words.say(SEVERITY_WORDS[one.verdict.severity]),
            title=catalogue.rules[one.verdict.rule].title,
            where=where(one.verdict.subject),
            risk=words.prose(catalogue.rules[one.verdict.rule].risk),
        )
        for one in case.findings[:_FIRST]
    )
    yield Risks(risks=tuple(risks))


def _broken(case: Proofs, words: Words, catalogue: Catalogue) -> Section:
    blocks = tuple(
        block(case, one, words, catalogue, words.say(SEVERITY_WORDS[one.verdict.severity])) for one in case.findings
    )
    nothing = (Paragraph(text=words.prose(words.say("No promise is broken."))),)
    return Section(title=words.say("What is not kept"), anchor="broken", blocks=blocks or nothing)


def _proven(case: Proofs, words: Words, catalogue: Catalogue) -> Section:
    """List what was proven, a row for each rule: what that shows, and what it does not."""
    subject_of = topics(words.language)
    kept: dict[str, list[Verdict]] = {}
    for proof in case.verdicts.proofs:
        kept.setdefault(proof.verdict.rule, []).append(proof.verdict)
    blocks: list[Block] = []
    headers = (words.say("Promise"), words.say("Where"), words.say("Shows that"), words.say("Does not show"))
    for one in SUBJECTS:
        rows = tuple(
            _row(catalogue, words, rule, verdicts) for rule, verdicts in sorted(kept.items()) if subject_of[rule] == one
        )
        if rows:
            blocks += [Heading(text=words.say(TITLES[one])), table(words, headers, rows, (24, 24, 30, 22))]
    nothing = (Paragraph(text=words.prose(words.say("Nothing to list."))),)
    return Section(title=words.say("What is proven"), anchor="proven", blocks=tuple(blocks) or nothing)


def _row(catalogue: Catalogue, words: Words, rule: str, verdicts: list[Verdict]) -> tuple[Inline, ...]:
    text = catalogue.rules[rule]
    named = dict.fromkeys(_named(one) for one in verdicts)
    places = latin(*list(named)[:_PLACES])
    rest = len(named) - _PLACES
    more = words.prose(f" {words.count('and {count} more', 'and {count} more', rest)}") if rest > 0 else ()
    return words.prose(text.promise), (*places, *more), words.prose(text.proves), words.prose(text.limits)


def _named(verdict: Verdict) -> str:
    return f"{verdict.subject.name} {verdict.subject.service or ''}".rstrip()


def _unknown(case: Proofs, words: Words, catalogue: Catalogue) -> Section:
    rows = tuple(
        (where(one.subject), words.prose(catalogue.rules[one.rule].checked), words.prose(catalogue.reasons.get(one.reason or "", "")))
        for one in case.unknown
    )  # fmt: skip
    headers = (words.say("Machine"), words.say("Checked"), words.say("Why it is not known"))
    title = words.say("Neither proven nor refuted")
    return Section(title=title, anchor="unknown", blocks=(table(words, headers, rows, (26, 34, 40)),))
