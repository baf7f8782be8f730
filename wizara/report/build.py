"""Makes the Document of an audit in one language; all decisions about what a report says are here."""

from __future__ import annotations

from collections import Counter

from wizara.audit.cvss import SEVERITIES, Severity
from wizara.audit.job import View
from wizara.audit.observation import Observation
from wizara.audit.presence import living
from wizara.audit.verdict import Finding
from wizara.report.cables import cable_figures, cables
from wizara.report.case import Case
from wizara.report.colophon import colophon
from wizara.report.comparison import comparison
from wizara.report.document import (
    Block,
    Document,
    Fields,
    Figure,
    Heading,
    Inline,
    Items,
    Paragraph,
    Risk,
    Risks,
    Section,
    Table,
    Tile,
    Tiles,
)
from wizara.report.figures import severity_chart
from wizara.report.findings import block, where
from wizara.report.lan_map import draw
from wizara.report.machines import legend, machine_rows, networks
from wizara.report.progress import nothing, progress, unseen
from wizara.report.segmentation import segmentation
from wizara.report.words import Catalogue, Words, latin
from wizara.text import N_

SEVERITY_WORDS: dict[Severity, str] = {
    "critical": N_("Critical"),
    "high": N_("High"),
    "medium": N_("Medium"),
    "low": N_("Low"),
    "info": N_("Information"),
}
FIRST = 5
"""Risks on the minister's page."""


def build(case: Case, language: str) -> Document:
    """Return the report of *case* in *language*."""
    words, catalogue = Words(language, case.audit.country), Catalogue(language)
    title = case.audit.title.in_(language) if case.audit.title else _commissioner(case)
    place = (
        case.audit.site_title.in_(language) if case.audit.site_title else ", ".join(map(str, case.audit.facts.networks))
    ) or ", ".join(files(case))
    return Document.model_validate(
        {
            "language": language,
            "direction": "rtl" if words.right_to_left else "ltr",
            "title": words.say(
                "Local network audit report" if case.audit.facts.networks else "Configuration audit report"
            ),
            "owner": title,
            "place": place,
            "date": words.day(case.run.started.date()),
            "marking": words.say("Restricted distribution"),
            "run": case.run.id,
            "page_word": words.say("Page"),
            "contents_word": words.say("Contents"),
            "timestamp": int(case.run.started.timestamp()),
            "sections": (
                _summary(case, words, catalogue, place),
                _scope(case, words, catalogue),
                *((_lan(case, words),) if case.audit.facts.networks else ()),
                *cables(case, words),
                *((comparison(case, words, catalogue),) if compared(case) else ()),
                *((segmentation(case, words, catalogue),) if case.audit.facts.segmentation else ()),
                _findings(case, words, catalogue),
                _promises(case, words, catalogue),
                colophon(case, words, catalogue),
            ),
        }
    )


def _commissioner(case: Case) -> str:
    return case.audit.mandate.commissioner if case.audit.mandate else case.run.operator


def files(case: Case) -> dict[str, int]:
    """Return the exported configurations that were read, with their lines."""
    return {one.text("file"): len(one.texts("config")) for one in case.seen.of("config") if one.text("file")}


def _severity_words(words: Words) -> dict[Severity, str]:
    return {name: words.say(SEVERITY_WORDS[name]) for name in SEVERITIES}


def _summary(case: Case, words: Words, catalogue: Catalogue, place: str) -> Section:
    named = _severity_words(words)
    tiles = tuple(
        Tile(number=words.number(count), word=named[name], severity=name) for name, count in case.counts.items()
    )
    chart = severity_chart(case.counts, named, words.say("Findings by severity"), mirrored=words.right_to_left)
    day = words.day(case.run.started.date())
    message = (
        N_("The local network of {place} was audited on {date}.")
        if case.audit.facts.networks
        else N_("Exported configurations were judged on {date}: {place}.")
    )
    answered = words.count("{count} machine answered.", "{count} machines answered.", _living(case))
    lead = (
        *words.tell(message, place=words.prose(place), date=day),
        *(words.prose(" " + answered) if case.audit.facts.networks else ()),
        *words.prose(_decisions(case, words)),
    )
    risks = tuple(
        Risk(
            id=one.id,
            severity=one.verdict.severity,
            word=named[one.verdict.severity],
            title=catalogue.rules[one.verdict.rule].title,
            where=where(one.verdict.subject),
            risk=words.prose(catalogue.rules[one.verdict.rule].risk),
        )
        for one in _first(case)
    )
    first = (
        [Heading(text=words.say("The first risks")), Risks(risks=risks)]
        if risks
        else [Paragraph(text=nothing(case, words))]
    )
    blocks = (
        Paragraph(text=lead, lead=True),
        Tiles(tiles=tiles),
        Figure(svg=chart, description=words.say("Findings by severity"), share=62),
        *first,
    )
    return Section(title=words.say("Summary"), anchor="summary", blocks=blocks)


