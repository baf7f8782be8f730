"""The only way a command is made: a fixed shell program, and values that travel as quoted arguments or by stdin."""

from __future__ import annotations

import base64
from collections.abc import Generator

from pyinfra.api import QuoteString, StringCommand

Commands = Generator[StringCommand, None, None]
"""What an operation yields: nothing, when all is as declared."""


class Program(StringCommand):
    """A command that still knows its program and arguments, so that the engine can send the program once a connection."""

    def __init__(self, script: str, *arguments: str, stdin: bytes | None = None, long: bool = False) -> None:
        """*long*: it may take minutes; it outlives a cut link, and nothing waits behind it."""
        bits = [QuoteString(value) for value in (script, "wizara", *arguments)]
        if stdin is None:
            super().__init__("sh", "-c", *bits)
        else:
            # Lines, since pyinfra feeds stdin line by line; the program decodes them with base64 -d.
            encoded = base64.encodebytes(stdin).decode("ascii").splitlines() or [""]
            super().__init__("sh", "-c", *bits, _stdin=encoded)
        self.script = script
        self.arguments = arguments
        self.long = long


def program(script: str, *arguments: str, stdin: bytes | None = None, long: bool = False) -> Program:
    """Return the command that runs *script* in sh with *arguments* as ``$1…``, and *stdin* in base64 on its input."""
    return Program(script, *arguments, stdin=stdin, long=long)
