"""Declared machines that are found by their network card at an address which nobody declared."""

from __future__ import annotations

from wizara.audit.facts import DeclaredHost, LanFacts
from wizara.audit.observation import Observation, Seen


def strays(seen: Seen, facts: LanFacts, host: DeclaredHost) -> list[Observation]:
    """Return where the card of *host* answers though not at its own address; addresses of other declared machines apart."""
    home = any(one.target.mac == host.mac for one in seen.answered("host", ip=str(host.address)))
    if host.mac is None or home:
        return []
    own = {one.target.ip for one in seen.of("vantage")}
    return [
        one
        for one in seen.answered("host")
        if one.target.mac == host.mac
        and ":" not in (one.target.ip or ":")
        and one.target.ip not in {None, str(host.address), *own}
        and not facts.at(one.target.ip or "")
    ]
