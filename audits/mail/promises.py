"""Promises of the mail system, each resting on one real message or on one refusal."""

from __future__ import annotations

from collections.abc import Iterator

from wizara.audit.observation import Observation, Seen
from wizara.audit.promises import Promises, about, node_subject
from wizara.audit.rule import Judgement, broken, holds, rule, unknown
from wizara.audit.verdict import Subject

_AVAILABILITY = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"


def _systems(facts: Promises) -> Iterator[Subject]:
    for plan in facts.plans("mail"):
        yield node_subject(plan)


def _last(seen: Seen, collector: str) -> Observation | None:
    found = about(seen, collector, "mail")
    return found[-1] if found else None


@rule("MAI-001", scope="declared", kinds=("mail",), cvss=_AVAILABILITY)
def message_is_taken(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """Port 587 takes a message over verified TLS from who has the mailbox's password."""
    for subject in _systems(facts):
        one = _last(seen, "submission")
        if one is None:
            yield unknown(subject, "no-mail-tried")
        elif one.flag("sent") and one.flag("tls"):
            yield holds(subject, [one])
        else:
            yield broken(subject, [one], place=one.text("from"), fault=one.text("fault"))


@rule("MAI-002", scope="declared", kinds=("mail",), cvss=_AVAILABILITY)
def message_arrives_intact(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """The message is read over IMAPS with its Arabic subject and its text as they were written."""
    for subject in _systems(facts):
        sent, one = _last(seen, "submission"), _last(seen, "imap")
        if sent is None or one is None:
            yield unknown(subject, "no-mail-tried", [sent] if sent else [])
        elif one.flag("read") and one.flag("subject_intact") and one.flag("body_intact"):
            yield holds(subject, [sent, one])
        else:
            fault = one.text("fault") or ("-" if not one.flag("read") else one.text("subject"))
            yield broken(subject, [sent, one], place=one.text("from"), fault=fault)


@rule("MAI-003", scope="declared", kinds=("mail", "dns"), cvss="CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:N/I:H/A:N")
def message_is_signed(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """A DKIM signature of the domain names the declared selector, covers From, and its hash is that of the body that arrived."""
    for subject in _systems(facts):
        one = _last(seen, "imap")
        if one is None or not one.flag("read"):
            yield unknown(subject, "no-mail-read", [one] if one else [])
            continue
        selector = facts.ministry.declaration.mail.selector
        good = one.flag("signs_from") and one.flag("body_hash") and one.text("selector") == selector
        told = one.text("selector") or "-"
        yield holds(subject, [one]) if good else broken(subject, [one], selector=told, declared=selector)


@rule("MAI-004", scope="declared", kinds=("dns",), cvss="CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:N/I:H/A:N")
def published_key_is_the_enrolled_one(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """The key that the name server publishes for signatures is the one that was enrolled."""
    dkim = facts.ministry.enrolled.dkim.get(facts.ministry.declaration.domain)
    for subject in _systems(facts):
        found = about(seen, "dkim-record", "dns")
        if not found or not found[-1].flag("answer") or dkim is None:
            yield unknown(subject, "no-answer-of-names", found)
            continue
        values = found[-1].texts("values")
        tags = [{key.strip(): text.strip() for key, _is, text in (part.partition("=") for part in value.split(";"))}
                for value in values]  # fmt: skip
        if len(tags) == 1 and tags[0].get("p") == dkim.public:
            yield holds(subject, found)
        else:
            yield broken(subject, found, name=found[-1].text("name"), count=str(len(values)))


@rule("MAI-005", scope="declared", kinds=("mail",), cvss="CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N")
def no_password_in_clear(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """Port 587 offers no authentication before TLS."""
    for subject in _systems(facts):
        one = _last(seen, "submission")
        if one is None or "auth_before_tls" not in one.data:
            yield unknown(subject, "no-mail-tried", [one] if one else [])
        else:
            yield broken(subject, [one]) if one.flag("auth_before_tls") else holds(subject, [one])


def _refusals(seen: Seen, facts: Promises, purpose: str) -> Iterator[Judgement]:
    for plan in facts.plans("mail"):
        found = about(seen, "refusal", "mail", purpose=purpose)
        if not found:
            yield unknown(node_subject(plan), "no-mail-tried")
        for one in found:
            subject, code = node_subject(plan, one.text("service")), one.number("code")
            if code is None:
                yield unknown(subject, "no-mail-answer", [one])
            elif code >= 500:
                yield holds(subject, [one])
            else:
                yield broken(subject, [one], service=one.text("service"), to=one.text("to"), code=str(code))


@rule("MAI-006", scope="declared", kinds=("mail",), cvss="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:N/I:H/A:L")
def no_open_relay(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """Who has not authenticated cannot send to foreign domains."""
    return _refusals(seen, facts, "relay")


@rule("MAI-007", scope="declared", kinds=("mail",), cvss="CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:L/A:N")
def unknown_recipient_is_refused(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """Mail to a mailbox that does not exist is refused at once, not taken and bounced."""
    return _refusals(seen, facts, "recipient")
