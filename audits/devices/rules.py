"""The rules about devices' configurations: each measure on each platform that has it, with lines and commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from audits.devices import fortios, ios, routeros, vrp
from audits.devices.configuration import PLATFORMS, Configuration, Line, Platform, parse
from audits.devices.measures import MEASURES, Check, Fault
from wizara.audit.facts import LanFacts
from wizara.audit.observation import Observation, Seen
from wizara.audit.rule import Judgement, Rule, broken, holds, rule, unknown
from wizara.audit.verdict import Subject

CHECKS: dict[Platform, dict[str, Check]] = {
    "cisco_ios": ios.CHECKS, "huawei_vrp": vrp.CHECKS, "mikrotik_routeros": routeros.CHECKS, "fortinet": fortios.CHECKS,
}  # fmt: skip
UNMEASURED = frozenset({"hp_comware", "aruba_aoscx", "other"})
"""Platforms whose configuration is not judged."""
MOST_LINES = 6
"""Of the lines at fault that are told; the rest are counted."""


def subject(seen: Seen, facts: LanFacts, one: Observation) -> Subject:
    """Return the device that *one* is about: a declared one, one at an address, or the one that the file names."""
    ip = one.target.ip
    if ip is None:
        return Subject(asset=f"{facts.site or 'configuration'}/{one.text('name')}", name=one.text("name"))
    declared = facts.at(ip)
    mac = next((host.target.mac for host in seen.of("host", ip=ip) if host.target.mac), None)
    key = f"{declared.site}/{declared.name}" if declared else mac or f"{facts.site or 'lan'}/{ip}"
    return Subject(asset=key, name=declared.name if declared else one.text("name"), ip=ip, mac=mac)


def platform_of(one: Observation, facts: LanFacts) -> Platform | None:
    """Return the platform whose configuration *one* holds: as it says, else as declared, else IOS; None has no measures."""
    declared = facts.at(one.target.ip) if one.target.ip else None
    told = one.text("platform") or (declared.role if declared else "")
    return None if told in UNMEASURED else next((name for name in PLATFORMS if name == told), "cisco_ios")


def _configurations(seen: Seen, facts: LanFacts) -> Iterator[tuple[Observation, Platform, Configuration | None]]:
    for one in seen.of("config"):
        lines, platform = one.texts("config"), platform_of(one, facts)
        if platform is None:
            continue
        yield one, platform, parse(platform, lines) if lines else None


def _told(lines: tuple[Line, ...]) -> str:
    shown = "; ".join(f"{line.number}: {line.text}" if line.number else f"– {line.text}" for line in lines[:MOST_LINES])
    return shown + (f"; +{len(lines) - MOST_LINES}" if len(lines) > MOST_LINES else "")


def _judge(name: str) -> Callable[[Seen, LanFacts], Iterator[Judgement]]:
    def judge(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
        for one, platform, configuration in _configurations(seen, facts):
            check, about = CHECKS[platform].get(name), subject(seen, facts, one)
            if check is None:
                continue
            if configuration is None:
                yield unknown(about, "config-unread", [one])
                continue
            fault: Fault | None = check(configuration)
            if fault is None:
                yield holds(about, [one])
            else:
                yield broken(about, [one], line=_told(fault.lines), commands="\n".join(fault.commands))

    return judge


def _old_access(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A device is read by Telnet or by SSH with algorithms of old, because it was declared to do no better."""
    for one in seen.of("config"):
        about, access = subject(seen, facts, one), one.text("access")
        if access in {"telnet", "legacy-ssh"}:
            yield broken(about, [one], access=access)
        elif access:
            yield holds(about, [one])


def _clear_tables(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A device's tables are read by SNMP with nothing hidden, because it was declared to do no better."""
    for one in seen.of("tables"):
        about, security = subject(seen, facts, one), one.text("security")
        if one.data.get("answer") is False:
            reason = one.text("reason")
            yield unknown(about, reason if reason in UNREAD else "tables-unread", [one])
            continue
        if one.texts("cut"):
            yield unknown(about, "tables-cut", [one])
        if security == "authPriv":
            yield holds(about, [one])
        else:
            yield broken(about, [one], security=SECURITY.get(security, "…"))


UNREAD = frozenset({
    "silent", "snmp-silent", "snmp-refused", "snmp-no-secret", "snmp-from-node", "snmp-view", "snmp-left-alone", "no-vantage", "lost",
})  # fmt: skip
"""Why tables could not be read; each has its words in the catalogue."""
SECURITY = {"community": "SNMP v2c", "authNoPriv": "SNMPv3 authNoPriv"}
CLEAR_TABLES: Rule[LanFacts] = rule(
    "SWI-057", kinds=("tables",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:R/S:U/C:L/I:N/A:N", fix="manual"
)(_clear_tables)
OLD_ACCESS: Rule[LanFacts] = rule(
    "SWI-056", kinds=("config",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:N", fix="manual"
)(_old_access)
_RULES = (rule(name, kinds=("config",), cvss=cvss, fix="manual")(_judge(name)) for name, cvss in MEASURES.items())
RULES: tuple[Rule[LanFacts], ...] = (*_RULES, OLD_ACCESS, CLEAR_TABLES)
