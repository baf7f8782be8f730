"""Services of another age: they carry everything in clear, trust addresses, or help to flood others."""

from __future__ import annotations

from collections.abc import Iterator

from audits.lan.flags import flagged
from audits.lan.prompt import asks_for_login
from audits.lan.subjects import services
from wizara.audit.facts import LanFacts
from wizara.audit.observation import Seen
from wizara.audit.rule import Judgement, broken, rule

FINGER = flagged("FIN-001", "finger", "open", "AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N")
ECHO = flagged("ECH-001", "echo", "open", "AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L")
ECHO_DATAGRAM = flagged("ECH-002", "echo_udp", "open", "AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L")
CHARGEN = flagged("CHG-001", "chargen", "open", "AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L")
RLOGIN = flagged("RLO-001", "rlogin", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N")
RSH = flagged("RSH-001", "rsh", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N")
VNC = flagged("VNC-001", "vnc", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
X11 = flagged("X11-001", "x11", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N")


@rule("TEL-001", kinds=("telnet", "ports"), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N", fix="manual")
def telnet(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A Telnet server: it negotiated options, or it asks for a login in clear."""
    for about, one in services(seen, facts, "telnet"):
        if one.flag("negotiates") or asks_for_login(one.text("text")):
            yield broken(about, [one], text=one.text("text"))
