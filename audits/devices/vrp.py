"""What each measure asks of a Huawei VRP configuration, and the commands that bring it there."""

from __future__ import annotations

from audits.devices.measures import Check, Within, either, missing, stated, where

_INTERFACE = r"interface "
_QUIT = ("quit",)
_ACCESS_MODE = r"port link-type access"
VTY = Within((r"user-interface vty ",), closing=_QUIT)
CONSOLE = Within((r"user-interface con ",), closing=_QUIT)
LINES = Within((r"user-interface ",), closing=_QUIT)
PORTS = Within((_INTERFACE,), closing=_QUIT)
ACCESS = Within((_INTERFACE,), (_ACCESS_MODE,), (r"shutdown$",), _QUIT)
TRUNK = Within((_INTERFACE,), (r"port link-type trunk",), (r"shutdown$",), _QUIT)
AAA = Within((r"aaa$",), closing=_QUIT)
_LOCKOUT = "local-aaa-user wrong-password"

CHECKS: dict[str, Check] = {
    "SWI-001": either(
        stated(r"telnet (?:ipv6 )?server enable", "undo {line}"),
        VTY.holding(r"protocol inbound (?:telnet|all)", "protocol inbound ssh"),
    ),
    "SWI-002": stated(
        r"(?i)snmp-agent community (?:read|write) (?:cipher |simple )?(?:public|private)\b", "undo {line}"
    ),
    "SWI-003": either(
        AAA.holding(r"local-user (\S+) password simple ", r"local-user \1 password irreversible-cipher <password>"),
        LINES.holding(r"set authentication password simple ", "authentication-mode aaa", "undo set authentication password"),
    ),
    "SWI-004": stated(r"http server enable", "undo {line}"),
    "SWI-005": either(
        stated(r"snmp-agent sys-info version (?:.* )?(?:all|v1|v2c)\b", "undo {line}", "snmp-agent sys-info version v3"),
        stated(r"snmp-agent community (?:read|write) ", "undo {line}"),
    ),
    "SWI-006": stated(r"snmp-agent community write ", "undo {line}"),
    "SWI-007": stated(r"snmp-agent community (?:read|write) (?!.*\bacl\b)", "undo {line}", "{line} acl <acl>"),
    "SWI-008": VTY.holding(r"authentication-mode (?:password|none)", "authentication-mode aaa"),
    "SWI-009": stated(r"ssh server compatible-ssh1x enable", "undo {line}"),
    "SWI-010": either(
        stated(r"ssh server cipher .*(?:des_cbc|_cbc|arcfour)", "ssh server cipher aes256_ctr aes128_ctr"),
        stated(r"ssh server hmac .*(?:md5|sha1)", "ssh server hmac sha2_256"),
        stated(r"ssh server key-exchange .*_sha1", "ssh server key-exchange dh_group_exchange_sha256"),
    ),
    "SWI-011": missing(r"info-center loghost ", "info-center loghost", "info-center loghost <log-server>"),
    "SWI-012": missing(
        r"ntp(?:-service)? unicast-server ", "ntp-service unicast-server", "ntp-service unicast-server <time-server>"
    ),
    "SWI-013": missing(
        r"ntp(?:-service)? authentication enable", "ntp-service authentication enable",
        "ntp-service authentication-keyid 1 authentication-mode hmac-sha256 cipher <key>",
        "ntp-service reliable authentication-keyid 1", "ntp-service authentication enable",
        among=r"ntp(?:-service)? unicast-server ",
    ),
    "SWI-014": stated(r"gvrp$|vcmp role (?:server|client)", "undo {line}"),
    "SWI-015": TRUNK.lacking(r"port trunk pvid vlan (?!1$)\d", "port trunk pvid vlan <unused-vlan>"),
    "SWI-016": TRUNK.holding(
        # undoing the whole line would cut off who configures through this port
        r"port trunk allow-pass vlan (?:all|2 to 4094)$", "undo port trunk allow-pass vlan <other-vlans>"
    ),
    "SWI-017": PORTS.holding(r"port link-type (?:negotiation-\S+|dynamic)", "port link-type access"),
    "SWI-018": where(_ACCESS_MODE, missing(r"dhcp snooping enable", "dhcp snooping enable", "dhcp enable", "dhcp snooping enable")),
    "SWI-019": ACCESS.lacking(r"port-security enable", "port-security enable"),
    "SWI-020": where(r"stp edged-port enable", missing(r"stp bpdu-protection", "stp bpdu-protection", "stp bpdu-protection")),
    "SWI-021": where(r"lldp enable$", ACCESS.lacking(r"undo lldp enable", "undo lldp enable")),
    "SWI-025": missing(r"header (?:login|shell) ", "header login", "header login information <warning>"),
    "SWI-026": LINES.holding(r"idle-timeout 0(?: 0)?$", "idle-timeout 10 0"),
    "SWI-027": either(
        CONSOLE.holding(r"authentication-mode none", "authentication-mode aaa"),
        CONSOLE.lacking(r"authentication-mode ", "authentication-mode aaa"),
    ),
    "SWI-028": Within((r"acl ",), closing=_QUIT).holding(
        r"rule (\d+) permit(?: ip)?(?: source any)?(?: destination any)?$", "rule permit <protocol> source <source>", r"undo rule \1"
    ),
    "SWI-029": stated(r"super password (?:level \d+ )?(?:simple|cipher) ", "super password level 3 irreversible-cipher <password>"),
    "SWI-030": AAA.holding(r"local-user (\S+) password cipher ", r"local-user \1 password irreversible-cipher <password>"),
    "SWI-031": VTY.lacking(r"acl (?:ipv6 )?\S+ inbound", "acl <acl> inbound"),
    "SWI-033": PORTS.holding(r"(?:arp-proxy|proxy-arp) enable", "undo {line}"),
    "SWI-036": stated(r"t?ftp (?:ipv6 )?server enable", "undo {line}"),
    "SWI-038": AAA.holding(r"undo " + _LOCKOUT, _LOCKOUT + " retry-interval 5 retry-time 3 block-time 5"),
    "SWI-039": AAA.holding(
        r"local-user (admin|huawei|root) ", "local-user <name> password irreversible-cipher <password>",
        "local-user <name> privilege level 15", "local-user <name> service-type ssh", r"undo local-user \1",
    ),
    "SWI-041": stated(r"dns proxy enable", "undo {line}"),
    "SWI-046": Within((r"ssl policy ",), closing=_QUIT).holding(
        r"ssl minimum version (?:ssl3\.0|tls1\.[01])", "ssl minimum version tls1.2"
    ),
    "SWI-049": AAA.lacking(r"local-aaa-user password policy administrator", "local-aaa-user password policy administrator"),
    "SWI-050": ACCESS.lacking(r"port default vlan (?!1$)\d", "port default vlan <vlan>"),
    "SWI-051": ACCESS.lacking(r"arp anti-attack check user-bind enable", "arp anti-attack check user-bind enable"),
    "SWI-052": stated(
        r"(snmp-agent group v3 \S+)(?! privacy)( authentication| noauthentication)?((?: .*)?)$", r"undo \1\2", r"\1 privacy\3"
    ),
    "SWI-053": Within((r"ospf ", r"area "), closing=("quit", "quit")).lacking(
        r"authentication-mode ", "authentication-mode hmac-sha256 1 cipher <key>"
    ),
    "SWI-054": ACCESS.lacking(r"storm-control broadcast |broadcast-suppression ", "broadcast-suppression 5"),
}  # fmt: skip
