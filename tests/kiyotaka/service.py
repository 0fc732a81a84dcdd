"""A small service that follows Kiyotaka's documentation, and breaks in every way that a test asks for."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.kiyotaka import frames

PATIENCE_S = 30.0
"""Nothing here takes long; a machine may."""


class Session:
    """One socket that was opened by the client."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        request = socket.request
        assert request is not None
        self.path = request.path
        self._heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def listen(self) -> None:
        """Take in what the client says until the socket ends."""
        with suppress(ConnectionClosed):
            async for message in self.socket:
                assert isinstance(message, str)
                self._heard.put_nowait(json.loads(message))

    async def hear(self, method: str) -> dict[str, Any]:
        """Return the next message, which must be of that method."""
        async with asyncio.timeout(PATIENCE_S):
            message = await self._heard.get()
        assert message["method"] == f"public/{method}", message
        return message

    async def welcome(self) -> dict[str, Any]:
        """Accept the key and return the first subscription."""
        await self.hear("authenticate")
        await self.send(frames.REPLY)
        return await self.hear("subscribe")

    async def send(self, *frames_: bytes, binary: bool = False) -> None:
        """Send frames."""
        for frame in frames_:
            await self.socket.send(frame, text=not binary)

    async def say(self, **message: Any) -> None:
        """Send a control frame."""
        await self.send(json.dumps(message).encode())

    async def drop(self) -> None:
        """Cut the line without a word."""
        self.socket.transport.abort()
        await self.socket.wait_closed()

    async def ended(self) -> int | None:
        """Wait for the client to close; return its code."""
        async with asyncio.timeout(PATIENCE_S):
            await self.socket.wait_closed()
        return self.socket.close_code


class Service:
    """Listens on loopback. ``answers`` are HTTP statuses for the next attempts; then sockets open."""

    def __init__(self) -> None:
        self.attempts = 0
        self.answers: list[int | tuple[int, dict[str, str]]] = []
        self.sessions: list[Session] = []
        self._fresh: asyncio.Queue[Session] = asyncio.Queue()
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """The base that stands in a configuration."""
        assert self._server is not None
        host, port = next(iter(self._server.sockets)).getsockname()[:2]
        return f"ws://{host}:{port}"

    def _look(self, socket: ServerConnection, request: Request) -> Response | None:
        self.attempts += 1
        if not self.answers:
            return None
        answer = self.answers.pop(0)
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        response = socket.respond(HTTPStatus(status), "no\n")
        for name, value in headers.items():
            response.headers[name] = value
        return response

    async def _serve(self, socket: ServerConnection) -> None:
        session = Session(socket)
        self.sessions.append(session)
        self._fresh.put_nowait(session)
        await session.listen()

    async def session(self) -> Session:
        """Return the next socket that the client opens."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._fresh.get()


@asynccontextmanager
async def running() -> AsyncIterator[Service]:
    """Run a service on any free port."""
    service = Service()
    server = await serve(
        service._serve,
        "127.0.0.1",
        0,
        process_request=service._look,
        compression=None,
        max_size=None,
        ping_interval=None,
        close_timeout=0.2,
    )
    service._server = server
    try:
        yield service
    finally:
        server.close()
        await server.wait_closed()
