"""Configurations in whole, beside the pairs: what a rule must see in another spelling, and what it must leave alone."""

from __future__ import annotations

_WEB = 'config system interface\n    edit "{port}"\n        set allowaccess https\n{role}    next\nend'
_GLOBAL = "config global\n{inner}\nend"
_OPEN = "config firewall policy\nedit 1\nset srcaddr all\nset dstaddr all\nset action accept\nset service {service}\nnext\nend"
_LIST = "access-list 101 deny ip any host 10.1.1.5\naccess-list 101 permit ip any any{log}\naccess-list 102 permit ip host 10.1.1.1 any"
_PORT = "interface GigabitEthernet0/1\n switchport mode access\ninterface GigabitEthernet0/2\n {body}"
_OSPF = "interface Vlan20\n ip address 10.1.1.1 255.255.255.0\n {line}\nrouter ospf 1\n network 10.0.0.0 0.255.255.255 area 0"
_V6 = 'config system interface\n    edit "internal"\n        config ipv6\n            set ip6-allowaccess {doors}\n        end\n    next\nend'
_SNMP = "/snmp\nset enabled=yes\n/snmp community\n"
_INPUT = "/ip firewall filter\nadd "

#: (platform, measure, configuration, whether it is broken)
SHAPES: tuple[tuple[str, str, str, bool], ...] = (
    # FortiOS with VDOMs
    ("fortinet", "SWI-001", _GLOBAL.format(inner="config system interface\nedit wan1\nset allowaccess ping telnet\nnext\nend"), True),
    ("fortinet", "SWI-004", _GLOBAL.format(inner="config system interface\nedit wan1\nset allowaccess ping http\nnext\nend"), True),
    ("fortinet", "SWI-009", _GLOBAL.format(inner="config system global\nset admin-ssh-v1 enable\nend"), True),
    ("fortinet", "SWI-010", _GLOBAL.format(inner="config system global\nset strong-crypto disable\nend"), True),
    ("fortinet", "SWI-011", _GLOBAL.format(inner="config log syslogd setting\nset status enable\nend"), False),
    ("fortinet", "SWI-011", _GLOBAL.format(inner="config log syslogd setting\nset status disable\nend"), True),
    ("fortinet", "SWI-039", _GLOBAL.format(inner='config system admin\nedit "admin"\nset vdom "root"\nnext\nend'), True),
    ("fortinet", "SWI-047", _GLOBAL.format(inner=_WEB.format(port="port1", role="        set role wan\n")), True),
    ("fortinet", "SWI-049", _GLOBAL.format(inner="config system password-policy\nset status enable\nend"), False),
    ("fortinet", "SWI-049", _GLOBAL.format(inner="config system global\nend"), True),
    ("fortinet", "SWI-028", "config vdom\nedit root\nnext\nend\nconfig vdom\nedit root\n" + _OPEN.format(service='"ALL"') + "\nend", True),
    ("fortinet", "SWI-028", "config vdom\nedit root\n" + _OPEN.format(service='"HTTPS"') + "\nend", False),
    # FortiOS in other spellings
    ("fortinet", "SWI-028", _OPEN.format(service='"ALL_TCP" "ALL_UDP"'), True),
    ("fortinet", "SWI-028", _OPEN.format(service='"ALL_ICMP" "HTTPS"'), False),
    ("fortinet", "SWI-031", "config system admin\nedit bob\nset trusthost1 0.0.0.0 0.0.0.0\nnext\nend", True),
    ("fortinet", "SWI-031", "config system admin\nedit bob\nset trusthost2 10.0.0.0 255.0.0.0\nnext\nend", False),
    ("fortinet", "SWI-001", _V6.format(doors="ping telnet"), True),
    ("fortinet", "SWI-004", _V6.format(doors="ping http"), True),
    ("fortinet", "SWI-004", _V6.format(doors="ping https"), False),
    ("fortinet", "SWI-047", _WEB.format(port="wan1", role=""), True),
    ("fortinet", "SWI-047", _WEB.format(port="wan1", role="        set role lan\n"), False),
    ("fortinet", "SWI-047", _WEB.format(port="wan1", role="        set role undefined\n"), True),
    ("fortinet", "SWI-047", _WEB.format(port="internal", role=""), False),
    ("fortinet", "SWI-047", _V6.format(doors="ssh").replace("internal", "wan2"), True),
    ("fortinet", "SWI-047", _V6.format(doors="ssh"), False),
    ("fortinet", "SWI-041", 'config system dns-server\nedit "internal"\nnext\nend', True),
    ("fortinet", "SWI-041", 'config system dns-server\nedit "internal"\nset mode forward-only\nnext\nend', False),
    # Cisco IOS
    ("cisco_ios", "SWI-028", _LIST.format(log=""), True),
    ("cisco_ios", "SWI-028", _LIST.format(log=" log"), True),
    ("cisco_ios", "SWI-028", _LIST.partition("\naccess-list 101 permit")[0], False),
    ("cisco_ios", "SWI-027", "username a secret 9 x\nline vty 0 4\n no login\n privilege level 15", True),
    ("cisco_ios", "SWI-027", "line vty 0 4\n no login\n privilege level 15", True),
    ("cisco_ios", "SWI-027", "line vty 0 4\n privilege level 15", False),
    ("cisco_ios", "SWI-027", "line con 0\n password 7 x", True),
    ("cisco_ios", "SWI-027", "line con 0\n password 7 x\n login", False),
    ("cisco_ios", "SWI-018", "ip dhcp snooping\ninterface Gi0/1\n switchport mode access", True),
    ("cisco_ios", "SWI-018", "ip dhcp snooping\nip dhcp snooping vlan 20\ninterface Gi0/1\n switchport mode access", False),
    ("cisco_ios", "SWI-031", "line vty 0 4\n access-class 10 out", True),
    ("cisco_ios", "SWI-031", "line vty 0 4\n access-class 10 in vrf-also", False),
    ("cisco_ios", "SWI-017", _PORT.format(body="description dynamic auto"), True),
    ("cisco_ios", "SWI-017", _PORT.format(body="no switchport"), False),
    ("cisco_ios", "SWI-017", _PORT.format(body="no ip address"), False),
    ("cisco_ios", "SWI-017", _PORT.format(body="shutdown"), False),
    ("cisco_ios", "SWI-017", "interface GigabitEthernet0/0\n description a router has no such ports", False),
    ("cisco_ios", "SWI-053", _OSPF.format(line="ip ospf authentication message-digest"), False),
    ("cisco_ios", "SWI-053", _OSPF.format(line="ip ospf authentication"), True),
    ("cisco_ios", "SWI-011", "logging host syslog.gov.test", False),
    ("cisco_ios", "SWI-011", "logging buffered", True),
    ("cisco_ios", "SWI-052", "snmp-server group SUPERVISION v3 auth read ALL access 10", True),
    # MikroTik RouterOS
    ("mikrotik_routeros", "SWI-001", '/ip service\nset telnet comment="was disabled=yes once"', True),
    ("mikrotik_routeros", "SWI-001", '/ip service\nset telnet comment="off now" disabled=yes', False),
    ("mikrotik_routeros", "SWI-031", "/ip service\nset ssh address=0.0.0.0/0\nset winbox disabled=yes", True),
    ("mikrotik_routeros", "SWI-031", "/ip service\nset ssh disabled=yes\nset winbox address=10.0.0.0/24,::/0", True),
    ("mikrotik_routeros", "SWI-031", "/ip service\nset ssh disabled=yes\nset winbox address=10.0.0.0/24,2001:db8::/64", False),
    ("mikrotik_routeros", "SWI-042", _INPUT + "action=drop chain=input disabled=yes", True),
    ("mikrotik_routeros", "SWI-042", _INPUT + "action=drop chain=input protocol=icmp", True),
    ("mikrotik_routeros", "SWI-042", _INPUT + "action=drop chain=input connection-state=invalid", True),
    ("mikrotik_routeros", "SWI-042", _INPUT + 'action=drop chain=input comment="no protocol=icmp" in-interface-list=!LAN', False),
    ("mikrotik_routeros", "SWI-002", _SNMP + "set [ find default=yes ] disabled=yes\nadd name=zQ7k addresses=10.0.0.0/24", False),
    ("mikrotik_routeros", "SWI-002", _SNMP + "set [ find default=yes ] disabled=no", True),
    # Huawei VRP
    ("huawei_vrp", "SWI-005", "snmp-agent community complexity-check disable", False),
    ("huawei_vrp", "SWI-007", "snmp-agent community complexity-check disable", False),
    ("huawei_vrp", "SWI-007", "snmp-agent community write cipher x", True),
    ("huawei_vrp", "SWI-016", "interface GE0/0/1\n port link-type trunk\n port trunk allow-pass vlan all", True),
    ("huawei_vrp", "SWI-028", "acl number 3000\n rule 5 permit ip source any destination any", True),
    ("huawei_vrp", "SWI-028", "acl number 3000\n rule 5 permit ip source any destination 10.1.1.1 0", False),
    ("huawei_vrp", "SWI-052", "snmp-agent group v3 supervision authentication read-view ALL acl 2000", True),
)  # fmt: skip

