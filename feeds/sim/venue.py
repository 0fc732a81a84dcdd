"""The simulated venue: one market, served on loopback by real servers that speak the providers' protocols.

venue = VenueThread(VenueConfig(port=0))
urls = venue.start()        # {"providers.kiyotaka.book_url": "ws://127.0.0.1:40001/ws", …}
venue.stop()
"""

import asyncio
import contextlib
import http
import logging
import threading
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from mdterm.feeds.sim.alltick import AlltickVenue
from mdterm.feeds.sim.alltick_session import Rules as AlltickRules
from mdterm.feeds.sim.faults import Fault, Mischief
from mdterm.feeds.sim.history import History
from mdterm.feeds.sim.jayx import JayxServer
from mdterm.feeds.sim.jayx_desk import Desk
from mdterm.feeds.sim.jayx_wire import FRAMINGS as JAYX_FRAMINGS
from mdterm.feeds.sim.kiyotaka import BROTLI_FORMS, PATHS, KiyotakaServer, is_key_good
from mdterm.feeds.sim.kiyotaka_rest import KEY_HEADER, KiyotakaRest
from mdterm.feeds.sim.market import MarketSource
from mdterm.feeds.sim.pace import Clock, Floor, SystemClock
from mdterm.feeds.sim.play import PlayError, PlaySource
from mdterm.feeds.sim.synthetic import EPOCH_NS, SyntheticSource

log = logging.getLogger(__name__)

PROVIDERS = ("kiyotaka", "jayx", "alltick")
_CUT_EVERY_S = 0.05
_GOODBYE_S = 0.3
_REFUSED = b'{"error":"REFUSED","message":"The simulated venue was told to refuse."}'


class VenueError(Exception):
    """The venue cannot be opened; the text says why."""


class VenueConfig(msgspec.Struct, frozen=True):
    """What to simulate: `rate` is how busy a synthetic market is, `speed` how fast a recording plays."""

    providers: tuple[str, ...] = ("kiyotaka",)
    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 1
    rate: float = 1.0
    play: Path | None = None
    speed: float = 1.0
    keep_time: bool = False
    faults: tuple[Fault, ...] = ()
    brotli_form: str = "each"
    message_budget: int = 60
    unknown_symbols: str = "error"
    liquidation_side: str = "position"
    weight_per_minute: int = 1000
    history_days: int = 7
    jayx_framing: str = "any"
    alltick: AlltickRules = AlltickRules()


