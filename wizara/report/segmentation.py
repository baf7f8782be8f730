"""The matrix of what passes between the LANs of a site: counted from what was tried, and nothing where nobody tried."""

from __future__ import annotations

from collections import Counter

from wizara.audit.verdict import Verdict
from wizara.report.case import Case
from wizara.report.document import Inline, Paragraph, Section, Table
from wizara.report.words import Catalogue, Words
from wizara.text import N_

#: (rule, outcome) → what it is called in a cell
CELLS = {
    ("SEG-001", "broken"): N_("passes undeclared"), ("SEG-002", "broken"): N_("declared and blocked"),
    ("SEG-001", "holds"): N_("as declared"), ("SEG-002", "holds"): N_("as declared"),
    ("SEG-001", "unknown"): N_("nothing listens"), ("SEG-002", "unknown"): N_("nothing listens"),
}  # fmt: skip
UNTRIED = N_("not tested")


def counts(case: Case) -> dict[tuple[str, str], Counter[str]]:
    """Return (from, to) → how many connections came out how; a pair that nobody tried has no entry."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for one in case.verdicts.verdicts:
        word = _word(one)
        parts = one.subject.asset.split("/")
        if word and one.subject.service and len(parts) == 4:
            found.setdefault((parts[1], parts[2]), Counter())[word] += 1
    return found


def _word(one: Verdict) -> str | None:
    """Return what a connection came out as; one that could not be tried shows nothing of what listens."""
    untried = one.outcome == "unknown" and one.reason != "nothing-listens"
    return UNTRIED if untried and one.rule.startswith("SEG-") else CELLS.get((one.rule, one.outcome))


def reasons(case: Case) -> dict[tuple[str, str], str]:
    """Return (from, to) → why nobody tried what passes there: a key of the catalogue's ``[reasons]``."""
    parts = ((one.subject.asset.split("/"), one) for one in case.unknown if one.rule.startswith("SEG-"))
    return {(asset[1], asset[2]): one.reason or "" for asset, one in parts if len(asset) == 3 and not one.subject.ip}


def segmentation(case: Case, words: Words, catalogue: Catalogue) -> Section:
    """Return the matrix, a row for each network that traffic comes from."""
    names = [lan.name for lan in case.audit.facts.lans]
    tried, why = counts(case), reasons(case)

    def cell(source: str, target: str) -> Inline:
        if source == target:
            return words.prose("–")
        reason = catalogue.reasons.get(why.get((source, target), ""), "")
        return _cell(tried.get((source, target)), words, reason)

    rows = tuple((words.prose(source), *(cell(source, target) for target in names)) for source in names)
    table = Table(headers=(words.say(N_("From ↓ to →")), *names), rows=rows, widths=(16, *(16 for _name in names)))
    told = N_(
        "Each cell counts connections that were tried from one network to the machines of another; a cell that nobody tried says so."
    )
    return Section(
        title=words.say(N_("Segmentation of the local networks")), anchor="segmentation",
        blocks=(Paragraph(text=words.prose(words.say(told))), table),
    )  # fmt: skip


def _cell(found: Counter[str] | None, words: Words, reason: str) -> Inline:
    if not found:
        told = words.say(UNTRIED)
        return words.prose(f"{told} ({reason})" if reason else told)
    order = dict.fromkeys((*CELLS.values(), UNTRIED))
    return words.prose("; ".join(f"{words.number(found[word])} {words.say(word)}" for word in order if found[word]))
