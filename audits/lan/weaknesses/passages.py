"""Services that carry the traffic of others, and open ports of which nobody could say what listens there."""

from __future__ import annotations

from collections.abc import Iterator

from audits.lan.flags import flagged
from audits.lan.subjects import subject
from wizara.audit.facts import LanFacts
from wizara.audit.observation import Seen
from wizara.audit.rule import Judgement, rule, unknown

_NAMES = 53
#: What a collector says of a port that it did not ask to the end → a key of the catalogue's ``[reasons]``.
_REASONS = {"breaker": "left-alone", "slow": "slow", "within": "within"}

SOCKS = flagged("SOC-001", "socks", "open", "AC:L/PR:N/UI:N/S:C/C:L/I:L/A:N")


@rule("LAN-010", kinds=("service",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", fix="manual")
def unrecognised(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """An open port answered in no language that the audit speaks: neither proven nor refuted, and never silent."""
    for one in seen.of("service"):
        ip, port = one.target.ip or "", one.target.port
        if port == _NAMES and any(seen.answered("dns", ip=ip)):
            continue  # the same server was asked by UDP
        reason = _REASONS.get(one.text("reason"), "unrecognised")
        yield unknown(subject(seen, facts, ip, one.target.service), reason, [one])
