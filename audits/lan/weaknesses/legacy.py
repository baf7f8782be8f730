"""Services of another age: they carry everything in clear, trust addresses, or help to flood others."""

from __future__ import annotations

from audits.lan.flags import flagged

FINGER = flagged("FIN-001", "finger", "open", "AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N")
ECHO = flagged("ECH-001", "echo", "open", "AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L")
ECHO_DATAGRAM = flagged("ECH-002", "echo_udp", "open", "AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L")
CHARGEN = flagged("CHG-001", "chargen", "open", "AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L")
RLOGIN = flagged("RLO-001", "rlogin", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N")
RSH = flagged("RSH-001", "rsh", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N")
VNC = flagged("VNC-001", "vnc", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
X11 = flagged("X11-001", "x11", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N")
