"""Management interfaces of servers, network devices, printers and controllers that stand open."""

from __future__ import annotations

from collections.abc import Iterator

from audits.lan.flags import flagged
from audits.lan.subjects import declared_at, services, subject
from wizara.audit.facts import LanFacts
from wizara.audit.observation import Seen
from wizara.audit.rule import Judgement, broken, holds, rule, unknown

#: Ports that the protocols of controllers are assigned to.
CONTROLLERS = {102: "S7 / MMS", 502: "Modbus", 20000: "DNP3", 44818: "EtherNet/IP", 47808: "BACnet"}
#: Communities that devices come with for writing.
WRITING = frozenset({"private"})

#: What printers announce by mDNS (RFC 6763).
_PRINTING = ("_ipp.", "_ipps.", "_printer.", "_pdl-datastream.")

SNMP3 = flagged("SNM-003", "snmp3", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N")
IPMI = flagged("IPM-001", "ipmi", "cipher_zero", "AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
SMART_INSTALL = flagged("SMI-001", "smart_install", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
WINBOX = flagged("ROS-001", "winbox", "open", "AC:H/PR:N/UI:N/S:U/C:L/I:L/A:L")
ROUTEROS = flagged("ROS-002", "routeros", "open", "AC:H/PR:N/UI:N/S:U/C:H/I:H/A:N")
ENGINE = flagged("DOC-001", "http", "container_engine", "AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H")
CAMERA = flagged("RTS-001", "rtsp", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N")


@rule("SNM-001", kinds=("snmp", "snmp3"), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:L/A:N", fix="manual")
def well_known_community(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """SNMP answers to a community that everybody knows; an agent that refuses one is silent, and shows itself by version 3."""
    for about, one in services(seen, facts, "snmp"):
        community = one.text("community")
        if community == "private":
            continue  # SNM-002 says more of it
        yield broken(about, [one], discriminator=community, community=community, description=one.text("description"))


@rule("SNM-002", kinds=("snmp", "snmp3"), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", fix="manual")
def community_for_writing(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """SNMP answers to the community that devices come with for writing."""
    for about, one in services(seen, facts, "snmp"):
        if one.text("community") in WRITING:
            yield broken(about, [one], community=one.text("community"), description=one.text("description"))


@rule("PRI-001", kinds=("http", "ports", "heard"), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:L", fix="manual")
def printer(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A printer shows its pages without a login; words of printers alone are no printer, a shop for toner has them, too."""
    for about, one in services(seen, facts, "http"):
        if one.flag("device") and one.flag("password_form"):
            yield unknown(about, "printer-login", [one])
        elif one.flag("device"):
            yield (
                broken(about, [one]) if _prints(seen, facts, one.target.ip or "") else unknown(about, "printer", [one])
            )
        elif "device" in one.texts("undecided"):
            yield unknown(about, "undecided", [one])
        elif "device" in one.data:
            yield holds(about, [one])


def _prints(seen: Seen, facts: LanFacts, ip: str) -> bool:
    """Say whether the machine at *ip* prints: declared so, by its open port for print jobs, or by what it announces."""
    host = declared_at(seen, facts, ip)
    if host and host.role:
        return host.role == "printer"
    announced = {name for one in seen.of("heard", ip=ip) for name in one.texts("services")}
    return 631 in seen.open_ports(ip) or any(name.startswith(_PRINTING) for name in announced)


@rule("PLC-001", kinds=("ports",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:L/I:H/A:H", fix="manual")
def controller(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A controller of machines takes connections from here; nothing was said to it."""
    for one in seen.answered("ports"):
        for port in sorted(one.numbers("open") & set(CONTROLLERS)):
            about = subject(seen, facts, one.target.ip or "", f"tcp/{port}")
            yield broken(about, [one], protocol=CONTROLLERS[port])
