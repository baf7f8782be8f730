"""What each measure asks of a MikroTik RouterOS export; what stands at its default is not in an export."""

from __future__ import annotations

from audits.devices.measures import Check, either, missing, stated

_DISCOVERY = "/ip neighbor discovery-settings set discover-interface-list="
_MAC = "/tool mac-server"
_VALUE = r'(?:"(?:\\.|[^"\\])*"|[^"\s])+'
_WORDS = rf"(?:{_VALUE} +)*"
"""Words before the one that is looked for: what a comment says between quotes is none."""
_EVERYBODY = r'"?(?:[^\s"]*,)?(?:0\.0\.0\.0/0|::/0)|""'
_REST = rf"(?:(?:action=drop|chain=input|disabled=no|(?:comment|log|log-prefix|in-interface|in-interface-list)={_VALUE})(?: +|$))+$"
"""A rule that drops all that comes in, at some ports or at every one."""


def _disabled(service: str) -> Check:
    """A service of the router that is on unless the export says otherwise."""
    line = f"/ip service set {service} disabled=yes"
    return missing(rf"/ip service set {service} {_WORDS}disabled=yes", line, line)


def _restricted(service: str) -> Check:
    """A service that must be off, or open to some addresses only."""
    line = f"/ip service set {service} address="
    return missing(
        rf"/ip service set {service} {_WORDS}(?:address=(?!{_EVERYBODY})\S|disabled=yes)",
        line,
        line + "<admin-network>",
    )


def _set(menu: str, attribute: str) -> Check:
    """A line of *menu* must set *attribute*."""
    return missing(rf"{menu} set {_WORDS}{attribute}(?: |$)", f"{menu} set {attribute}", f"{menu} set {attribute}")


def _unset(menu: str, attribute: str, good: str) -> Check:
    """No line of *menu* may set *attribute*; *good* is what it should be."""
    return stated(rf"{menu} set {_WORDS}{attribute}(?: |$)", f"{menu} set {good}")


CHECKS: dict[str, Check] = {
    "SWI-001": _disabled("telnet"),
    "SWI-002": missing(
        rf"/snmp community set (?:\[ find default=yes \] {_WORDS}disabled=yes|{_WORDS}name=(?!\"?public\"?(?: |$)))",
        "/snmp community set [ find default=yes ] name=",
        "/snmp community set [ find default=yes ] name=<community>", among=r"/snmp set (?:.* )?enabled=yes",
    ),
    "SWI-004": _disabled("www"),
    "SWI-006": stated(
        r"/snmp community (?:add|set) .*write-access=yes",
        "/snmp community set [ find write-access=yes ] write-access=no",
    ),
    "SWI-007": stated(
        r"/snmp community (?:add|set) .*addresses=(0\.0\.0\.0/0|::/0)",
        r"/snmp community set [ find addresses=\1 ] addresses=<admin-network>",
    ),
    "SWI-010": _set("/ip ssh", "strong-crypto=yes"),
    "SWI-011": missing(
        r"/system logging action (?:add|set) (?:.* )?remote=", "/system logging action … remote=",
        "/system logging action add name=central target=remote remote=<log-server>",
        "/system logging add topics=info action=central",
    ),
    "SWI-012": missing(
        r"/system ntp client set (?:.* )?enabled=yes", "/system ntp client set enabled=yes",
        "/system ntp client set enabled=yes", "/system ntp client servers add address=<time-server>",
    ),
    "SWI-021": missing(
        _DISCOVERY + r"(?!all(?: |$)|!|static(?: |$)|dynamic(?: |$))\S", _DISCOVERY + "none", _DISCOVERY + "none"
    ),
    "SWI-022": _set("/tool bandwidth-server", "enabled=no"),
    "SWI-024": _unset("/ip settings", "accept-source-route=yes", "accept-source-route=no"),
    "SWI-025": missing(r"/system note set (?:.* )?note=", "/system note set note=", "/system note set note=<warning> show-at-login=yes"),
    "SWI-031": either(_restricted("ssh"), _restricted("winbox")),
    "SWI-033": stated(r"(/interface \S+(?: \S+)?) (?:set|add) .*arp=proxy-arp", r"\1 set [ find arp=proxy-arp ] arp=enabled"),
    "SWI-034": _set("/ip settings", "send-redirects=no"),
    "SWI-036": _disabled("ftp"),
    "SWI-040": either(
        _set(_MAC, "allowed-interface-list=none"),
        _set(_MAC + " mac-winbox", "allowed-interface-list=none"),
        _set(_MAC + " ping", "enabled=no"),
    ),
    "SWI-041": _unset("/ip dns", "allow-remote-requests=yes", "allow-remote-requests=no"),
    "SWI-042": missing(
        rf"/ip firewall filter add (?=.*action=drop)(?=.*chain=input){_REST}", "/ip firewall filter add action=drop chain=input",
        "/ip firewall filter add action=accept chain=input connection-state=established,related",
        "/ip firewall filter add action=accept chain=input src-address=<admin-network>",
        "/ip firewall filter add action=drop chain=input",
    ),
    "SWI-043": _unset("/ip upnp", "enabled=yes", "enabled=no"),
    "SWI-044": either(
        _unset("/ip socks", "enabled=yes", "enabled=no"), _unset("/ip proxy", "enabled=yes", "enabled=no")
    ),
    "SWI-045": _disabled("api"),
    "SWI-046": stated(
        r"/ip service set www-ssl (?!.*tls-version=only-1\.[23])(?:.* )?disabled=no",
        "/ip service set www-ssl tls-version=only-1.2",
    ),
    "SWI-049": missing(
        r"/user settings set (?:.* )?minimum-password-length=(?:1[2-9]|[2-9]\d)",
        "/user settings set minimum-password-length=12", "/user settings set minimum-password-length=12",
    ),
}  # fmt: skip