def _decisions(case: Case, words: Words) -> str:
    """Return how many findings need a decision, and what is open of earlier ones; nothing where no finding does."""
    count = len(case.pending)
    told = words.count("{count} finding needs a decision.", "{count} findings need a decision.", count)
    return "".join(f" {one}" for one in (told, unseen(case, words)) if one) if count else ""


def _first(case: Case) -> list[Finding]:
    """The worst findings, one of each rule: five open doors of one kind are one risk to a minister."""
    chosen: dict[str, Finding] = {}
    for one in case.pending:
        chosen.setdefault(one.verdict.rule, one)
    return list(chosen.values())[:FIRST]


def _living(case: Case) -> int:
    return len(living(case.seen))


def _scope(case: Case, words: Words, catalogue: Catalogue) -> Section:
    looked = (
        *(_looked(case, one, words, catalogue) for one in case.seen.of("sweep")),
        *(
            words.tell(N_("{file}: {count} lines were read."), file=file, count=str(lines))
            for file, lines in files(case).items()
        ),
    )
    fields: tuple[tuple[str, Inline], ...] = (
        *((words.say("Looked at from"), _place(case, view, words)) for view in case.audit.views),
        (words.say("Began"), words.moment(case.run.started)),
        (words.say("Ended"), words.moment(case.run.ended) if case.run.ended else words.prose(words.say("interrupted"))),
        *((_contacted(case, words)) if case.audit.facts.networks else ()),
        (words.say("Observations kept"), latin(words.number(len(case.observations)))),
    )
    reasons = Counter(one.reason for one in case.unknown)
    unseen = tuple(
        words.prose(f"{catalogue.reasons.get(reason or '', reason or '')} ({words.number(count)})")
        for reason, count in reasons.most_common()
    )
    blocks = (
        Fields(fields=fields),
        Items(items=looked),
        Heading(text=words.say("What could not be seen")),
        Items(
            items=(
                *unseen,
                *(words.prose(words.say(one)) for one in (LIMITS if case.audit.facts.networks else FILE_LIMITS)),
            )
        ),
    )
    return Section(title=words.say("What was looked at, and what was not"), anchor="scope", blocks=blocks)


def _contacted(case: Case, words: Words) -> tuple[tuple[str, Inline], ...]:
    """Return how gently machines were touched (where some were), how many are declared and how many answered."""
    pace = ((words.say("Pace"), _pace(case, words)), (words.say(N_("Well-known logins")), _logins(case, words)))
    return (
        *(pace if case.audit.mandate else ()),
        (words.say("Declared machines"), latin(words.number(len({host.name for host in case.audit.facts.hosts})))),
        (words.say("Machines that answered"), latin(words.number(_living(case)))),
    )


def _logins(case: Case, words: Words) -> Inline:
    """Say whether logins that everybody knows were tried, and whether that was ended early."""
    if not case.audit.logins:
        return words.prose(words.say(N_("not tried")))
    tried = words.say(N_("tried, as the mandate allows: an account at most twice a machine"))
    stopped = any(one.flag("locked") for one in case.seen.of("login", "mysql"))
    ended = words.say(N_("ended at the first answer that looked like a lockout")) if stopped else ""
    return words.prose("; ".join(filter(None, (tried, ended))))


def _pace(case: Case, words: Words) -> Inline:
    """Say how gently the network was touched."""
    pace = case.audit.pace
    message = N_(
        "{profile}: at most {lan} frames a second to a network, {host} a second and {sockets} connections to a machine"
    )
    figures = {"lan": pace.lan_per_second, "host": pace.host_per_second, "sockets": pace.sockets_per_host}
    return words.tell(
        message, profile=pace.name, **{key: words.prose(words.number(one)) for key, one in figures.items()}
    )


def _looked(case: Case, sweep: Observation, words: Words, catalogue: Catalogue) -> Inline:
    """Say how a network was looked at, where there were several places from which one, or why it was not."""
    network, reason = sweep.text("network"), sweep.text("reason")
    view = next((one for one in case.audit.views if one.vantage == sweep.vantage), None)
    several = view if len(case.audit.views) > 1 else None
    place = (*words.prose(" ("), *_name(several, words), *words.prose(")")) if several else ()
    if sweep.flag("on_link") and ":" in network:
        message = N_("{network}: all machines were asked at once, known addresses one by one.")
        return (*words.tell(message, network=network), *place)
    if sweep.flag("on_link"):
        return (*words.tell(N_("{network}: every address was asked by ARP."), network=network), *place)
    if reason == "afar":
        message = N_("{network}: not attached to this vantage point; only declared addresses were tried.")
        return (*words.tell(message, network=network), *place)
    why = words.prose(catalogue.reasons.get(reason, "…"))
    return words.tell(N_("{network}: {reason}."), network=network, reason=why)


