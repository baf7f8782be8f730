"""A proxy that adds a round trip to TCP connections and counts what crosses it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass
from typing import Self


@dataclass
class Count:
    """What crossed since the last reset."""

    connections: int = 0
    up: int = 0
    down: int = 0


class Delay:
    """Listens on *here* and carries to *there*, each direction half of *seconds* later."""

    def __init__(self, here: tuple[str, int], there: tuple[str, int], seconds: float) -> None:
        self._here, self._there, self._half = here, there, seconds / 2
        self.count = Count()
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._carry, *self._here), self._loop
        ).result(5)
        return self

    def __exit__(self, *_details: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks(self._loop) - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def cut(self) -> None:
        """Break every connection that is open now."""
        for writer in list(self._open):
            self._loop.call_soon_threadsafe(writer.transport.abort)

    def reset(self) -> None:
        """Count from nothing."""
        self.count = Count()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.count.connections += 1
        await asyncio.sleep(self._half * 2)  # the handshake, which the loopback does without
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._there)
        except OSError:
            writer.close()
            return
        self._open |= {writer, far_writer}
        with contextlib.suppress(asyncio.CancelledError):  # the link is taken down under a connection
            await asyncio.gather(self._one_way(reader, far_writer, "up"), self._one_way(far_reader, writer, "down"))

    async def _one_way(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str) -> None:
        line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, data = await line.get()
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                if not data:
                    break
                writer.write(data)
                await writer.drain()

        task = asyncio.create_task(deliver())
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                setattr(self.count, way, getattr(self.count, way) + len(data))
                line.put_nowait((self._loop.time() + self._half, data))
        line.put_nowait((self._loop.time() + self._half, b""))
        with contextlib.suppress(OSError):
            await task
        writer.close()
        self._open.discard(writer)
