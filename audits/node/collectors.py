"""Asks each node, as root, for the state of its units, its packet filter, its SSH settings and its time sources."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

from pydantic import JsonValue

from audits.node.units import units
from wizara.audit.untrusted import untrusted
from wizara.blueprint import NodePlan
from wizara.engine.ground import Ground, each

_SSH = ("permitrootlogin", "passwordauthentication", "kbdinteractiveauthentication", "permitemptypasswords")
#: A source that was silent while both were being set up is asked anew now, and not in chrony's next minutes.
_LOOK = r"""
for unit in "$@"; do
  echo "unit $unit $(systemctl show --value -p LoadState,ActiveState,ConditionResult -- "$unit" | tr '\n' ' ')"
done
echo "filter $(nft -j list table inet wizara 2>/dev/null | tr -d '\n')"
sshd -T 2>/dev/null | sed 's/^/sshd /'
unheard() { chronyc -c sources 2>/dev/null | awk -F, '$6 == 0' | grep -q .; }
if unheard && chronyc burst 1/3 >/dev/null 2>&1; then
  i=0; while unheard && [ $i -lt 16 ]; do i=$((i+1)); sleep 0.5; done
fi
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
    for collector, facts in _time(lines.get("source", []), lines.get("tracking", [])):
        _saw(ground, plan, collector, facts, "time")


def _time(sources: list[str], tracking: list[str]) -> Iterator[tuple[str, dict[str, JsonValue]]]:
    """Yield what chronyc said of its sources and of the clock; what cannot be read was not said."""
    for line in sources:
        fields = line.split(",")
        if len(fields) > 5 and fields[5].isdigit():
            facts: dict[str, JsonValue] = {"source": untrusted(fields[2]), "state": untrusted(fields[1])}
            yield "source", facts | {"reach": int(fields[5], 8)}
    for line in tracking:
        fields = line.split(",")
        with contextlib.suppress(ValueError, IndexError):
            yield "tracking", {"offset": abs(float(fields[4])), "leap": untrusted(fields[-1])}


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
