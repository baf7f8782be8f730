"""Standard output that remembers why it did not take what was written, and standard error that never ends what is being done."""

from __future__ import annotations

import contextlib
import io
import os
import select
import sys
from typing import Any


class Output(io.FileIO):
    """The descriptor of standard output."""

    fault: OSError | None = None
    """What the last failed write said."""

    def write(self, data: Any, /) -> int:
        """Write *data*, and remember a failure; a reader that went away has what he wanted, and the verb goes on to its end."""
        try:
            while (count := super().write(data)) is None:  # somebody made it non-blocking, and its reader is slow
                select.select([], [self], [])
        except BrokenPipeError as fault:
            self.fault = fault
            return len(memoryview(data).cast("B"))
        except OSError as fault:
            self.fault = fault
            raise
        return count

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


class Words(io.FileIO):
    """The descriptor of standard error: what is said there may be lost, but never ends what is being done."""

    def write(self, data: Any, /) -> int:
        """Write *data*, or lose it."""
        with contextlib.suppress(OSError):
            super().write(data)
        return len(memoryview(data).cast("B"))


def unfailing() -> None:
    """Let this process say its words through :class:`Words`; into nothing where it was started without standard error."""
    text = sys.stderr
    if text is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - for as long as the process lives
    elif text is sys.__stderr__ and isinstance(text, io.TextIOWrapper):
        sys.stderr = io.TextIOWrapper(
            io.BufferedWriter(Words(text.fileno(), "w", closefd=False)), encoding=text.encoding, errors=text.errors,
            newline="\n", line_buffering=True, write_through=True,
        )  # fmt: skip


def watched() -> Output | None:
    """Let this process write its results through an :class:`Output`; None where standard output is no descriptor's.

    A letter that the terminal's character set lacks is written as its escape: no result is lost for it.
    """
    text = sys.stdout
    if text is not sys.__stdout__ or not isinstance(text, io.TextIOWrapper):
        return None
    text.flush()
    output = Output(text.fileno(), "w", closefd=False)
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(output), encoding=text.encoding, newline="\n",
        errors="backslashreplace" if text.errors == "strict" else text.errors,
        line_buffering=text.line_buffering, write_through=text.write_through,
    )  # fmt: skip
    return output
