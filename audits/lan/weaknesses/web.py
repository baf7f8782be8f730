"""Web servers that give away more than their pages."""

from __future__ import annotations

from audits.lan.flags import flagged

HISTORY = flagged("WEB-004", "http", "git", "AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N")
LISTING = flagged("WEB-005", "http", "listing", "AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N")
DEFAULT_LOGIN = flagged("WEB-003", "login", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
