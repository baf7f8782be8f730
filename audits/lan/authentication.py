"""Which ways of logging in a web server offers in WWW-Authenticate (RFC 9110 §11.6.1): look and rule read it alike."""

from __future__ import annotations

import re

_QUOTED = re.compile(r"\"[^\"]*\"")
_BASIC = re.compile(r"(?:^|,)\s*basic\b", re.IGNORECASE)


def offers_basic(schemes: str) -> bool:
    """Say whether Basic (RFC 7617) is among the *schemes* of all such headers, joined by commas; in quotes it is a name only."""
    return _BASIC.search(_QUOTED.sub("", schemes)) is not None
