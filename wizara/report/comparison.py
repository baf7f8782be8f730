"""The inventory beside what was found, in three lists: what nobody declared, what is missing, what is otherwise than declared."""

from __future__ import annotations

from wizara.audit.verdict import Finding
from wizara.report.case import Case
from wizara.report.document import Block, Heading, Inline, Paragraph, Section, Table
from wizara.report.findings import details, where
from wizara.report.words import Catalogue, Words, latin
from wizara.text import N_

#: list → the rules whose findings it holds, and its heading
LISTS: dict[str, tuple[tuple[str, ...], str]] = {
    "undeclared": (("LAN-001",), N_("Found and not declared")),
    "missing": (("LAN-002",), N_("Declared and not found")),
    "different": (("LAN-003", "LAN-007", "LAN-008", "LAN-009"), N_("Found otherwise than declared")),
}


def lists(case: Case) -> dict[str, tuple[Finding, ...]]:
    """Return the findings of each list, in the order of their addresses."""
    return {
        name: tuple(sorted((one for one in case.findings if one.verdict.rule in rules), key=_address))
        for name, (rules, _heading) in LISTS.items()
    }


def _address(one: Finding) -> tuple[int, ...]:
    return tuple(int(part) for part in (one.verdict.subject.ip or "").split(".") if part.isdigit())


def comparison(case: Case, words: Words, catalogue: Catalogue) -> Section:
    """Return the section with the three lists; an empty one says so."""
    blocks: list[Block] = []
    for name, findings in lists(case).items():
        blocks.append(Heading(text=f"{words.say(LISTS[name][1])} ({words.number(len(findings))})"))
        rows = tuple(_row(one, words, catalogue) for one in findings)
        headers = tuple(words.say(word) for word in (N_("Machine"), N_("Network card"), N_("Seen"), N_("Finding")))
        table = Table(headers=headers, rows=rows, widths=(24, 18, 40, 18))
        blocks.append(table if rows else Paragraph(text=words.prose(words.say("none"))))
    return Section(title=words.say("Declared and found"), anchor="comparison", blocks=tuple(blocks))


def _row(one: Finding, words: Words, catalogue: Catalogue) -> tuple[Inline, ...]:
    verdict = one.verdict
    seen = words.fill(catalogue.rules[verdict.rule].found(verdict.details), details(verdict, words))
    return where(verdict.subject), latin(verdict.subject.mac or "–"), seen, latin(one.id)
