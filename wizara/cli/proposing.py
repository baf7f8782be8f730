"""``wizara audit --propose-inventory``: writes what was found as a draft of the site's file."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

from wizara.audit.observation import Seen
from wizara.audit.presence import living
from wizara.audit.proposal import draft, undeclared
from wizara.cli.auditing import Audited, Prepared
from wizara.errors import UsageFault
from wizara.place import Place
from wizara.text import _
from wizara.tree import load


def propose(prepared: Prepared, done: Audited, target: Path) -> int:
    """Write the draft to *target*, which must not be there yet, and return how many machines are new in it."""
    facts, site = prepared.record.facts, prepared.site
    lans = {lan.name: lan.network for lan in facts.lans} or _named(facts.networks)
    system = load("audits.lan.systems").system

    def family(seen: Seen, ip: str) -> str | None:
        told = system(seen, ip)
        return str(told[0]).partition("-")[0] if told else None

    found = undeclared(done.case.seen, facts, living(done.case.seen), family)
    text = draft(site.read_text(encoding="utf-8") if site else None, facts, lans, found)
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as fault:
        raise UsageFault(
            _("cannot write it: {reason}").format(reason=fault.strerror), place=Place(str(target))
        ) from None
    return len(found)


def refuse_existing(target: Path) -> None:
    """Refuse to begin when the draft would replace a file, or has no folder to go to."""
    if target.exists() or not target.parent.is_dir():
        hint = _("name a new file; compare it with the site's own afterwards")
        raise UsageFault(_("a draft replaces no file and makes no folder"), place=Place(str(target)), hint=hint)


def _named(networks: tuple[IPv4Network, ...]) -> dict[str, IPv4Network]:
    """Return names for networks that nobody declared."""
    return {f"lan-{at}" if at > 1 else "lan": network for at, network in enumerate(networks, 1)}
