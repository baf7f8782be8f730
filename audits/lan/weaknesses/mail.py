"""Mail services that take passwords without encryption, or mail of anybody to anybody."""

from __future__ import annotations

from audits.lan.flags import flagged

POP3 = flagged("POP-001", "pop3", "plaintext", "AC:H/PR:N/UI:N/S:U/C:H/I:L/A:N")
IMAP = flagged("IMA-001", "imap", "plaintext", "AC:H/PR:N/UI:N/S:U/C:H/I:L/A:N")
STARTTLS = flagged("SMT-002", "smtp", "starttls", "AC:H/PR:N/UI:N/S:U/C:H/I:L/A:N", weak=False)
LOGIN = flagged("SMT-003", "smtp", "login", "AC:H/PR:N/UI:N/S:U/C:H/I:L/A:N")
RELAY = flagged("SMT-001", "smtp", "relay", "AC:L/PR:N/UI:N/S:C/C:N/I:H/A:L")
