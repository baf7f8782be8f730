"""Live progress: one line a machine on a terminal, one plain line a step elsewhere; always on standard error."""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table


class Board:
    """Shows what each machine is doing; leave the context to let the last state stand."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, no_color=bool(os.environ.get("NO_COLOR")) or None, highlight=False)
        self._lines: dict[str, tuple[str, float, bool]] = {}
        self._live = (
            Live(console=self._console, get_renderable=self._table, refresh_per_second=4)
            if sys.stderr.isatty()
            else None
        )
        self._start = time.monotonic()

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def step(self, who: str, what: str, *, done: bool = False) -> None:
        """Say that *who* has begun *what*, or with *done* that it ended so."""
        began = self._lines[who][1] if who in self._lines else time.monotonic()
        before = self._lines.get(who)
        self._lines[who] = (what, time.monotonic() if done else began, done)
        if self._live is None and (before is None or before[0] != what):
            print(f"[{time.monotonic() - self._start:6.1f}s] {who}: {what}", file=sys.stderr, flush=True)

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for who, (what, began, done) in self._lines.items():
            elapsed = f"{(began - self._start) if done else (time.monotonic() - self._start):5.1f}s"
            table.add_row(f"[bold]{who}[/bold]", f"[dim]{elapsed}[/dim]", f"[green]{what}[/green]" if done else what)
        return table
