"""The last section: under which order the audit was made, with which tools, and who vouches for the words."""

from __future__ import annotations

from collections.abc import Mapping

from wizara.report.case import Case, Judged
from wizara.report.document import Block, Fields, Heading, Inline, Paragraph, Section
from wizara.report.words import Catalogue, Words, latin
from wizara.text import N_


def colophon(case: Case, words: Words, catalogue: Catalogue) -> Section:
    """Return mandate, origin of the evidence, versions, and which texts nobody reviewed yet."""
    blocks = (
        Heading(text=words.say("Mandate")),
        Fields(fields=_mandate(case, words)),
        *origin(case, case.audit.versions, words, catalogue),
    )
    return Section(title=words.say("Colophon"), anchor="colophon", blocks=blocks)


def origin(case: Judged, versions: Mapping[str, str], words: Words, catalogue: Catalogue) -> tuple[Block, ...]:
    """Return where the evidence comes from, by which *versions* of the tools, and which texts nobody reviewed yet."""
    fields: tuple[tuple[str, Inline], ...] = (
        (words.say("Run"), latin(case.run.id)),
        (
            words.say("World"),
            words.prose(words.say(N_("field"))) if case.run.world == "field" else latin(case.run.world),
        ),
        (words.say("Operator at the keyboard"), latin(case.run.operator)),
        (words.say("Hash of the evidence"), latin(case.evidence_hash)),
        (words.say("Tools"), latin(*(f"{name} {version}" for name, version in sorted(versions.items())))),
    )
    heading = Heading(text=words.say("Origin of the evidence"))
    return heading, Fields(fields=fields), *(Paragraph(text=one) for one in _review(words, catalogue))


def _mandate(case: Case, words: Words) -> tuple[tuple[str, Inline], ...]:
    mandate = case.audit.mandate
    if mandate is None:
        return ((words.say("Mandate"), words.prose(words.say(N_("none: files were read, and nothing was contacted")))),)
    excluded = latin(*map(str, mandate.exclusions)) if mandate.exclusions else words.prose(words.say("none"))
    return (
        (words.say("Commissioner"), words.prose(mandate.commissioner)),
        (words.say("Reference"), (*latin(mandate.reference), *words.prose(" · "), *words.day(mandate.signed))),
        (words.say("Perimeter"), latin(*map(str, mandate.perimeter))),
        (words.say("Exclusions"), excluded),
        (
            words.say("Valid"),
            (
                *words.day(mandate.begins),
                *words.prose(" – "),
                *words.day(mandate.ends),
                *words.prose(" · "),
                *latin(*mandate.hours),
            ),
        ),
        (words.say("Operators"), words.prose(", ".join(mandate.operators))),
        (words.say("Contact"), words.prose(mandate.contact)),
        (words.say("Hash of the mandate"), latin(case.audit.mandate_hash)),
    )


def _review(words: Words, catalogue: Catalogue) -> tuple[Inline, ...]:
    severity = words.prose(
        words.say("Severities follow from CVSS 3.1 base scores; the vector stands with each finding.")
    )
    unreviewed = [subject for subject, reviewer in catalogue.reviewed_by.items() if not reviewer]
    if not unreviewed:
        return (severity,)
    texts = ", ".join(f"audits/catalog/{subject}.{words.language}.toml" for subject in unreviewed)
    return severity, words.tell(
        "These texts were not yet reviewed by a specialist speaking this language: {texts}", texts=texts
    )
