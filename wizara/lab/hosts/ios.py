"""What the stand-in switch says: its commands, and a configuration with planted faults."""

from __future__ import annotations

from dataclasses import dataclass

_VERSION = """\
Cisco IOS Software, C2960 Software (C2960-LANBASEK9-M), Version 12.2(55)SE5, RELEASE SOFTWARE (fc1)
ROM: Bootstrap program is C2960 boot loader
{name} uptime is 3 years, 12 weeks, 2 days, 4 hours, 7 minutes
System image file is "flash:c2960-lanbasek9-mz.122-55.SE5.bin"
cisco WS-C2960-24TT-L (PowerPC405) processor (revision D0) with 65536K bytes of memory.
Processor board ID REHEARSAL001
24 FastEthernet interfaces
2 Gigabit Ethernet interfaces
Model number                    : WS-C2960-24TT-L
Configuration register is 0xF
"""
#: Planted: passwords in clear, SNMP community public, telnet on every line, HTTP server, no log server.
_CONFIGURATION = """\
Building configuration...

Current configuration : 1184 bytes
!
version 12.2
no service pad
no service password-encryption
!
hostname {name}
!
enable password rehearsal-switch
!
username audit privilege 1 password 0 rehearsal-switch
no aaa new-model
!
interface FastEthernet0/1
 description office
 switchport access vlan 20
 switchport mode access
!
interface Vlan20
 ip address 10.20.20.2 255.255.255.0
!
ip default-gateway 10.20.20.1
ip http server
snmp-server community public RO
!
line con 0
line vty 0 4
 login local
 transport input telnet ssh
line vty 5 15
 login local
 transport input telnet
!
end
"""
_CDP = """\
Capability Codes: R - Router, T - Trans Bridge, B - Source Route Bridge
                  S - Switch, H - Host, I - IGMP, r - Repeater, P - Phone

Device ID        Local Intrfce     Holdtme    Capability  Platform  Port ID
gw-hq            Gig 0/1           154              R     Linux     office
"""
_LLDP = """\
Capability codes:
    (R) Router, (B) Bridge, (T) Telephone, (C) DOCSIS Cable Device
    (W) WLAN Access Point, (P) Repeater, (S) Station, (O) Other

Device ID           Local Intf     Hold-time  Capability      Port ID
gw-hq               Gi0/1          120        R               office

Total entries displayed: 1
"""
#: Command → its answer, and whether it needs ``enable`` first.
_SHOWN = {
    "show version": (_VERSION, False),
    "show running-config": (_CONFIGURATION, True),
    "show cdp neighbors": (_CDP, False),
    "show lldp neighbors": (_LLDP, False),
}
_SETTINGS = ("terminal length", "terminal width")
_INVALID = "           ^\n% Invalid input detected at '^' marker.\n\n"


@dataclass
class Session:
    """One login at the command line."""

    name: str
    privileged: bool = False
    asks_password: bool = False
    ended: bool = False

    def prompt(self) -> str:
        """Return what stands before the cursor."""
        if self.asks_password:
            return "Password: "
        return f"{self.name}{'#' if self.privileged else '>'}"

    def answer(self, line: str, password: str) -> str:
        """Return the answer to *line*."""
        if self.asks_password:
            self.asks_password = False
            self.privileged = line == password
            return "" if self.privileged else "% Access denied\n\n"
        words = " ".join(line.split())
        if words in {"exit", "quit", "logout"}:
            self.ended = True
            return ""
        if words in {"enable", "en"}:
            self.asks_password = not self.privileged
            return ""
        if words == "disable":
            self.privileged = False
            return ""
        return self._shown(words)

    def _shown(self, words: str) -> str:
        if not words or words.startswith(_SETTINGS):
            return ""
        for command, (text, needs_privilege) in _SHOWN.items():
            if words and _abbreviates(words, command):
                return text.format(name=self.name) if self.privileged or not needs_privilege else _INVALID
        return _INVALID


def _abbreviates(words: str, command: str) -> bool:
    """Tell whether *words* are *command* with its words cut short, to two letters at least."""
    said, full = words.split(), command.split()
    return len(said) == len(full) and all(
        whole.startswith(short) and len(short) >= min(2, len(whole)) for short, whole in zip(said, full, strict=True)
    )