class Venue:
    """The servers and the market on the running loop."""

    def __init__(self, config: VenueConfig, clock: Clock | None = None) -> None:
        _check(config)
        self._config = config
        self._clock = clock if clock is not None else SystemClock()
        self._source = _source(config)
        self._desk: Desk | None = None
        self.jayx: JayxServer | None = None
        self.alltick: AlltickVenue | None = None
        if "jayx" in config.providers:
            # Its account trades in the market, so every protocol has to see the market through it.
            self._source = self._desk = Desk(self._source, config.seed)
        self._server: Server | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.endpoints: dict[str, str] = {}

    def symbols(self) -> list[str]:
        """Return what can be subscribed, in the market's own order."""
        return [instrument.symbol for instrument in self._source.instruments]

    async def start(self) -> dict[str, str]:
        """Listen; return the endpoints by configuration key, or raise VenueError where that is impossible."""
        config = self._config
        synthetic_epoch = EPOCH_NS if config.keep_time and config.play is None else None
        self.floor = Floor(
            self._source,
            self._clock,
            speed=config.speed if config.play is not None else 1.0,
            start_ns=synthetic_epoch,
        )
        began = self._clock.monotonic()
        self._mischief = Mischief(config.faults, config.seed, lambda: self._clock.monotonic() - began)
        # The memory hears of everything first: what a protocol server tells then agrees with it.
        history = History(self.floor)
        self._kiyotaka = KiyotakaServer(
            self.floor,
            history,
            self._mischief,
            brotli_form=config.brotli_form,
            message_budget=config.message_budget,
            unknown_symbols=config.unknown_symbols,
            liquidation_side=config.liquidation_side,
        )
        self._rest = KiyotakaRest(
            self.floor,
            history,
            is_key_good=lambda key: is_key_good(key) and not self._mischief.refuses_keys(),
            weight_per_minute=config.weight_per_minute,
            history_days=config.history_days,
            longs_are_buys=config.liquidation_side == "position",
        )
        try:
            self._server = await serve(
                self._kiyotaka.serve,
                config.host,
                config.port,
                process_request=self._process_request,
                compression=None,
                server_header=None,
                write_limit=1024 * 1024,
                logger=_quiet_logger(),
            )
            if self._desk is not None:
                self.jayx = JayxServer(self.floor, self._desk, self._mischief, framing=config.jayx_framing)
                port = config.port + 1 if config.port else 0
                self.endpoints |= await self.jayx.listen(config.host, port, _quiet_logger())
            if "alltick" in config.providers:
                self.alltick = AlltickVenue(
                    self._clock,
                    config.alltick,
                    seed=config.seed,
                    rate=config.rate,
                    start_ns=synthetic_epoch,
                    faults=config.faults,
                    shared=None if config.play is None else (self.floor, history),
                )
                port = config.port + 2 if config.port else 0
                self.endpoints |= await self.alltick.start(config.host, port)
        except OSError as error:
            await self.stop()
            why = error.strerror or str(error)
            raise VenueError(f"cannot listen on {config.host}:{config.port}: {why}") from None
        host, port = self._server.sockets[0].getsockname()[:2]
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.endpoints |= {
            "providers.kiyotaka.book_url": f"ws://{where}/ws",
            "providers.kiyotaka.nonbook_url": f"ws://{where}/nonbook/ws",
            "providers.kiyotaka.rest_url": f"http://{where}",
        }
        self._tasks = [asyncio.create_task(self._run_floor())]
        if config.faults:
            self._tasks.append(asyncio.create_task(self._run_cuts()))
        return self.endpoints

    async def stop(self) -> None:
        """Close every socket and end; a client that does not answer the goodbye is cut off."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self.jayx is not None:
            await self.jayx.close(_GOODBYE_S)
        if self.alltick is not None:
            await self.alltick.stop()
        if self._server is None:
            return
        self._server.close()
        try:
            await asyncio.wait_for(self._server.wait_closed(), _GOODBYE_S)
        except TimeoutError:
            for connection in tuple(self._server.all_connections):
                connection.transport.abort()
            await self._server.wait_closed()

    async def wait_closed(self) -> None:
        """Wait until the venue has been stopped."""
        if self._server is not None:
            await self._server.wait_closed()

    async def _run_floor(self) -> None:
        try:
            await self.floor.run()
        except PlayError as error:
            # The file was whole when it was opened: it has changed since. The venue stays, silent.
            log.error("the recording ended early: %s", error)

    async def _run_cuts(self) -> None:
        while True:
            await self._clock.sleep(_CUT_EVERY_S)
            for scope in self._mischief.cuts():
                self._kiyotaka.cut(scope)
                if self.jayx is not None:
                    self.jayx.cut(scope)

    async def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        family = PATHS.get(urlsplit(request.path).path)
        refusal = self._mischief.refusal(family if family is not None else "rest")
        if refusal is not None:
            return _respond(refusal, _REFUSED)
        if family is not None:
            return None
        status, body, headers = self._rest.answer(request.path, request.headers.get(KEY_HEADER))
        while self._mischief.is_silent("rest"):
            await self._clock.sleep(_CUT_EVERY_S)
        await self._clock.sleep(self._mischief.delay_s("rest"))
        return _respond(status, self._mischief.garbage("rest", body) or body, headers)


class VenueThread:
    """A venue on a loop and a thread of its own."""

    def __init__(self, config: VenueConfig) -> None:
        self._venue = Venue(config)
        self._listening = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def symbols(self) -> list[str]:
        """Return what can be subscribed."""
        return self._venue.symbols()

    def start(self) -> dict[str, str]:
        """Block until the venue listens and return its endpoints; raise VenueError where it cannot."""
        self._thread = threading.Thread(target=self._run, name="mdterm-venue", daemon=True)
        self._thread.start()
        self._listening.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self._venue.endpoints

    def stop(self) -> None:
        """Close the venue and wait for its thread; a second call does nothing."""
        if self._thread is None or self._loop is None or self._stop is None:
            return
        with contextlib.suppress(RuntimeError):  # the loop has already ended
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._thread = None

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            await self._venue.start()
        except Exception as error:
            self._failure = error
            return
        finally:
            self._listening.set()
        await self._stop.wait()
        await self._venue.stop()


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _quiet_logger() -> logging.Logger:
    """Return a logger for the server that keeps clients' broken handshakes to itself."""
    logger = logging.getLogger(f"{__name__}.sockets")
    logger.setLevel(logging.CRITICAL)
    return logger


def _check(config: VenueConfig) -> None:
    for name in config.providers:
        if name not in PROVIDERS:
            raise VenueError(f"the venue does not speak {name!r}; it speaks {', '.join(PROVIDERS)}")
    choices = (
        ("brotli_form", config.brotli_form, BROTLI_FORMS),
        ("unknown_symbols", config.unknown_symbols, ("error", "silent")),
        ("liquidation_side", config.liquidation_side, ("position", "order")),
        ("jayx_framing", config.jayx_framing, JAYX_FRAMINGS),
    )
    for option, chosen, known in choices:
        if chosen not in known:
            raise VenueError(f"{option} is one of {', '.join(known)}, not {chosen!r}")
    if not 0 <= config.port <= 65535:
        raise VenueError(f"there is no port {config.port}")
    for name, value in (("rate", config.rate), ("speed", config.speed)):
        if not 0 < value < float("inf"):
            raise VenueError(f"{name} must be above 0, not {value}")


def _source(config: VenueConfig) -> MarketSource:
    if config.play is None:
        return SyntheticSource(config.seed, config.rate)
    try:
        return PlaySource(config.play, config.keep_time)
    except PlayError as error:
        raise VenueError(str(error)) from None


def _respond(status: int, content: bytes, headers: dict[str, str] | None = None) -> Response:
    given = Headers(
        {
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            "Connection": "close",
            **(headers or {}),
        }
    )
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = "Refused"
    return Response(status, phrase, given, content)
