"""How a terminal asks for a name or a password: one pattern for what is heard and for what is judged."""

from __future__ import annotations

import re

#: The question stands at the end, for who asks waits: words about logins in a greeting are none.
_PROMPT = re.compile(r"(login|user ?name|password)\s*[:>]\W*$|user access verification", re.IGNORECASE)
#: Colours and movements of a terminal (ECMA-48), as they are heard and as they are kept.
_STEERING = re.compile(r"(?:\x1b|\\x1b)\[[\d;?]*[A-Za-z]")


def asks_for_login(text: str) -> bool:
    """Say whether *text* ends in a question for a name or a password, as a terminal asks it."""
    return _PROMPT.search(_STEERING.sub("", text)) is not None
