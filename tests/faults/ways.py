"""Ways from a provider's client to the venue that can be broken and mended: plain, through TLS, by a name, by
two families of addresses, through an HTTP proxy."""

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest

from tests.faults.proxy import Proxy

NAME = "venue.test"
Kind = Literal["plain", "tls", "name", "families", "tunnel"]
PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class Unavailable(Exception):
    """This machine has not what the way takes."""


async def _nothing() -> None:
    pass


class Way(NamedTuple):
    """A relay, the URL that leads there, and how what lies before the relay is broken and mended."""

    proxy: Proxy
    base: str
    spoil: Callable[[], Awaitable[None]] = _nothing
    mend: Callable[[], Awaitable[None]] = _nothing


@asynccontextmanager
async def way(
    kind: Kind, upstream: tuple[str, int], patch: pytest.MonkeyPatch, folder: Path
) -> AsyncIterator[Way]:
    """Open a way to a venue. Raise Unavailable."""
    for variable in PROXY_VARIABLES:
        for name in (variable, variable.upper()):
            patch.delenv(name, raising=False)
    async with _OPENERS[kind](upstream, patch, folder) as found:
        yield found


@asynccontextmanager
async def _plain(upstream: tuple[str, int], patch: pytest.MonkeyPatch, folder: Path) -> AsyncIterator[Way]:
    async with Proxy(*upstream) as proxy:
        yield Way(proxy, f"ws://127.0.0.1:{proxy.port}")


@asynccontextmanager
async def _tls(upstream: tuple[str, int], patch: pytest.MonkeyPatch, folder: Path) -> AsyncIterator[Way]:
    """Begin with a certificate that is vouched for; it is exchanged for one that nobody vouches for."""
    good, trusted = certificate(folder, "good")
    bad, _ = certificate(folder, "bad")
    patch.setenv("SSL_CERT_FILE", str(trusted))

    async def serve(context: ssl.SSLContext) -> None:
        await proxy.refuse()
        proxy.tls = context
        await proxy.open()

    async def spoil() -> None:
        await serve(bad)
        await proxy.reset()

    async with Proxy(*upstream, tls=good) as proxy:
        yield Way(proxy, f"wss://127.0.0.1:{proxy.port}", spoil, lambda: serve(good))


@asynccontextmanager
async def _named(upstream: tuple[str, int], patch: pytest.MonkeyPatch, folder: Path) -> AsyncIterator[Way]:
    """Begin with a name that is known, and then is not."""
    known = ["127.0.0.1"]
    resolve(patch, known)

    async def spoil() -> None:
        known.clear()
        await proxy.reset()

    async def mend() -> None:
        known.append("127.0.0.1")

    async with Proxy(*upstream) as proxy:
        yield Way(proxy, f"ws://{NAME}:{proxy.port}", spoil, mend)


@asynccontextmanager
async def _families(upstream: tuple[str, int], patch: pytest.MonkeyPatch, folder: Path) -> AsyncIterator[Way]:
    """Begin with IPv6, and find only IPv4 afterwards: the name has an address of both all the time."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        raise Unavailable("no IPv6 here") from error
    resolve(patch, ["::1", "127.0.0.1"])

    async def spoil() -> None:
        await proxy.refuse()
        proxy.listen = "127.0.0.1"
        await proxy.open()
        await proxy.reset()

    async with Proxy(*upstream, listen="::1") as proxy:
        yield Way(proxy, f"ws://{NAME}:{proxy.port}", spoil)


@asynccontextmanager
async def _tunnelled(
    upstream: tuple[str, int], patch: pytest.MonkeyPatch, folder: Path
) -> AsyncIterator[Way]:
    """Begin with an HTTP proxy from the environment that lets through, and then refuses."""
    async with Proxy(*upstream) as proxy:
        tunnel = Tunnel(("127.0.0.1", proxy.port))
        async with tunnel.open(patch):

            async def spoil() -> None:
                tunnel.refuses = True
                await proxy.reset()

            async def mend() -> None:
                tunnel.refuses = False

            yield Way(proxy, f"ws://{NAME}:80", spoil, mend)


_OPENERS: dict[Kind, Any] = {
    "plain": _plain,
    "tls": _tls,
    "name": _named,
    "families": _families,
    "tunnel": _tunnelled,
}


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate for loopback that vouches for itself; return what serves with it, and its file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        raise Unavailable("no openssl to make a certificate with")
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    made = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {key} -out {cert}"
    whom = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    subprocess.run([openssl, *made.split(), *whom], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, cert


def resolve(patch: pytest.MonkeyPatch, addresses: list[str]) -> None:
    """Have the venue's name lead to these addresses, as they are when it is asked for."""
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host != NAME:
            return real(host, port, *rest, **more)
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [found for one in addresses for found in real(one, port, *rest, **more)]

    patch.setattr(socket, "getaddrinfo", look_up)


class Tunnel:
    """An HTTP proxy that knows CONNECT, and one host behind it."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self.asked: list[str] = []
        self.refuses = False
        self._upstream = upstream

    @asynccontextmanager
    async def open(self, patch: pytest.MonkeyPatch) -> AsyncIterator[None]:
        """Listen, and be what the environment names."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            patch.setenv(variable, f"http://127.0.0.1:{port}")
        try:
            yield
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode().splitlines()[0])
            if self.refuses:
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
                return
            there, back = await asyncio.open_connection(*self._upstream)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.wait(
                [asyncio.create_task(_pump(reader, back)), asyncio.create_task(_pump(there, writer))]
            )
        finally:
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()
