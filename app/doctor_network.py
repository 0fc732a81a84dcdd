"""Whether the providers can be reached and in what time, whether keys are taken, how far clocks differ."""

import asyncio
import email.utils
import os
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from mdterm.app.doctor_terminal import Finding
from mdterm.app.settings import AlltickSettings, JayxSettings, ProviderSettings, Settings
from mdterm.feeds.contract import HistoryError, Provider
from mdterm.feeds.events import Event, Stream
from mdterm.feeds.runtime import Feed
from mdterm.feeds.text import clean

STEP_S: Final = 5.0
SKEW_S: Final = 2.0
"""A clock that is further off than this makes delays meaningless; a Date header tells whole seconds."""
PROBES: Final = {"kiyotaka": "BINANCE_FUTURES:BTCUSDT", "alltick": "BTCUSDT", "jayx": "BTCUSDT"}
"""What is listened to where the watchlist names nothing of a provider."""


def endpoints(provider: ProviderSettings) -> dict[str, str]:
    """Return the addresses of a provider by their keys, as they are set or as they are by default."""
    found: dict[str, str] = {}
    for field in msgspec.structs.fields(type(provider)):
        if field.name == "url" or field.name.endswith("_url"):
            value = getattr(provider, field.name) or _example(field.type)
            if isinstance(value, str) and "…" not in value:  # some have no address by default
                found[field.name] = value
    return found


def _example(kind: Any) -> str | None:
    """Return the default address that the settings name as their example."""
    for note in getattr(kind, "__metadata__", ()):
        if isinstance(note, msgspec.Meta) and note.examples:
            return str(note.examples[0])
    return None


async def reach(url: str) -> Finding:
    """Return how long name, connection and encryption take, and what fails."""
    parts = urlsplit(url)
    secure = parts.scheme in ("wss", "https")
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    told = f"{parts.scheme}://{parts.netloc}"
    try:
        times, skew = await asyncio.wait_for(_reach(host, port, parts, secure=secure), 2 * STEP_S)
    except TimeoutError:
        return Finding("✗", f"{told}: no answer within {2 * STEP_S:.0f} s", _FIREWALL, 4)
    except socket.gaierror as error:
        return Finding("✗", f"{told}: the name is not known ({error.strerror})", _NAME, 4)
    except ssl.SSLError as error:
        words = getattr(error, "verify_message", "") or error.reason or str(error)
        return Finding("✗", f"{told}: encryption failed ({clean(str(words))})", _TLS, 4)
    except OSError as error:
        words = os.strerror(error.errno) if error.errno else str(error)
        return Finding("✗", f"{told}: {clean(words)}", _FIREWALL, 4)
    steps = ", ".join(f"{name} {ms:.0f} ms" for name, ms in times.items())
    if skew is not None and abs(skew) > SKEW_S:
        way = "ahead of" if skew > 0 else "behind"
        words = f"{told}: {steps}; this clock is {abs(skew):.0f} s {way} the server's"
        return Finding(
            "!", words, "set this machine's clock (timedatectl set-ntp true): ages and delays depend on it"
        )
    clock = "" if skew is None else "; clocks agree within 2 s"
    return Finding("ok", f"{told}: {steps}{clock}")


_FIREWALL: Final = "see whether a firewall or a proxy stands between, and whether the address is right"
_NAME: Final = "check the host's name and this machine's DNS"
_TLS: Final = "check this machine's certificates and clock, and what stands between"


