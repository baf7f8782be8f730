"""Sends one real message to the mailbox of proofs and reads it back, and tries what a mail system must refuse."""

from __future__ import annotations

import imaplib
import smtplib
import time
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from pydantic import JsonValue

from audits.mail.doors import Mailbox, Submission, context
from audits.mail.signature import signatures
from audits.names.question import ask
from wizara.audit.untrusted import untrusted
from wizara.engine.ground import Gateway, Ground, Place
from wizara.inventory.required import dashed
from wizara.inventory.secrets import part_of

SUBJECT = "برهان البريد: الرسالة وصلت سالمة"
_BODY = "هذه رسالة إثبات أرسلتها وزارة لتتحقق من بريدها.\nMessage de preuve, accentué : é à ç œ.\n{canary}\n"
_DELIVERY = 40
"""Seconds that a message may take: the filter's first one is slow."""
_STRANGER = "somebody@foreign.example"


@dataclass(frozen=True)
class System:
    """The mail system, as clients reach it."""

    domain: str
    name: str
    address: str
    probe: str
    password: str


def collect(ground: Ground) -> None:
    """Send and read where a place and the password are at hand."""
    domain = ground.ministry.declaration.domain
    name = f"mail.{domain}"
    addresses = [record.value for zone in ground.blueprint.zones for record in zone.records
                 if record.type == "A" and record.name == f"{name}."]  # fmt: skip
    local = ground.ministry.declaration.mail.probe
    secret = ground.secrets.get(f"mailbox-{dashed(local)}")
    sender, reader = places(ground)
    if not addresses or secret is None or sender is None or reader is None:
        return
    system = System(
        domain, name, addresses[0], f"{local}@{domain}", part_of(secret, f"mailbox-{dashed(local)}", "password")
    )
    _refusals(ground, system, sender)
    if _send(ground, system, sender):
        _read(ground, system, reader)
    _key(ground, system, reader)


def places(ground: Ground) -> tuple[Place | None, Place | None]:
    """Return from where to send and where to read: two institutions where there are, else one place twice."""
    sites = ground.ministry.sites
    outer = [place for place in ground.places if sites[place.site].kind == "institution" and ground.lab]
    found = outer or [place for place in ground.places if sites[place.site].kind == "headquarters"] or [*ground.places]
    return (found[-1], found[0]) if found else (None, None)


def _saw(ground: Ground, system: System, place: Place, collector: str, port: int, facts: dict[str, JsonValue]) -> None:
    ground.saw(collector, "mail", facts | {"from": place.name}, vantage=place.vantage, site=place.site, ip=system.address,
               port=port)  # fmt: skip


def _words(fault: BaseException) -> str:
    said = getattr(fault, "smtp_error", None)
    return untrusted(said if isinstance(said, bytes) else f"{type(fault).__name__}: {fault}")


