"""What became of the findings of the audit before: how many are mended, back again, or were not seen this time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from wizara.report.case import Case
from wizara.report.document import Block, Heading, Inline, Items, Paragraph
from wizara.report.findings import where
from wizara.report.words import Catalogue, Words, latin
from wizara.text import N_

PAST = {"fixed": N_("mended"), "unknown": N_("not seen this time")}


def progress(case: Case, words: Words, catalogue: Catalogue) -> tuple[Block, ...]:
    """Return the blocks, none when there was no audit before."""
    gone = [one for one in case.verdicts.past if not one.earlier]
    counts: Counter[str] = Counter(one.status for one in case.findings)
    if not gone and not counts["open"] and not counts["regressed"]:
        return ()
    ended: Counter[str] = Counter(one.status for one in gone)
    told = tuple(
        (
            *words.tell(
                N_("{status}: {title} – "),
                status=words.prose(words.say(PAST[one.status])),
                title=words.prose(catalogue.rules[one.verdict.rule].title),
            ),
            *where(one.verdict.subject),
            *latin(f" {one.id}"),
        )
        for one in gone
        if one.verdict.rule in catalogue.rules
    )
    heading = Heading(text=words.say(N_("Beside the audit before")))
    line = Paragraph(text=words.prose(beside({**counts, **ended}, words)))
    return (heading, line, *((Items(items=told),) if told else ()))


def beside(counts: Mapping[str, int], words: Words) -> str:
    """Return how many findings there are of each status, in one line."""
    new, known, back, mended, unseen = (
        counts.get(name, 0) for name in ("new", "open", "regressed", "fixed", "unknown")
    )
    told = (
        words.count("{count} new", "{count} new", new),
        words.count("{count} already known", "{count} already known", known),
        words.count("{count} back again", "{count} back again", back),
        words.count("{count} mended", "{count} mended", mended),
        words.count("{count} not seen this time", "{count} not seen this time", unseen),
    )
    return ("، " if words.right_to_left else ", ").join(told)


def unseen(case: Case, words: Words) -> str:
    """Return the sentence of what an earlier audit found and nobody saw since, empty when there is none."""
    count = sum(one.status == "unknown" for one in case.verdicts.past)
    told = words.count(
        "{count} earlier finding was not seen this time and is still open.",
        "{count} earlier findings were not seen this time and are still open.",
        count,
    )
    return told if count else ""


def nothing(case: Case, words: Words) -> Inline:
    """Return what is said where no finding is pending."""
    return words.prose(unseen(case, words) or words.say(N_("Nothing was found that needs a decision.")))
