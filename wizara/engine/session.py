"""The CLI's end of the engine: starts the worker where the nodes can be reached from, and speaks JSON lines with it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from wizara.engine.request import Go, Request
from wizara.errors import Unfinished
from wizara.record.progress import LINE, AllPlanned, Ended, Fault, Planned, Step
from wizara.text import _, language


class Session:
    """A running worker; leaving the context ends it."""

    def __init__(self, request: Request, namespace: Path | None) -> None:
        """*namespace*: the network namespace file to run in; None is the field."""
        enter = ["nsenter", f"--net={namespace}", "--"] if namespace else []
        self._request = request
        self._process: subprocess.Popen[str] = subprocess.Popen(
            [*enter, sys.executable, "-m", "wizara.engine"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"WIZARA_LANGUAGE": language()},
        )  # fmt: skip

    def __enter__(self) -> Self:
        self._write(self._request.model_dump_json())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.terminate()
        self._stream(self._process.stdin).close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stream(self._process.stdout).close()

    def events(self) -> Iterator[Step | Planned | Ended]:
        """Yield events until every node is planned, or after :meth:`go` until the worker ends."""
        for text in self._stream(self._process.stdout):
            line = LINE.validate_json(text)
            if isinstance(line, AllPlanned):
                return
            if isinstance(line, Fault):
                raise Unfinished(line.message)
            yield line
        if self._process.wait() != 0:
            raise Unfinished(_("the engine stopped by itself (exit {code})").format(code=self._process.returncode))

    def go(self, nodes: tuple[str, ...], canary: tuple[str, ...] = (), max_failures: int | None = None) -> None:
        """Let the worker apply on *nodes*, the *canary* first, and begin no other once more than *max_failures* have failed."""
        self._write(Go(nodes=nodes, canary=canary, max_failures=max_failures).model_dump_json())

    def decline(self, node: str) -> None:
        """In a run at once, let the worker leave *node* as it is."""
        self._write(Go(nodes=(), declined=(node,)).model_dump_json())

    def _write(self, line: str) -> None:
        stream = self._stream(self._process.stdin)
        stream.write(line + "\n")
        stream.flush()

    @staticmethod
    def _stream(stream: IO[str] | None) -> IO[str]:
        assert stream is not None
        return stream
