"""Ways to a server that are none, or lead around corners: certificates, names, IPv6, proxies; and storms."""

import asyncio
import itertools
import random
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosedError

from mdterm.feeds import connection as module
from mdterm.feeds.alltick.feed import AllTick
from mdterm.feeds.alltick.feed import Options as AllTickOptions
from mdterm.feeds.connection import Connection
from mdterm.feeds.contract import Provider, Want
from mdterm.feeds.jayx.feed import JayX
from mdterm.feeds.jayx.feed import Options as JayXOptions
from mdterm.feeds.kiyotaka.feed import Kiyotaka
from mdterm.feeds.kiyotaka.feed import Options as KiyotakaOptions
from mdterm.feeds.sim.venue import Venue, VenueConfig
from tests.faults import ways
from tests.faults.houses import ADDRESSES, PROVIDERS, Watch, base_of, hurry, provider_at
from tests.faults.proxy import Proxy
from tests.faults.ways import NAME, Tunnel, Unavailable, resolve
from tests.feeds.support import in_virtual_time, virtual_clock

PATIENCE_S = 20.0


@asynccontextmanager
async def venue_of(name: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[str, int]]:
    """Run the venue of a provider; give host and port."""
    hurry(monkeypatch)
    venue = Venue(VenueConfig(providers=(name,), rate=8.0))
    where = urlsplit(base_of(name, await venue.start()))
    assert where.hostname is not None
    assert where.port is not None
    try:
        yield where.hostname, where.port
    finally:
        await venue.stop()


@asynccontextmanager
async def watching(name: str, base: str, **options: Any) -> AsyncIterator[Watch]:
    """Watch a provider's instrument at a base URL."""
    watch = Watch(name, provider_at(name, base, **options))
    try:
        yield watch
    finally:
        await watch.feed.close()


async def until(condition: Any) -> None:
    """Return when it is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


async def flows(watch: Watch) -> None:
    """Return when data comes and is told as such."""
    await until(lambda: len(watch.trades) > 2 and watch.word == "LIVE")


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    """A certificate that nobody vouches for."""
    try:
        return ways.certificate(tmp_path, "unknown")[0]
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_certificate_that_nobody_vouches_for_is_not_believed(
    name: str, certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        venue_of(name, monkeypatch) as (host, port),
        Proxy(host, port, tls=certificate) as proxy,
        watching(name, f"wss://127.0.0.1:{proxy.port}") as watch,
    ):
        await until(lambda: "certificate" in watch.detail)
        await until(lambda: watch.word == "RECONNECTING")  # it may be mended; the pace is that of any loss
        assert watch.trades == []
        assert proxy.taps == [], "nothing was sent, the key least of all"


async def test_a_certificate_is_believed_where_that_is_configured(
    certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        venue_of("jayx", monkeypatch) as (host, port),
        Proxy(host, port, tls=certificate) as proxy,
        watching("jayx", f"wss://127.0.0.1:{proxy.port}", tls_verify=False) as watch,
    ):
        await flows(watch)


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_name_that_cannot_be_resolved_is_told_and_tried_until_it_can(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses: list[str] = []
    resolve(monkeypatch, addresses)
    for variable in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    async with (
        venue_of(name, monkeypatch) as (host, port),
        Proxy(host, port) as proxy,
        watching(name, f"ws://{NAME}:{proxy.port}") as watch,
    ):
        await until(lambda: "cannot be resolved" in watch.detail and watch.word == "RECONNECTING")
        addresses.append("127.0.0.1")
        await flows(watch)


@pytest.mark.parametrize("name", PROVIDERS)
async def test_ipv6_leads_there_as_well(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    async with (
        venue_of(name, monkeypatch) as (host, port),
        Proxy(host, port, listen="::1") as proxy,
        watching(name, f"ws://[::1]:{proxy.port}") as watch,
    ):
        await flows(watch)


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_proxy_of_the_environment_is_used_and_its_refusal_told(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with venue_of(name, monkeypatch) as upstream:
        for variable in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(variable, raising=False)
        tunnel = Tunnel(upstream)
        tunnel.refuses = True
        async with tunnel.open(monkeypatch), watching(name, f"ws://{NAME}:80") as watch:
            await until(lambda: watch.detail == "the HTTP proxy refused the connection")
            tunnel.refuses = False
            await flows(watch)
            assert set(tunnel.asked) == {f"CONNECT {NAME}:80 HTTP/1.1"}


# --- storms -------------------------------------------------------------------------------------------


class Slammed:
    """A server that lets everybody in and shuts the door at once; notes when somebody came."""

    at: list[float]
    latency, close_code, close_reason = 0.0, 1006, ""

    def __init__(self, *where: object, **options: object) -> None:
        self.at.append(asyncio.get_running_loop().time())

    async def __aenter__(self) -> "Slammed":
        return self

    async def __aexit__(self, *error: object) -> None:
        """Leave."""

    async def recv(self, decode: bool) -> bytes:
        """Hang up."""
        raise ConnectionClosedError(None, None)

    async def send(self, message: str) -> None:
        """Take it."""

    async def close(self, code: int) -> None:
        """Be closed."""


def as_it_is(name: str) -> Provider:
    """Return a provider with the limits that it has in truth."""
    if name == "kiyotaka":
        return Kiyotaka(name, KiyotakaOptions(token="key", block_size=1.0))
    if name == "alltick":
        return AllTick(name, AllTickOptions(token="key"))
    return JayX(name, JayXOptions(framing="flat"))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", PROVIDERS)
def test_a_server_that_hangs_up_at_once_is_not_stormed(
    name: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    Slammed.at = []
    monkeypatch.setattr(module, "connect", Slammed)
    random.seed(seed)

    @in_virtual_time
    async def run() -> None:
        provider, clock = as_it_is(name), virtual_clock()
        (link,) = provider.plan([Want(0, ADDRESSES[name], "trade")])
        one = Connection(link, provider, deliver=lambda *_: None, changed=lambda _: None, clock=clock)
        one.start()
        await asyncio.sleep(240.0)
        await one.close()

    run()
    at = Slammed.at
    assert len(at) >= 6, "it is tried again and again"
    # Full jitter may bring two attempts close together, but never many.
    for begin in at:
        assert sum(begin <= moment < begin + 30.0 for moment in at) <= 14
    late = [moment for moment in at if moment > at[0] + 60.0]
    assert len(late) <= 24, "on average half of the longest pause lies between two attempts"
    if name == "alltick":
        assert min(after - before for before, after in itertools.pairwise(at)) >= 3.0
