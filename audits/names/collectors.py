"""Lets every node ask its resolver: for the mail system, for itself both ways, for a foreign name, for a name that is not."""

from __future__ import annotations

from pydantic import JsonValue

from audits.names.question import ask
from wizara.audit.untrusted import untrusted
from wizara.engine.ground import Ground, bridged, each

#: getent through DNS alone: /etc/hosts must not answer in the name server's place. All at once: silence costs seconds.
_LOOK = r"""
export RES_OPTIONS='timeout:3 attempts:2'
look() {
  case "$1" in *:*) said=$(getent -s dns hosts "$1" | awk '{print $2}' | tr '\n' ' ');;
  *[!0-9.]*) said=$(getent -s dns ahostsv4 "$1" | awk '$2 == "STREAM" {print $1}' | sort -u | tr '\n' ' ');;
  *) said=$(getent -s dns hosts "$1" | awk '{print $2}' | tr '\n' ' ');; esac
  echo "$1 $said"
}
for word in "$@"; do look "$word" & done; wait
"""
#: A label that no ministry declares.
ABSENT = "wizara-absent"


def collect(ground: Ground) -> None:
    """Ask from every node that let us in."""
    each([name for name in ground.nodes if name in ground.machines], lambda name: _node(ground, name))


def _node(ground: Ground, name: str) -> None:
    plan = ground.blueprint.nodes[name]
    domain = plan.domain
    own = [record.value for zone in ground.blueprint.zones for record in zone.records if record.name == f"{plan.fqdn}."]
    words = [f"mail.{domain}", plan.fqdn, *own, *([ground.foreign[0]] if ground.foreign else [])]
    for line in (ground.ask(name, _LOOK, *words) or "").splitlines():
        asked, *values = line.split()
        told: dict[str, JsonValue] = {"node": name, "name": asked, "values": [untrusted(value) for value in values]}
        ground.saw("getent", "dns", told, vantage=name, site=plan.site, ip=str(plan.manage))
    resolver = "127.0.0.1" if plan.names else next(map(str, plan.resolvers), None)
    if resolver:
        code = _absent(ground, name, resolver, f"{ABSENT}.{domain}")
        told = {"node": name, "name": f"{ABSENT}.{domain}", "code": code, "answer": bool(code)}
        ground.saw("question", "dns", told, vantage=name, site=plan.site, ip=resolver, port=53)


def _absent(ground: Ground, node: str, resolver: str, name: str) -> str:
    """Return the code that *node*'s resolver answers *name* with, or nothing."""
    try:
        with bridged(ground.machines[node].through(resolver, 53, 10)) as connection:
            connection.settimeout(10)
            return ask(connection, name, "A").code
    except (OSError, ValueError):
        return ""
