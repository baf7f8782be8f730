"""Management interfaces of servers, network devices, printers and controllers that stand open."""

from __future__ import annotations

from collections.abc import Iterator

from audits.lan.flags import flagged
from audits.lan.subjects import services, subject
from wizara.audit.facts import LanFacts
from wizara.audit.observation import Seen
from wizara.audit.rule import Judgement, broken, rule

#: Ports that the protocols of controllers are assigned to.
CONTROLLERS = {102: "S7 / MMS", 502: "Modbus", 20000: "DNP3", 44818: "EtherNet/IP", 47808: "BACnet"}
#: Communities that devices come with for writing.
WRITING = frozenset({"private"})

SNMP3 = flagged("SNM-003", "snmp3", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N")
IPMI = flagged("IPM-001", "ipmi", "cipher_zero", "AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
SMART_INSTALL = flagged("SMI-001", "smart_install", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
WINBOX = flagged("ROS-001", "winbox", "open", "AC:H/PR:N/UI:N/S:U/C:L/I:L/A:L")
ROUTEROS = flagged("ROS-002", "routeros", "open", "AC:H/PR:N/UI:N/S:U/C:H/I:H/A:N")
PRINTER = flagged("PRI-001", "http", "device", "AC:L/PR:N/UI:N/S:U/C:L/I:L/A:L")


@rule("SNM-002", kinds=("snmp",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", fix="manual")
def community_for_writing(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """SNMP answers to the community that devices come with for writing."""
    for about, one in services(seen, facts, "snmp"):
        if one.text("community") in WRITING:
            yield broken(about, [one], community=one.text("community"), description=one.text("description"))


@rule("PLC-001", kinds=("ports",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:L/I:H/A:H", fix="manual")
def controller(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A controller of machines takes connections from here; nothing was said to it."""
    for one in seen.answered("ports"):
        for port in sorted(one.numbers("open") & set(CONTROLLERS)):
            about = subject(seen, facts, one.target.ip or "", f"tcp/{port}")
            yield broken(about, [one], protocol=CONTROLLERS[port])
