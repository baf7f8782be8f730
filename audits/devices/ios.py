"""What each measure asks of a Cisco IOS configuration, and the commands that bring it there."""

from __future__ import annotations

from audits.devices.configuration import Configuration
from audits.devices.measures import Check, Fault, Within, either, missing, stated, unless, where, without

_INTERFACE = r"interface "
_ACCESS_MODE = r"switchport mode access"
VTY = Within((r"line vty ",))
LINES = Within((r"line ",))
PORTS = Within((_INTERFACE,))
ACCESS = Within((_INTERFACE,), (_ACCESS_MODE,), (r"shutdown$",))
TRUNK = Within((_INTERFACE,), (r"switchport mode trunk",), (r"shutdown$",))
ROUTED = Within((_INTERFACE,), (r"ip address \d",), (r"shutdown$",))
CONSOLE = r"line con "
#: A port that no line makes a routed one and none gives a mode negotiates it.
UNSET = Within(
    (r"interface \S*Ethernet[\d/]+$",),
    unless=(r"switchport mode ", r"no switchport$", r"(?:no )?ipv?6? address", r"shutdown$"),
)
_SSH = r"ip ssh server algorithm "
_SNOOPING = ("interface <uplink>", " ip dhcp snooping trust", "ip dhcp snooping vlan <vlans>")
_NEEDED = " permit <protocol> <source> <destination>"
_ACCOUNT = "username <name> privilege 15 algorithm-type scrypt secret <password>"


def _with_account(check: Check) -> Check:
    """Begin the commands of *check* with an account where there is none: a login that nobody passes shuts everybody out."""

    def judged(one: Configuration) -> Fault | None:
        fault = check(one)
        return Fault(fault.lines, (_ACCOUNT, *fault.commands)) if fault and not one.has(r"username ") else fault

    return judged


