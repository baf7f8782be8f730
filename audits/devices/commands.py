"""What may be said to a device: commands that read, and those that only set up one's own session; nothing else leaves."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """The commands of a platform."""

    read: dict[str, str]
    """What an answer is kept as → the command; ``config`` is the configuration, which is asked for only where it is judged."""
    session: frozenset[str]
    """Commands that change nothing but how this session is shown, or how far it may read."""


WORDS: dict[str, Words] = {
    "cisco_ios": Words(
        {
            "version": "show version", "config": "show running-config", "cdp": "show cdp neighbors detail",
            "lldp": "show lldp neighbors detail", "macs": "show mac address-table", "arp": "show ip arp",
            "vlans": "show vlan", "bundles": "show etherchannel summary",
        },
        frozenset({"enable", "terminal length 0", "terminal width 511", "exit"}),
    ),
    "huawei_vrp": Words(
        {
            "version": "display version", "config": "display current-configuration", "lldp": "display lldp neighbor",
            "macs": "display mac-address", "arp": "display arp brief", "vlans": "display vlan",
            "bundles": "display eth-trunk",
        },
        frozenset({"screen-length 0 temporary", "quit"}),
    ),
    "hp_comware": Words(
        {
            "lldp": "display lldp neighbor-information verbose", "macs": "display mac-address", "arp": "display arp",
            "bundles": "display link-aggregation verbose",
        },
        frozenset({"screen-length disable", "quit"}),
    ),
    "aruba_aoscx": Words(
        {"lldp": "show lldp neighbor-info detail", "macs": "show mac-address-table", "arp": "show arp all-vrfs"},
        frozenset({"no page", "exit"}),
    ),
    "mikrotik_routeros": Words(
        {
            "neighbours": "ip neighbor print detail", "macs": "interface bridge host print terse without-paging",
            "arp": "ip arp print terse without-paging", "bundles": "interface bonding print detail",
        },
        frozenset({"quit"}),
    ),
}  # fmt: skip
_BLANK = re.compile(r"[\s\x00]*")


class Forbidden(ValueError):
    """A command that does not only read."""


class Gate:
    """The one place that words pass on their way to a device; it keeps each of them, a secret as ``•••``."""

    def __init__(self, platform: str, secrets: frozenset[str]) -> None:
        words = WORDS[platform]
        self._allowed = words.session | frozenset(words.read.values())
        self._secrets = secrets
        self.sent: list[str] = []

    def let_pass(self, text: str) -> None:
        """Keep *text* and let it go, or raise Forbidden."""
        for line in text.replace("\r", "\n").split("\n"):
            word = line.strip("\x00 ")
            if _BLANK.fullmatch(word):
                continue
            if word in self._secrets:
                self.sent.append("•••")
            elif word in self._allowed:
                self.sent.append(word)
            else:
                raise Forbidden(f"{word[:40]!r} does not only read")
