"""What each measure asks of a FortiOS configuration, and the commands that bring it there."""

from __future__ import annotations

import re

from audits.devices.configuration import Configuration, Line
from audits.devices.measures import Check, Fault, Within, either

_END, _NEXT = ("end",), ("next", "end")
GLOBAL = Within((r"config system global$",), closing=_END)
PORT = Within((r"config system interface$", r"edit "), closing=_NEXT)
PORT6 = Within((*PORT.path, r"config ipv6$"), closing=("end", *_NEXT))
ADMIN = Within((r"config system admin$", r"edit "), closing=_NEXT)
POLICY = Within((r"config firewall policy$", r"edit "), closing=_NEXT)
OPEN = Within(
    POLICY.path,
    (r'set srcaddr "?all"?$', r'set dstaddr "?all"?$', r"set action accept$"),
    (r"set status disable$",),
    _NEXT,
)
_ADMINISTRATION = r"set (?:ip6-)?allowaccess .*\b(?:https?|ssh|telnet|snmp)\b"
COMMUNITY = Within((r"config system snmp community$", r"edit "), closing=_NEXT)
USER = Within((r"config system snmp user$", r"edit "), closing=_NEXT)
TIME = Within((r"config system ntp$",), closing=_END)
TIME_SERVER = Within((r"config system ntp$", r"config ntpserver$", r"edit "), closing=("next", "end", "end"))
NAMES = Within((r"config system dns-server$", r"edit "), closing=_NEXT)


def _section(path: str, pattern: str, shown: str, *commands: str) -> Check:
    """Some section at *path* must hold a line that matches *pattern*, or there is none at all."""

    def check(one: Configuration) -> Fault | None:
        if any(section.first(pattern) for _headings, section in one.sections(path)):
            return None
        return Fault((Line(0, shown),), _global(one, commands))

    return check


def _global(one: Configuration, commands: tuple[str, ...]) -> tuple[str, ...]:
    """Return *commands* as they are given with VDOMs where there are any."""
    return (
        ("config global", *(f" {command}" for command in commands), "end") if one.has(r"config global$") else commands
    )


def _is_outside(port: Line) -> bool:
    """Say whether *port* leads to the internet: its role says so, or none is set and it has a name that the maker gives such a port."""
    role = port.first(r"set role (?!undefined)")
    return role.text == "set role wan" if role else re.match(r'edit "?wan\d*"?$', port.text) is not None


def _outside(one: Configuration) -> Fault | None:
    lines: list[Line] = []
    commands: list[str] = []
    for headings, port in PORT.each(one):
        if not _is_outside(port):
            continue
        open4, inner = [*port.each(_ADMINISTRATION)], port.first(r"config ipv6$")
        open6 = [*inner.each(_ADMINISTRATION)] if inner else []
        lines += open4 + open6
        commands += PORT.told(headings, ("unset allowaccess",)) if open4 else []
        commands += PORT6.told((*headings, inner), ("unset ip6-allowaccess",)) if inner and open6 else []
    return Fault(tuple(lines), tuple(commands)) if lines else None


def _known_account(one: Configuration) -> Fault | None:
    lines = tuple(section for _headings, section in one.sections(r"config system admin$", r'edit "?admin"?$'))
    commands = _global(one, ("config system admin", " rename admin to <name>", "end"))
    return Fault(lines, commands) if lines else None


CHECKS: dict[str, Check] = {
    "SWI-001": either(
        PORT.holding(r"set allowaccess .*\btelnet\b", "unselect allowaccess telnet"),
        PORT6.holding(r"set ip6-allowaccess .*\btelnet\b", "unselect ip6-allowaccess telnet"),
    ),
    "SWI-002": COMMUNITY.holding(r'(?i)set name "?(?:public|private)"?$', "set name <community>"),
    "SWI-004": either(
        PORT.holding(r"set allowaccess .*\bhttp\b", "unselect allowaccess http"),
        PORT6.holding(r"set ip6-allowaccess .*\bhttp\b", "unselect ip6-allowaccess http"),
    ),
    "SWI-005": COMMUNITY.lacking(r"set status disable$", "set status disable"),
    "SWI-009": GLOBAL.holding(r"set admin-ssh-v1 enable", "set admin-ssh-v1 disable"),
    "SWI-010": GLOBAL.holding(r"set strong-crypto disable", "set strong-crypto enable"),
    "SWI-011": _section(
        r"config log (?:syslogd|fortianalyzer)\d* setting$", r"set status enable", "config log syslogd setting",
        "config log syslogd setting", " set status enable", " set server <log-server>", "end",
    ),
    "SWI-012": TIME.holding(r"set ntpsync disable", "set ntpsync enable"),
    "SWI-013": TIME_SERVER.lacking(r"set authentication enable", "set authentication enable", "set key-id 1", "set key <key>"),
    "SWI-025": GLOBAL.lacking(r"set pre-login-banner enable", "set pre-login-banner enable"),
    "SWI-026": GLOBAL.holding(r"set admintimeout (?:1[1-9]|[2-9]\d|\d{3,})$", "set admintimeout 10"),
    "SWI-028": OPEN.holding(r'set service (?:\S+ )*"?ALL(?:_TCP|_UDP)?"?(?: |$)', "set service <services>"),
    "SWI-031": ADMIN.lacking(r"set trusthost\d+ (?!0\.0\.0\.0(?:/0| 0\.0\.0\.0)$)", "set trusthost1 <admin-network>"),
    "SWI-038": GLOBAL.holding(r"set admin-lockout-threshold (?:[6-9]|\d\d)$", "set admin-lockout-threshold 3"),
    "SWI-039": _known_account,
    "SWI-041": NAMES.lacking(r"set mode (?:non-recursive|forward-only)", "set mode non-recursive"),
    "SWI-046": GLOBAL.holding(
        r"set admin-https-ssl-versions .*tlsv1-[01]", "set admin-https-ssl-versions tlsv1-2 tlsv1-3"
    ),
    "SWI-047": _outside,
    "SWI-048": POLICY.holding(r"set logtraffic disable", "set logtraffic all"),
    "SWI-049": _section(
        r"config system password-policy$", r"set status enable", "config system password-policy",
        "config system password-policy", " set status enable", " set minimum-length 12", "end",
    ),
    "SWI-052": USER.holding(
        r"set security-level (?:no-auth-no-priv|auth-no-priv)", "set security-level auth-priv", "set priv-pwd <password>"
    ),
}  # fmt: skip
