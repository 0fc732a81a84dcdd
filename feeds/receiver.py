"""A client's socket that hands each message over where it is parsed, without a queue and a task between.

Waking a task for each message costs more than decoding most of them.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode
from websockets.protocol import Event

TURN_BYTES: Final = 64 * 1024
"""After so many bytes in one piece everybody else gets a turn."""


class Receiver(ClientConnection):
    """A connection whose messages go to ``take`` once ``read`` was called; what comes before waits.

    Messages that come in parts, and all after them, go by way of ``recv``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._take: Callable[[bytes], None] | None = None
        self._early: list[bytes] = []
        self._has_parts = False
        self._broke: asyncio.Future[None] = self.loop.create_future()

    def data_received(self, data: bytes) -> None:
        """Take bytes; where more wait than can be taken at once, let heartbeats and clients have a turn.

        libuv would go on for eight megabytes, and for as long as that takes nothing else would be done.
        """
        super().data_received(data)
        if len(data) >= TURN_BYTES and self.transport.is_reading():
            self.transport.pause_reading()
            self.loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        if not self.transport.is_closing() and not self.recv_messages.paused:
            self.transport.resume_reading()

    def process_event(self, event: Event) -> None:
        """Hand a whole message over; leave all else to the client."""
        if type(event) is not Frame or self._has_parts or event.opcode not in (Opcode.TEXT, Opcode.BINARY):
            super().process_event(event)
        elif not event.fin:
            self._has_parts = True
            super().process_event(event)
        elif self._take is None:
            self._early.append(bytes(event.data))
        elif not self._broke.done():
            self._hand_over(bytes(event.data))

    def _hand_over(self, message: bytes) -> None:
        assert self._take is not None
        try:
            self._take(message)
        except Exception as error:
            self._broke.set_exception(error)

    async def read(self, take: Callable[[bytes], None]) -> None:
        """Hand all messages to ``take``. Raise what it raises, and ConnectionClosed at the end."""
        self._take = take
        early, self._early = self._early, []
        for message in early:
            if not self._broke.done():
                self._hand_over(message)
        parts = self.loop.create_task(self._read_parts())
        try:
            await asyncio.wait((parts, self._broke), return_when=asyncio.FIRST_COMPLETED)
            if self._broke.done():
                self._broke.result()
            await parts
        finally:
            parts.cancel()
            await asyncio.gather(parts, return_exceptions=True)

    async def _read_parts(self) -> None:
        while True:
            message = await self.recv(decode=False)
            if not self._broke.done():
                self._hand_over(message)
