"""What became of the findings of the audit before: how many are mended, back again, or were not seen this time."""

from __future__ import annotations

from collections import Counter

from wizara.report.case import Case
from wizara.report.document import Block, Heading, Items, Paragraph
from wizara.report.findings import STATUS, where
from wizara.report.words import Catalogue, Words, latin
from wizara.text import N_

PAST = {"fixed": N_("mended"), "unknown": N_("not seen this time")}


def progress(case: Case, words: Words, catalogue: Catalogue) -> tuple[Block, ...]:
    """Return the blocks, none when there was no audit before."""
    gone = [one for one in case.verdicts.past if not one.earlier]
    counts = Counter(one.status for one in case.findings)
    if not gone and not counts["open"] and not counts["regressed"]:
        return ()
    now = [f"{words.number(counts[name])} {words.say(STATUS[name])}" for name in ("new", "open", "regressed")]
    ended: Counter[str] = Counter(one.status for one in gone)
    then = [f"{words.number(ended[name])} {words.say(word)}" for name, word in PAST.items()]
    told = tuple(
        (
            *words.prose(f"{words.say(PAST[one.status])}: {catalogue.rules[one.verdict.rule].title} – "),
            *where(one.verdict.subject),
            *latin(f" {one.id}"),
        )
        for one in gone
        if one.verdict.rule in catalogue.rules
    )
    heading = Heading(text=words.say(N_("Beside the audit before")))
    line = Paragraph(text=words.prose("، ".join([*now, *then]) if words.right_to_left else ", ".join([*now, *then])))
    return (heading, line, *((Items(items=told),) if told else ()))
