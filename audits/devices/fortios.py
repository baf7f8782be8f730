"""What each measure asks of a FortiOS configuration, and the commands that bring it there."""

from __future__ import annotations

from audits.devices.configuration import Configuration, Line
from audits.devices.measures import Check, Fault, Within

_END, _NEXT = ("end",), ("next", "end")
GLOBAL = Within((r"config system global$",), closing=_END)
PORT = Within((r"config system interface$", r"edit "), closing=_NEXT)
OUTSIDE = Within((r"config system interface$", r"edit "), (r"set role wan$",), closing=_NEXT)
ADMIN = Within((r"config system admin$", r"edit "), closing=_NEXT)
POLICY = Within((r"config firewall policy$", r"edit "), closing=_NEXT)
OPEN = Within(
    POLICY.path,
    (r'set srcaddr "?all"?$', r'set dstaddr "?all"?$', r"set action accept$"),
    (r"set status disable$",),
    _NEXT,
)
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
        return Fault((Line(0, shown),), commands)

    return check


def _known_account(one: Configuration) -> Fault | None:
    lines = tuple(section for _headings, section in one.sections(r"config system admin$", r'edit "?admin"?$'))
    return Fault(lines, ("config system admin", " rename admin to <name>", "end")) if lines else None


CHECKS: dict[str, Check] = {
    "SWI-001": PORT.holding(r"set allowaccess .*\btelnet\b", "unselect allowaccess telnet"),
    "SWI-002": COMMUNITY.holding(r'(?i)set name "?(?:public|private)"?$', "set name <community>"),
    "SWI-004": PORT.holding(r"set allowaccess .*\bhttp\b", "unselect allowaccess http"),
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
    "SWI-028": OPEN.holding(r'set service "?ALL"?$', "set service <services>"),
    "SWI-031": ADMIN.lacking(r"set trusthost1 ", "set trusthost1 <admin-network>"),
    "SWI-038": GLOBAL.holding(r"set admin-lockout-threshold (?:[6-9]|\d\d)$", "set admin-lockout-threshold 3"),
    "SWI-039": _known_account,
    "SWI-041": NAMES.holding(r"set mode recursive", "set mode non-recursive"),
    "SWI-046": GLOBAL.holding(
        r"set admin-https-ssl-versions .*tlsv1-[01]", "set admin-https-ssl-versions tlsv1-2 tlsv1-3"
    ),
    "SWI-047": OUTSIDE.holding(r"set allowaccess .*\b(?:https?|ssh|telnet|snmp)\b", "unset allowaccess"),
    "SWI-048": POLICY.holding(r"set logtraffic disable", "set logtraffic all"),
    "SWI-049": _section(
        r"config system password-policy$", r"set status enable", "config system password-policy",
        "config system password-policy", " set status enable", " set minimum-length 12", "end",
    ),
    "SWI-052": USER.holding(
        r"set security-level (?:no-auth-no-priv|auth-no-priv)", "set security-level auth-priv", "set priv-pwd <password>"
    ),
}  # fmt: skip