def _send(ground: Ground, system: System, place: Place) -> bool:
    """Submit the message; say whether it was taken."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = message["To"] = system.probe
    message["Subject"] = SUBJECT
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=system.domain)
    message["X-Wizara-Proof"] = ground.canary
    message.set_content(_BODY.format(canary=ground.canary), cte="base64")
    facts: dict[str, JsonValue] = {"to": system.probe}
    try:
        with Submission(place, system.address, 587, system.name) as door:
            door.ehlo()
            facts["auth_before_tls"] = door.has_extn("auth")
            door.starttls(context=context(ground.ministry.enrolled.authority))
            facts["tls"] = True
            door.login(system.probe, system.password)
            door.send_message(message)
        facts["sent"] = True
    except (OSError, smtplib.SMTPException, ValueError) as fault:
        facts |= {"sent": False, "fault": _words(fault)}
    _saw(ground, system, place, "submission", 587, facts)
    return facts["sent"] is True


def _read(ground: Ground, system: System, place: Place) -> None:
    """Wait for the message in the mailbox, read it, and take it away."""
    facts: dict[str, JsonValue] = {"read": False}
    began = time.monotonic()
    try:
        door = Mailbox(place, system.address, 993, system.name, context(ground.ministry.enrolled.authority))
        with door:
            door.login(system.probe, system.password)
            while time.monotonic() - began < _DELIVERY:
                if raw := _fetch(door, ground.canary):
                    facts |= {"read": True, "seconds": round(time.monotonic() - began, 1)} | _looked(raw, ground)
                    ground.kept["probe.eml"] = raw
                    break
                time.sleep(0.5)
    except (OSError, imaplib.IMAP4.error, ValueError) as fault:
        facts["fault"] = _words(fault)
    _saw(ground, system, place, "imap", 993, facts)


def _fetch(door: imaplib.IMAP4, canary: str) -> bytes | None:
    door.select("INBOX")
    _status, (numbers, *_rest) = door.search(None, "HEADER", "X-Wizara-Proof", canary)
    if not numbers:
        return None
    number = numbers.split()[-1].decode()
    _status, parts = door.fetch(number, "(BODY.PEEK[])")
    raw = next((part[1] for part in parts if isinstance(part, tuple)), None)
    door.store(number, "+FLAGS", r"(\Deleted)")
    door.expunge()
    return raw


def _looked(raw: bytes, ground: Ground) -> dict[str, JsonValue]:
    message = message_from_bytes(raw, policy=policy.default)
    body = message.get_body(("plain",))
    text = body.get_content() if body else ""
    domain = ground.ministry.declaration.domain
    own = [one for one in signatures(raw) if one.domain == domain]
    return {
        "subject": untrusted(str(message["Subject"])),
        "subject_intact": str(message["Subject"]) == SUBJECT,
        "body_intact": text.replace("\r\n", "\n") == _BODY.format(canary=ground.canary),
        "signatures": len(own),
        "selector": untrusted(own[0].selector if own else ""),
        "signs_from": bool(own) and "from" in own[0].headers,
        "body_hash": bool(own) and own[0].body_matches,
    }


def _refusals(ground: Ground, system: System, place: Place) -> None:
    """Try what must be refused. Nothing is ever sent: no DATA, and a reset."""
    own = _itself(ground, system)
    stranger = "stranger@elsewhere.example"
    tries: list[tuple[str, Place | None, int, str, str]] = [
        ("relay", own, 25, stranger, _STRANGER),
        ("relay", place, 587, system.probe, _STRANGER),
        ("recipient", own, 25, stranger, f"wizara-absent@{system.domain}"),
    ]
    for purpose, where, port, sender, recipient in tries:
        if where:
            facts: dict[str, JsonValue] = {"purpose": purpose, "to": recipient, "service": f"tcp/{port}"}
            _saw(
                ground, system, where, "refusal", port, facts | _tried(ground, system, where, port, (sender, recipient))
            )


def _itself(ground: Ground, system: System) -> Place | None:
    """Return the mail server as a place: port 25 is closed to the ministry's own LANs."""
    for name, machine in ground.machines.items():
        plan = ground.blueprint.nodes[name]
        addresses = [port.address.ip for port in plan.ports if port.address]
        if any(str(address) == system.address for address in addresses):
            return Gateway(name, plan.site, addresses[0], machine, name)
    return None


def _tried(ground: Ground, system: System, place: Place, port: int, ends: tuple[str, str]) -> dict[str, JsonValue]:
    try:
        with Submission(place, system.address, port, system.name) as door:
            door.ehlo()
            if port == 587:
                door.starttls(context=context(ground.ministry.enrolled.authority))
                door.ehlo()
            code, said = door.mail(ends[0])
            if code < 400:
                code, said = door.rcpt(ends[1])
            door.rset()
    except (OSError, smtplib.SMTPException, ValueError) as fault:
        return {"answer": False, "fault": _words(fault)}
    return {"code": code, "said": untrusted(said)}


def _key(ground: Ground, system: System, place: Place) -> None:
    """Ask the name server for the public key that signatures name."""
    selector = ground.ministry.declaration.mail.selector
    name = f"{selector}._domainkey.{system.domain}"
    servers = [str(address) for plan in ground.blueprint.nodes.values() if plan.names for address in plan.names.listen]
    facts: dict[str, JsonValue] = {"name": name, "from": place.name, "answer": False}
    try:
        with place.connect(servers[0], 53, 10) as connection:
            connection.settimeout(10)
            facts |= {"values": [untrusted(value) for value in ask(connection, name, "TXT").values], "answer": True}
    except (OSError, ValueError, IndexError) as fault:
        facts["fault"] = _words(fault)
    ground.saw(
        "dkim-record", "dns", facts, vantage=place.vantage, site=place.site, ip=servers[0] if servers else None, port=53
    )
