"""What name and time servers give away."""

from __future__ import annotations

from collections.abc import Iterator

from audits.lan.flags import flagged
from audits.lan.subjects import services
from wizara.audit.facts import LanFacts
from wizara.audit.observation import Observation, Seen
from wizara.audit.rule import Judgement, broken, holds, rule, unknown
from wizara.audit.verdict import Subject

NTP_CONTROL = flagged("NTP-001", "ntp", "control", "AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N")
NTP_MONITOR = flagged("NTP-002", "ntp", "monitor", "AC:L/PR:N/UI:N/S:C/C:L/I:N/A:H")


@rule("RSV-001", kinds=("dns",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:N/I:L/A:L", fix="manual")
def undeclared_resolver(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A machine that is not declared to serve names resolves names for anybody."""
    for about, one in _lan(seen, facts):
        declared = facts.at(one.target.ip or "")
        meant = declared is not None and bool({"udp/53", "tcp/53"} & {*(declared.services or ()), *declared.tolerated})
        unsaid = declared is not None and declared.services is None
        if one.flag("recursion") and not meant and not unsaid:
            yield broken(about, [one])
        elif "recursion" in one.texts("undecided") and not meant and not unsaid:
            yield unknown(about, "undecided", [one])
        else:
            yield holds(about, [one])


@rule("RSV-002", kinds=("dns",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N", fix="manual")
def zone_transfer(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A name server hands its whole zone to anybody."""
    for about, one in _lan(seen, facts):
        zones = one.texts("transfers")
        if "transfers" in one.texts("undecided"):
            yield unknown(about, "no-zone" if "zones" in one.data else "undecided", [one])
        else:
            yield broken(about, [one], zones=", ".join(zones)) if zones else holds(about, [one])


@rule("RSV-003", kinds=("dns",), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:L/I:N/A:N", fix="manual")
def server_version(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A name server tells its version."""
    for about, one in _lan(seen, facts):
        version = one.text("version")
        if "version" in one.texts("undecided"):
            yield unknown(about, "undecided", [one])
            continue
        told = any(letter.isdecimal() for letter in version)  # "not disclosed" is what a careful operator writes there
        yield broken(about, [one], version=version) if told else holds(about, [one])


def _lan(seen: Seen, facts: LanFacts) -> Iterator[tuple[Subject, Observation]]:
    """Yield what the LAN scan saw of name servers."""
    for about, one in services(seen, facts, "dns"):
        if "recursion" in one.data or "recursion" in one.texts("undecided"):
            yield about, one
