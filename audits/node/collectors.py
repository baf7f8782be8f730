"""Asks each node, as root, for the state of its units, its packet filter, its SSH settings and its time sources."""

from __future__ import annotations

import json

from pydantic import JsonValue

from audits.node.units import units
from wizara.audit.untrusted import untrusted
from wizara.blueprint import NodePlan
from wizara.engine.ground import Ground, each

_SSH = ("permitrootlogin", "passwordauthentication", "kbdinteractiveauthentication", "permitemptypasswords")
_LOOK = r"""
for unit in "$@"; do
  echo "unit $unit $(systemctl show --value -p LoadState,ActiveState,ConditionResult -- "$unit" | tr '\n' ' ')"
done
echo "filter $(nft -j list table inet wizara 2>/dev/null | tr -d '\n')"
sshd -T 2>/dev/null | sed 's/^/sshd /'
# A source that was silent when the service started is asked again within a minute: a first silence proves nothing.
waited=0
while [ $waited -lt 40 ] && chronyc -c sources 2>/dev/null | awk -F, '{n++} $6 != 0 {heard++} END {exit !(n && !heard)}'; do
  sleep 2; waited=$((waited + 2))
done
chronyc -c sources 2>/dev/null | sed 's/^/source /'
chronyc -c tracking 2>/dev/null | sed 's/^/tracking /'
"""


def collect(ground: Ground) -> None:
    """Look at every node that let us in."""
    each([name for name in ground.nodes if name in ground.machines], lambda name: _node(ground, name))


def _node(ground: Ground, name: str) -> None:
    plan = ground.blueprint.nodes[name]
    said = ground.ask(name, _LOOK, *units(plan))
    if said is None:
        return
    lines: dict[str, list[str]] = {}
    for line in said.splitlines():
        word, _space, rest = line.partition(" ")
        lines.setdefault(word, []).append(rest)
    for line in lines.get("unit", []):
        words = [*line.split(), "", "", ""]
        # systemctl prints properties in its own order
        load = next((word for word in words if word in {"loaded", "not-found", "masked", "error"}), "")
        active = next((word for word in words[1:] if word in {"active", "inactive", "failed", "activating"}), "")
        facts: dict[str, JsonValue] = {"unit": words[0], "load": load, "active": active}
        _saw(ground, plan, "units", facts | {"condition": "no" not in words[1:]})
    _saw(ground, plan, "filter", _filter(" ".join(lines.get("filter", []))))
    settings = dict(line.split(" ", 1) for line in lines.get("sshd", []) if " " in line)
    _saw(ground, plan, "sshd", {key: untrusted(settings[key]) for key in _SSH if key in settings})
    for line in lines.get("source", []):
        _mode, state, source, _stratum, _poll, reach = line.split(",")[:6]
        _saw(ground, plan, "source", {"source": untrusted(source), "state": state, "reach": int(reach, 8)}, "time")
    for line in lines.get("tracking", []):
        fields = line.split(",")
        _saw(ground, plan, "tracking", {"offset": abs(float(fields[4])), "leap": untrusted(fields[-1])}, "time")


def _saw(ground: Ground, plan: NodePlan, collector: str, facts: dict[str, JsonValue], kind: str = "unit") -> None:
    data = {"node": plan.name} | facts
    ground.saw(
        collector, "time" if kind == "time" else "unit", data, vantage=plan.name, site=plan.site, ip=str(plan.manage)
    )


def _filter(text: str) -> dict[str, JsonValue]:
    """Return the policies of the table's input and forward chains, and the rules of input that accept without a limit."""
    try:
        parts = json.loads(text)["nftables"]
    except (ValueError, KeyError):
        return {"table": False}
    chains = {one["chain"]["name"]: one["chain"].get("policy", "") for one in parts if "chain" in one}
    rules = [one["rule"] for one in parts if "rule" in one]
    wide = [
        untrusted(rule["chain"]) for rule in rules if rule["chain"] in {"input", "forward"} and _is_wide(rule["expr"])
    ]
    return {
        "table": bool(chains),
        "input": chains.get("input", ""),
        "forward": chains.get("forward", ""),
        "wide": [*wide],
    }


def _is_wide(expressions: list[dict[str, object]]) -> bool:
    """Say whether a rule accepts without asking anything about the packet."""
    words = {word for one in expressions for word in one}
    return "accept" in words and words <= {"accept", "counter", "log"}
