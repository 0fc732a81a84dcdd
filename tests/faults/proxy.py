"""A way to a server that breaks as it is told to: a TCP relay on loopback that knows WebSocket frames.

It keeps what it has handed on whole, so that a test can tell what reached the client's side.
"""

import asyncio
import contextlib
import random
import socket
import ssl
import struct
from typing import Self

QUIET_S = 0.05
"""Between the last byte handed on and a reset: a reset throws away what the other side has not read yet."""

DAWDLE_S = 0.6


class Frames:
    """Follows the server's side of a connection: where messages end, and what they hold."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        """Text and binary messages, whole ones only."""
        self.is_between = False
        """Whether the last byte taken ended a frame."""
        self._is_open = False
        self._held = bytearray()

    def take(self, data: bytes) -> None:
        """Take bytes that were handed on."""
        self._held += data
        if not self._is_open:
            head = self._held.find(b"\r\n\r\n")
            if head < 0:
                return
            self._is_open = self._held.startswith(b"HTTP/1.1 101")
            del self._held[: head + 4]
        while (length := self._length()) is not None and len(self._held) >= length[0] + length[1]:
            begin, size = length
            if self._held[0] & 0x0F in (1, 2):
                self.payloads.append(bytes(self._held[begin : begin + size]))
            del self._held[: begin + size]
        self.is_between = self._is_open and not self._held

    def _length(self) -> tuple[int, int] | None:
        """Return the lengths of the next frame's head and body, None while the head is not there."""
        if len(self._held) < 2:
            return None
        size = self._held[1] & 0x7F
        if size < 126:
            return 2, size
        width = 2 if size == 126 else 8
        if len(self._held) < 2 + width:
            return None
        return 2 + width, int.from_bytes(self._held[2 : 2 + width], "big")


class Proxy:
    """Relays to ``host:port``. What it does wrong is in its fields; they hold for every connection."""

    def __init__(
        self, host: str, port: int, *, listen: str = "127.0.0.1", tls: ssl.SSLContext | None = None
    ) -> None:
        self.port = 0
        self.attempts = 0
        """Connections that were opened to here."""
        self.is_held = False
        """Whether nothing is handed on; see ``hold``."""
        self.delay_s = self.jitter_s = 0.0
        self.piece: int | None = None
        """Bytes handed on at a time."""
        self.hangs_up = 0
        """So many further connections are reset as soon as they are there."""
        self.dawdles = 0
        """So many further connections are handed on only after ``DAWDLE_S``: later ones overtake them."""
        self.busy = 0
        """Connections on which something is just being handed on."""
        self.taps: list[Frames] = []
        self._upstream = (host, port)
        self.listen, self.tls = listen, tls
        """Where it listens and with what certificate, from the next time it is opened."""
        self._pairs: set[Pair] = set()
        self._before: set[Pair] = set()
        self._server: asyncio.Server | None = None
        self._dice = random.Random(1)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.refuse()
        for pair in tuple(self._pairs):
            pair.end()
        while self._pairs:
            await asyncio.sleep(0.01)

    async def open(self) -> None:
        """Listen; after ``refuse`` on the same port as before."""
        self._server = await asyncio.start_server(self._serve, self.listen, self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Listen no more: who connects is refused. Connections that are there stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def hold(self) -> None:
        """Half-open: sockets stay, and nothing is handed on in either direction."""
        self.is_held, self._before = True, set(self._pairs)

    def release(self) -> None:
        """Hand on again; what was there before is gone, as behind a router that forgot it."""
        for pair in self._before:
            pair.reset()
        self.is_held = False

    async def reset(self) -> None:
        """Cut every connection without a word, between two messages of the server where that can be had."""
        await self._quiet()
        for pair in tuple(self._pairs):
            pair.reset()

    def reset_in_a_frame(self) -> None:
        """Hand on half of the next message on each connection, and cut it there."""
        for pair in self._pairs:
            pair.is_torn = True

    def close(self, code: int, reason: str = "") -> None:
        """Close every connection in the server's name, behind its next message."""
        for pair in self._pairs:
            pair.closing = struct.pack(">H", code) + reason.encode()

    async def _quiet(self) -> None:
        self.is_held = True
        await asyncio.sleep(QUIET_S)
        self.is_held = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.attempts += 1
        if self.hangs_up:
            self.hangs_up -= 1
            _reset(writer)
            return
        if self.dawdles:
            self.dawdles -= 1
            await asyncio.sleep(DAWDLE_S)
        try:
            there, back = await asyncio.open_connection(*self._upstream)
        except OSError:
            _reset(writer)
            return
        pair = Pair(self, writer, back)
        self._pairs.add(pair)
        self.taps.append(pair.frames)
        try:
            await pair.run(reader, there)
        finally:
            self._pairs.discard(pair)

    async def pause(self) -> None:
        """Wait as long as a piece is to be late."""
        if self.delay_s or self.jitter_s:
            await asyncio.sleep(self.delay_s + self._dice.random() * self.jitter_s)
        while self.is_held:
            await asyncio.sleep(0.005)


class Pair:
    """One connection: from the client to the server and back."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.frames = Frames()
        self.is_torn = False
        self.closing: bytes | None = None
        self._proxy = proxy
        self._client, self._server = client, server
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self, client: asyncio.StreamReader, server: asyncio.StreamReader) -> None:
        """Relay until either side ends."""
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._up(client)),
            loop.create_task(self._down(server)),
        ]
        await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        self.end()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in (self._client, self._server):
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await writer.wait_closed()

    def end(self) -> None:
        """End both directions."""
        for task in self._tasks:
            task.cancel()

    def reset(self) -> None:
        """Cut the client's side as a machine does that has crashed."""
        _reset(self._client)
        self.end()

    async def _up(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._proxy.pause()
                self._server.write(data)
                await self._server.drain()

    async def _down(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._proxy.pause()
                if self.is_torn and len(data) > 4:
                    await self._hand_on(data[:-3])  # the end of what came is within or at the end of a frame
                    await asyncio.sleep(QUIET_S)
                    self.reset()
                    return
                await self._hand_on(data)
                if self.closing is not None and self.frames.is_between:
                    await self._say_goodbye(self.closing)
                    return

    async def _hand_on(self, data: bytes) -> None:
        self._proxy.busy += 1
        try:
            await self._write(data)
        finally:
            self._proxy.busy -= 1

    async def _write(self, data: bytes) -> None:
        size = self._proxy.piece or len(data)
        for at in range(0, len(data), size):
            self._client.write(data[at : at + size])
            if self._proxy.piece:
                await self._client.drain()
                await asyncio.sleep(0)
        await self._client.drain()
        self.frames.take(data)

    async def _say_goodbye(self, told: bytes) -> None:
        self._client.write(bytes((0x88, len(told))) + told)
        await self._client.drain()
        await asyncio.sleep(2 * QUIET_S)  # the client answers, and hangs up


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close a socket so that the other side sees a reset."""
    found = writer.get_extra_info("socket")
    if found is not None:
        with contextlib.suppress(OSError):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