def _name(view: View, words: Words) -> Inline:
    message = N_("node {name}, over SSH")
    here, apart, lan = view.vantage.partition(" · ")
    if view.station:
        return words.tell(message, name=view.vantage)
    return (*words.prose(words.say(here)), *(latin(apart + lan) if lan else ()))


def _place(case: Case, view: View, words: Words) -> Inline:
    """Say from where a part was looked at: this computer or a node, with its ports there."""
    ports = [one for one in case.seen.of("vantage") if one.vantage == view.vantage]
    places = tuple(f"{one.text('interface')} {one.text('address')}" for one in ports)
    return (*_name(view, words), *words.prose(" "), *latin(*places))


LIMITS = (
    N_("Machines that were off, or that hid during the audit; the picture is that of one moment."),
    N_("IPv6 machines that answer no question to all and whose address does not follow from their card."),
    N_("UDP services that were not asked for by name."),
    N_("The inside of machines: software versions, accounts, updates."),
)


FILE_LIMITS = (
    N_("The devices themselves: an exported file tells what was configured, not what runs now."),
    N_("What stands at its default and is not in the file is judged by the default of current releases."),
)


def _lan(case: Case, words: Words) -> Section:
    states = {state: words.say(word) for state, word in legend(case).items()}
    title = words.say("Map of the local network")
    drawn = draw(networks(case, words), title, states, words.say("more"), mirrored=words.right_to_left)
    figures = (Figure(svg=one, description=title) for one in drawn)
    headers = tuple(
        words.say(word)
        for word in (N_("Address"), N_("Name"), N_("Network card"), N_("State"), N_("Open ports"), N_("Findings"))
    )
    rows = table(words, headers, machine_rows(case, words), (15, 15, 19, 19, 22, 10))
    return Section(
        title=title,
        anchor="map",
        blocks=(*figures, *cable_figures(case, words), Heading(text=words.say(N_("Machines"))), rows),
    )


def compared(case: Case) -> bool:
    """Say whether the audit had an inventory to compare the networks with."""
    return case.audit.facts.inventory and bool(case.audit.facts.networks)


def _findings(case: Case, words: Words, catalogue: Catalogue) -> Section:
    named = _severity_words(words)
    blocks = tuple(block(case, one, words, catalogue, named[one.verdict.severity]) for one in case.findings)
    beside = progress(case, words, catalogue)
    content = blocks or (Paragraph(text=nothing(case, words)),)
    return Section(title=words.say("Findings"), anchor="findings", blocks=(*beside, *content))


def _promises(case: Case, words: Words, catalogue: Catalogue) -> Section:
    held = Counter(one.verdict.rule for one in case.verdicts.proofs)
    subjects = {
        rule: [one.verdict.subject for one in case.verdicts.proofs if one.verdict.rule == rule] for rule in held
    }
    rows = tuple(
        (
            words.prose(catalogue.rules[rule].checked),
            latin(words.number(count)),
            latin(*(one.name + (f" {one.service}" if one.service else "") for one in subjects[rule])),
        )
        for rule, count in sorted(held.items())
    )
    headers = (words.say("Checked"), words.say("In order"), words.say("Machines"))
    unjudged = tuple(
        (
            where(one.subject),
            words.prose(catalogue.rules[one.rule].checked),
            words.prose(catalogue.reasons.get(one.reason or "", "")),
        )
        for one in case.unknown
    )
    unknown_headers = (words.say("Machine"), words.say("Checked"), words.say("Why it is not known"))
    blocks = (
        Heading(text=words.say("Declared and in order")),
        table(words, headers, rows, (36, 14, 50)),
        Heading(text=words.say("Neither proven nor refuted")),
        table(words, unknown_headers, unjudged, (26, 30, 44)),
    )
    return Section(title=words.say("What is in order, and what is not known"), anchor="promises", blocks=blocks)


def table(
    words: Words, headers: tuple[str, ...], rows: tuple[tuple[Inline, ...], ...], widths: tuple[int, ...]
) -> Block:
    """Return a table, or a word that there is nothing to list."""
    if not rows:
        return Paragraph(text=words.prose(words.say("Nothing to list.")))
    return Table(headers=headers, rows=rows, widths=widths)