CHECKS: dict[str, Check] = {
    "SWI-001": VTY.holding(r"transport input .*\b(?:telnet|all)\b", "transport input ssh"),
    "SWI-002": stated(r"(?i)snmp-server community (?:public|private)\b", "no {line}"),
    "SWI-003": missing(r"service password-encryption$", "service password-encryption", "service password-encryption"),
    "SWI-004": stated(r"ip http server$", "no ip http server"),
    "SWI-005": stated(r"snmp-server community ", "no {line}", "snmp-server group <group> v3 priv"),
    "SWI-006": stated(r"(?i)snmp-server community \S+ .*\bRW\b", "no {line}"),
    "SWI-007": stated(r"(?i)snmp-server community \S+(?: view \S+)?(?: R[OW])?$", "no {line}", "{line} <acl>"),
    "SWI-008": _with_account(missing(
        r"aaa new-model$", "aaa new-model", "aaa new-model", "aaa authentication login default group tacacs+ local"
    )),
    "SWI-009": either(
        stated(r"ip ssh version 1$", "ip ssh version 2"),
        missing(r"ip ssh version ", "ip ssh version 2", "ip ssh version 2"),
    ),
    "SWI-010": either(
        stated(_SSH + r"encryption .*(?:3des|-cbc)", _SSH + "encryption aes256-ctr aes128-ctr"),
        stated(_SSH + r"mac .*(?:md5|hmac-sha1)", _SSH + "mac hmac-sha2-256 hmac-sha2-512"),
        stated(_SSH + r"kex .*-sha1", _SSH + "kex ecdh-sha2-nistp256 ecdh-sha2-nistp384"),
    ),
    "SWI-011": missing(r"logging (?:(?:host|server) \S|\S*\d)", "logging host", "logging host <log-server>"),
    "SWI-012": missing(r"s?ntp (?:server|peer) ", "ntp server", "ntp server <time-server>"),
    "SWI-013": missing(
        r"ntp authenticate$", "ntp authenticate", "ntp authentication-key 1 md5 <key>", "ntp trusted-key 1",
        "ntp authenticate", among=r"ntp server ",
    ),
    "SWI-014": either(
        stated(r"vtp mode (?:server|client)", "vtp mode transparent"),
        missing(r"vtp mode ", "vtp mode transparent", "vtp mode transparent", among=r"vtp domain "),
    ),
    "SWI-015": TRUNK.lacking(r"switchport trunk native vlan (?!1$)\d", "switchport trunk native vlan <unused-vlan>"),
    "SWI-016": TRUNK.lacking(r"switchport trunk allowed vlan (?!all$|1-4094$)", "switchport trunk allowed vlan <vlans>"),
    "SWI-017": either(
        PORTS.holding(r"switchport mode dynamic", "switchport mode access", "switchport nonegotiate"),
        where(r"switchport mode ", UNSET.lacking(r"switchport mode ", "switchport mode <access-or-trunk>", "switchport nonegotiate")),
    ),
    "SWI-018": where(
        _ACCESS_MODE,
        either(
            missing(r"ip dhcp snooping$", "ip dhcp snooping", *_SNOOPING, "ip dhcp snooping"),
            where(r"ip dhcp snooping$", missing(r"ip dhcp snooping vlan ", "ip dhcp snooping vlan", *_SNOOPING)),
        ),
    ),
    "SWI-019": ACCESS.lacking(
        r"switchport port-security$", "switchport port-security maximum 2", "switchport port-security"
    ),
    "SWI-020": unless(
        r"spanning-tree portfast (?:edge )?bpduguard default",
        ACCESS.lacking(r"spanning-tree bpduguard enable", "spanning-tree bpduguard enable"),
    ),
    "SWI-021": unless(r"no cdp run$", ACCESS.lacking(r"no cdp enable", "no cdp enable")),
    "SWI-022": stated(r"service (?:tcp|udp)-small-servers", "no {line}"),
    "SWI-023": stated(r"(?:ip|service) finger", "no {line}"),
    "SWI-024": missing(r"no ip source-route$", "no ip source-route", "no ip source-route"),
    "SWI-025": missing(r"banner (?:login|motd) ", "banner login", "banner login ^C<warning>^C"),
    "SWI-026": LINES.holding(r"exec-timeout 0(?: 0)?$|no exec-timeout", "exec-timeout 10 0"),
    "SWI-027": unless(
        r"aaa new-model$",
        either(
            Within((CONSOLE,), (r"password ",)).lacking(r"login", "login"),
            _with_account(either(
                Within((CONSOLE,), unless=(r"password ",)).lacking(r"login", "login local"),
                VTY.holding(r"no login$", "login local"),
            )),
        ),
    ),
    "SWI-028": either(
        # "no access-list 101 …" would take away the whole list
        stated(r"access-list (\d+) (permit ip any any.*)", r"ip access-list extended \1", _NEEDED, r" no \2"),
        Within((r"ip access-list extended ",)).holding(r"(?:\d+ )?permit ip any any", _NEEDED.strip(), "no {line}"),
    ),
    "SWI-029": either(
        stated(r"enable password ", "enable algorithm-type scrypt secret <password>", "no enable password"),
        stated(r"enable secret (?:level \d+ )?[0457] ", "enable algorithm-type scrypt secret <password>"),
    ),
    "SWI-030": stated(
        r"username (\S+) (?:.* )?(?:password |secret [0457] )", r"username \1 algorithm-type scrypt secret <password>"
    ),
    "SWI-031": VTY.lacking(r"access-class \S+ in\b", "access-class <acl> in"),
    "SWI-032": PORTS.holding(r"ip directed-broadcast", "no ip directed-broadcast"),
    "SWI-033": ROUTED.lacking(r"no ip proxy-arp$", "no ip proxy-arp"),
    "SWI-034": ROUTED.lacking(r"no ip redirects$", "no ip redirects"),
    "SWI-035": where(r"version 1[25]\.", where(r"switchport ", missing(r"no vstack$", "no vstack", "no vstack"))),
    "SWI-036": stated(r"tftp-server ", "no {line}"),
    "SWI-037": missing(
        r"service timestamps log datetime", "service timestamps log datetime",
        "service timestamps log datetime msec show-timezone",
    ),
    "SWI-038": missing(r"login block-for ", "login block-for", "login block-for 120 attempts 3 within 60"),
    "SWI-039": stated(
        r"username (admin|administrator|cisco|root) ",
        "username <name> privilege 15 algorithm-type scrypt secret <password>", r"no username \1",
    ),
    "SWI-041": stated(r"ip dns server$", "no ip dns server"),
    "SWI-046": stated(r"ip http tls-version TLSv1\.[01]$", "ip http tls-version TLSv1.2"),
    "SWI-048": Within((r"ip access-list extended ",)).holding(r"(?:\d+ )?deny +ip any any$", "no {line}", "{line} log"),
    "SWI-049": missing(
        r"security passwords min-length (?:1[2-9]|[2-9]\d)", "security passwords min-length 12",
        "security passwords min-length 12",
    ),
    "SWI-050": ACCESS.lacking(r"switchport access vlan (?!1$)\d", "switchport access vlan <vlan>"),
    "SWI-051": where(
        _ACCESS_MODE, missing(r"ip arp inspection vlan ", "ip arp inspection vlan", "ip arp inspection vlan <vlans>")
    ),
    "SWI-052": stated(
        r"snmp-server group (\S+) v3 (noauth|auth)\b(.*)", r"no snmp-server group \1 v3 \2", r"snmp-server group \1 v3 priv\3"
    ),
    "SWI-053": without(
        r"ip ospf authentication (?:message-digest|key-chain )",
        Within((r"router ospf ",)).lacking(
            r"area \S+ authentication message-digest", "area 0 authentication message-digest"
        ),
    ),
    "SWI-054": ACCESS.lacking(r"storm-control broadcast level ", "storm-control broadcast level 1.00"),
    "SWI-055": stated(r"service config$|boot network ", "no {line}"),
}  # fmt: skip
