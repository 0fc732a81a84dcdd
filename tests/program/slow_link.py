"""A TCP relay on loopback that is as far away and as thin as it is told to be, and counts what crosses it."""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Coroutine
from typing import Self

from tests.program.launch import WITHIN_S

_CHUNK = 16_384
_HELD = 65_536
"""Bytes that are under way at most, as a link's buffers hold: beyond that the sender waits."""


class Way:
    """One direction of all connections: how much crossed it."""

    def __init__(self) -> None:
        self.bytes = 0


class SlowLink:
    """Relays to ``port`` on loopback, each piece ``delay_s`` late and at most ``bytes_per_s`` each way."""

    def __init__(self, port: int, *, delay_s: float = 0.0, bytes_per_s: float | None = None) -> None:
        self.delay_s = delay_s
        self.bytes_per_s = bytes_per_s
        self.up, self.down = Way(), Way()
        self.connections = 0
        self.is_shut = False
        """Whether new connections are refused."""
        self.tap: bytearray | None = None
        self._upstream = port
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port: int = self._run(self._open())

    def cut(self) -> None:
        """Break every connection that is there."""
        self._run(self._cut())

    def _run(self, coroutine: Coroutine[None, None, int]) -> int:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(WITHIN_S)

    async def _open(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _cut(self) -> int:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return len(tasks)

    async def _close(self) -> int:
        self._server.close()
        return await self._cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_shut:
            writer.transport.abort()
            return
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        there, back = await asyncio.open_connection("127.0.0.1", self._upstream)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(reader, back, self.up))
                group.create_task(self._carry(there, writer, self.down))
        except (OSError, asyncio.CancelledError, ExceptionGroup):
            pass
        finally:
            self._tasks.discard(task)
            for one in (writer, back):
                one.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
        """Take pieces as they come and hand each on when it is due."""
        pieces: deque[tuple[float, bytes]] = deque()
        news, room = asyncio.Event(), asyncio.Event()
        free_at = 0.0

        async def hand_on() -> None:
            while True:
                while not pieces:
                    news.clear()
                    await news.wait()
                due, data = pieces[0]
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                pieces.popleft()
                room.set()
                if not data:
                    writer.write_eof()
                    return
                writer.write(data)
                await writer.drain()

        handing = asyncio.create_task(hand_on())
        try:
            while True:
                data = await reader.read(_CHUNK)
                now = time.monotonic()
                if self.bytes_per_s is not None:
                    free_at = max(free_at, now) + len(data) / self.bytes_per_s
                pieces.append((max(now, free_at) + self.delay_s, data))
                news.set()
                way.bytes += len(data)
                if not data:
                    break
                while sum(len(one) for _, one in pieces) > _HELD:
                    room.clear()
                    await room.wait()
            await handing
        finally:
            handing.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await handing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WITHIN_S)
        self._loop.close()