#: The system → lines of a configuration of it, none of the judged platforms.
FOREIGN: dict[str, tuple[str, ...]] = {
    "HPE Comware": (
        "#\n version 7.1.070, Release 3507\n#\n sysname core\n#\n telnet server enable\n#\n undo ip source-route",
        "sysname core\ninterface GigabitEthernet1/0/1\n port link-mode bridge",
    ),
    "Cisco NX-OS": (
        "!Command: show running-config\nversion 9.3(8) Bios:version 07.69\nhostname n\nno feature ssh\nline vty",
        "hostname n\nfeature telnet\nline vty",
    ),
    "Cisco IOS XR": ("!! IOS XR Configuration 7.3.2\nhostname x\nline console",),
    "Arista EOS": (
        "! device: sw (DCS-7050, EOS-4.28.3M)\nhostname a\nno aaa root\nend",
        "hostname a\nmanagement telnet\n   no shutdown",
    ),
    "Cisco ASA": (
        "ASA Version 9.8(2)\nhostname asa1\ntelnet 0.0.0.0 0.0.0.0 inside\nno snmp-server location",
        "hostname asa1\ninterface GigabitEthernet0/0\n nameif outside\nno snmp-server contact",
    ),
    "Aruba AOS-CX": ("!Version ArubaOS-CX FL.10.10.1000\nhostname c\nno ip icmp redirect",),
    "ArubaOS-Switch": ("; J9772A Configuration Editor; Created on release #YA.16.02\nhostname c\nno telnet-server",),
    "Juniper Junos": (
        "## Last commit: 2026-01-01\nversion 21.4R1.12;\nsystem {\n host-name j1;",
        "system { host-name j1; }",
    ),
}
