"""Standard output that remembers why it did not take what was written: a buffer tells it once, and to whom it may concern."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Any


class Output(io.FileIO):
    """The descriptor of standard output."""

    fault: OSError | None = None
    """What the last failed write said."""

    def write(self, data: Any, /) -> int:
        """Write *data*, and remember a failure."""
        try:
            return super().write(data)
        except OSError as fault:
            self.fault = fault
            raise

    def unwritten(self) -> str:
        """Write what is left, and return why it could not be; empty when all was taken, or when nobody reads on."""
        with contextlib.suppress(OSError, ValueError):  # ValueError: somebody has closed it
            sys.stdout.flush()
        if self.fault is None:
            return ""
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), self.fileno()
        )  # as it ends, the interpreter would try, and tell, once more
        return "" if isinstance(self.fault, BrokenPipeError) else self.fault.strerror or str(self.fault)


def watched() -> Output | None:
    """Let this process write its results through an :class:`Output`; None where standard output is no descriptor's."""
    text = sys.stdout
    if text is not sys.__stdout__ or not isinstance(text, io.TextIOWrapper):
        return None
    text.flush()
    output = Output(text.fileno(), "w", closefd=False)
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(output), encoding=text.encoding, errors=text.errors, newline="\n",
        line_buffering=text.line_buffering, write_through=text.write_through,
    )  # fmt: skip
    return output
