"""The only way a command is made: a fixed shell program, and values that travel as quoted arguments or by stdin."""

from __future__ import annotations

import base64
from collections.abc import Generator

from pyinfra.api import QuoteString, StringCommand

Commands = Generator[StringCommand, None, None]
"""What an operation yields: nothing, when all is as declared."""


def program(script: str, *arguments: str, stdin: bytes | None = None) -> StringCommand:
    """Return the command that runs *script* in sh with *arguments* as ``$1…``, and *stdin* in base64 on its input."""
    bits = [QuoteString(value) for value in (script, "wizara", *arguments)]
    if stdin is None:
        return StringCommand("sh", "-c", *bits)
    # Lines, since pyinfra feeds stdin line by line; the program decodes them with base64 -d.
    encoded = base64.encodebytes(stdin).decode("ascii").splitlines() or [""]
    return StringCommand("sh", "-c", *bits, _stdin=encoded)