async def _reach(
    host: str, port: int, parts: SplitResult, *, secure: bool
) -> tuple[dict[str, float], float | None]:
    """Return milliseconds by step, and by how many seconds this clock is ahead (None: not told)."""
    loop = asyncio.get_running_loop()
    at = time.perf_counter()
    times: dict[str, float] = {}

    def step(name: str) -> None:
        nonlocal at
        now = time.perf_counter()
        times[name], at = (now - at) * 1000, now

    infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    step("name")
    family, kind, protocol, _, address = infos[0]
    sock = socket.socket(family, kind, protocol)
    sock.setblocking(False)
    try:
        await loop.sock_connect(sock, address)
        step("connect")
        context = ssl.create_default_context() if secure else None
        reader, writer = await asyncio.open_connection(
            sock=sock, ssl=context, server_hostname=host if secure else None
        )
    except BaseException:
        sock.close()
        raise
    try:
        if secure:
            step("TLS")
        # Any answer to a plain request tells the server's time, a refusal too.
        writer.write(
            f"HEAD {parts.path or '/'} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        skew = None
        try:
            async with asyncio.timeout(STEP_S):
                head = await reader.readuntil(b"\r\n\r\n")
            step("answer")
            skew = skew_of(head.decode("latin-1"), time.time())
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass  # it is reached; that it says nothing to this request is its right
        return times, skew
    finally:
        writer.close()


def skew_of(head: str, now: float) -> float | None:
    """Return by how many seconds ``now`` is ahead of a response's Date header; None without one."""
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        if name.strip().lower() == "date":
            try:
                told = email.utils.parsedate_to_datetime(value.strip()).timestamp()
            except ValueError:
                return None
            return now - (told + 0.5)  # the header cuts the second short
    return None


async def ask(settings: ProviderSettings, provider: Provider, address: str, within_s: float) -> list[Finding]:
    """Return what the plan allows, and whether data comes."""
    return [await limits(settings, provider), await listen(provider, address, within_s)]


async def limits(settings: ProviderSettings, provider: Provider) -> Finding:
    """Return what may be asked of a provider: as the provider tells of this key, else as its documents do."""
    if isinstance(settings, AlltickSettings):
        from mdterm.feeds.alltick.facts import PLANS

        plan = PLANS[settings.plan]
        words = (
            f"plan {plan.name}: {plan.codes:,} codes of each kind, connections: {plan.connections}, "
            f"{plan.per_day:,} HTTP requests a day, bars every {plan.bars_every_s:g} s"
        )
        todo = "AllTick does not tell a token's plan: set plan to the one you pay for"
        return Finding("ok", f"{provider.name}: {words.replace(',', ' ')}", "" if _is_set(settings) else todo)
    if isinstance(settings, JayxSettings):
        from mdterm.feeds.jayx.facts import MAX_MARKET_SOCKETS

        words = f"no plans; at most {MAX_MARKET_SOCKETS} symbols at a time, a connection each"
        return Finding("ok", f"{provider.name}: {words}")
    from mdterm.feeds.kiyotaka.http import KiyotakaHistory

    if not isinstance(provider.history, KiyotakaHistory):
        return Finding("ok", f"{provider.name}: its limits are not known")
    try:
        usage = await provider.history.usage()
    except HistoryError as error:
        return Finding("!", f"{provider.name}: it does not tell what the plan allows ({clean(str(error))})")
    told = ", ".join(f"{name} {value}" for name, value in usage.items())
    return Finding("ok", f"{provider.name}: what the plan allows on REST: {told or 'nothing is told'}")


def _is_set(settings: AlltickSettings) -> bool:
    """Return whether the plan is another than the one that is taken where none is named."""
    return settings.plan != AlltickSettings().plan


async def listen(provider: Provider, address: str, within_s: float) -> Finding:
    """Return whether data comes: with it the key, the plan and the symbol are accepted."""
    feed = Feed({provider.name: provider})
    came: dict[str, float] = {}
    begun = time.monotonic()
    news = asyncio.Event()

    def take(events: list[Event]) -> None:
        for event in events:
            kind = type(event).__name__.lower()
            if kind != "feedstatus":
                came.setdefault(kind, time.monotonic() - begun)
        news.set()

    wanted: list[tuple[str, Stream]] = [
        (address, stream) for stream in ("trade", "book") if stream in provider.capabilities.served
    ]
    try:
        feed.listen(wanted, take)  # type: ignore[arg-type]  # a list is what comes
        while len(came) < len(wanted) and time.monotonic() - begun < within_s:
            if feed.state(address)[0] == "refused":
                break
            news.clear()
            try:
                async with asyncio.timeout(0.25):
                    await news.wait()
            except TimeoutError:
                continue
        state, detail = feed.state(address)
    finally:
        await feed.close()
    told = clean(address)
    if came:
        times = ", ".join(f"{kind} after {seconds:.1f} s" for kind, seconds in came.items())
        return Finding("ok", f"{told}: the key is accepted; {times}")
    words = f"{told}: {state}{f', {clean(detail)}' if detail else ''}"
    if state == "refused":
        return Finding("✗", words, f"check the key, the plan and the symbol of {provider.name}", 3)
    return Finding(
        "✗", f"{words}; nothing came within {within_s:.0f} s", "the market may be closed; else see above", 4
    )


def proxies(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Return what the environment says of proxies."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        if environ.get(name):
            host = urlsplit(environ[name]).hostname or "?"
            yield Finding(
                "!", f"{name} names a proxy at {clean(host)}; the times below are of direct connections"
            )
            return


def probe_of(settings: Settings, name: str) -> str | None:
    """Return the address to listen to: the first of the watchlist, else one that everybody has."""
    for address in settings.watchlist:
        if address.startswith(f"{name}:"):
            return address
    symbol = PROBES.get(settings.providers[name].kind)
    return None if symbol is None else f"{name}:{symbol}"
