"""What a person sets for the engine in the environment, read before anything is contacted; loads neither pyinfra nor gevent."""

from __future__ import annotations

import os
import re

from wizara.errors import UsageFault
from wizara.inventory.document import quoted
from wizara.text import _

CONFIRM = "WIZARA_CONFIRM_SECONDS"
CONFIRM_SECONDS, SHORTEST, LONGEST = 60, 5, 600


def confirm_seconds() -> int:
    """Return how many seconds a change of the way to a node waits for its confirmation; UsageFault for what is no such number."""
    text = os.environ.get(CONFIRM, str(CONFIRM_SECONDS))
    if not re.fullmatch(r"[0-9]{1,3}", text) or not SHORTEST <= int(text) <= LONGEST:
        message = _("{setting} is '{text}': it should be a number of seconds from {shortest} to {longest}")
        raise UsageFault(
            message.format(setting=CONFIRM, text=quoted(text), shortest=SHORTEST, longest=LONGEST),
            hint=_("without it, {seconds} seconds").format(seconds=CONFIRM_SECONDS),
        )
    return int(text)
