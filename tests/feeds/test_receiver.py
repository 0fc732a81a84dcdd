"""Messages are handed over whole and in order, however a server sends them."""

import asyncio
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from mdterm.feeds.receiver import Receiver

PATIENCE_S = 10.0


def url(server: object) -> str:
    """Return where a server listens."""
    return f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"  # type: ignore[attr-defined]  # a Server


def parted(text: str) -> Iterator[str]:
    """Yield a message in parts of a letter each."""
    yield from text


async def test_whole_messages_and_parted_ones_come_in_order() -> None:
    """The first are sent before anybody reads."""

    async def talk(ws: ServerConnection) -> None:
        for text in ("1", "2"):
            await ws.send(text)
        await ws.recv()
        await ws.send(b"3")
        await ws.send(parted("four"))
        await ws.send("5")
        await ws.send(parted("six"))

    got: list[bytes] = []
    async with (
        asyncio.timeout(PATIENCE_S),
        serve(talk, "127.0.0.1", 0) as server,
        connect(url(server), create_connection=Receiver) as ws,
    ):
        assert isinstance(ws, Receiver)
        await (await ws.ping())  # so the first two are here
        reading = asyncio.get_running_loop().create_task(ws.read(got.append))
        await ws.send("go on")
        with pytest.raises(ConnectionClosed):
            await reading
    assert got == [b"1", b"2", b"3", b"four", b"5", b"six"]


@pytest.mark.parametrize("messages", [("1", "bad", "3"), (["1", "2"], "bad", "3"), ("bad", "2")])
async def test_what_the_taker_raises_ends_the_reading(messages: tuple[str | list[str], ...]) -> None:
    """Nothing is handed over after it."""
    got: list[bytes] = []

    def take(message: bytes) -> None:
        got.append(message)
        if message == b"bad":
            raise LookupError("no more of this")

    async def talk(ws: ServerConnection) -> None:
        for message in messages:
            await ws.send(message)
        await ws.wait_closed()

    async with (
        asyncio.timeout(PATIENCE_S),
        serve(talk, "127.0.0.1", 0) as server,
        connect(url(server), create_connection=Receiver) as ws,
    ):
        assert isinstance(ws, Receiver)
        with pytest.raises(LookupError):
            await ws.read(take)
        await (await ws.ping())
    assert got[-1] == b"bad"
