"""The matrix of what passes between the LANs of a site: counted from what was tried, and nothing where nobody tried."""

from __future__ import annotations

from collections import Counter

from wizara.report.case import Case
from wizara.report.document import Inline, Paragraph, Section, Table
from wizara.report.words import Words
from wizara.text import N_

#: (rule, outcome) → what it is called in a cell
CELLS = {
    ("SEG-001", "broken"): N_("passes undeclared"), ("SEG-002", "broken"): N_("declared and blocked"),
    ("SEG-001", "holds"): N_("as declared"), ("SEG-002", "holds"): N_("as declared"),
    ("SEG-001", "unknown"): N_("nothing listens"), ("SEG-002", "unknown"): N_("nothing listens"),
}  # fmt: skip


def counts(case: Case) -> dict[tuple[str, str], Counter[str]]:
    """Return (from, to) → how many connections came out how; a pair that nobody tried has no entry."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for one in case.verdicts.verdicts:
        word = CELLS.get((one.rule, one.outcome))
        parts = one.subject.asset.split("/")
        if word and one.subject.service and len(parts) == 4:
            found.setdefault((parts[1], parts[2]), Counter())[word] += 1
    return found


def segmentation(case: Case, words: Words) -> Section:
    """Return the matrix, a row for each network that traffic comes from."""
    names = [lan.name for lan in case.audit.facts.lans]
    tried = counts(case)
    rows = tuple(
        (words.prose(source), *(_cell(tried.get((source, target)), words, same=source == target) for target in names))
        for source in names
    )
    table = Table(headers=(words.say(N_("From ↓ to →")), *names), rows=rows, widths=(16, *(16 for _name in names)))
    told = N_(
        "Each cell counts connections that were tried from one network to the machines of another; a cell that nobody tried says so."
    )
    return Section(
        title=words.say(N_("Segmentation of the local networks")), anchor="segmentation",
        blocks=(Paragraph(text=words.prose(words.say(told))), table),
    )  # fmt: skip


def _cell(found: Counter[str] | None, words: Words, *, same: bool) -> Inline:
    if same:
        return words.prose("–")
    if not found:
        return words.prose(words.say(N_("not tested")))
    order = dict.fromkeys(CELLS.values())
    return words.prose("; ".join(f"{words.number(found[word])} {words.say(word)}" for word in order if found[word]))
