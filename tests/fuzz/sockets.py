"""The codecs of the sockets, with what must hold after every frame."""

import json
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Final

import brotli

from mdterm.feeds.alltick.feed import AllTick
from mdterm.feeds.alltick.feed import Options as AllTickOptions
from mdterm.feeds.contract import Codec, Link, Want
from mdterm.feeds.jayx.codec import Generations, MarketCodec
from mdterm.feeds.jayx.framing import Dialect
from mdterm.feeds.jayx.private import PrivateCodec
from mdterm.feeds.jayx.units import units_of
from tests.fuzz.soundness import check_event
from tests.kiyotaka import frames
from tests.kiyotaka.support import codec_of

SEEN: Final = 1_769_058_877_000_000_000
_STEP_NS: Final = 7_000_000
_FRESH_EVERY: Final = 5_000
"""Frames after which a codec begins anew, so that no state hides a fault for the rest of a run."""
_WORDS_AT_MOST: Final = 400

KIYOTAKA: Final = [
    *(frames.TRADE, frames.TRADE_AGG, frames.BOOK, frames.GROUPED_BOOK, frames.LIQUIDATION),
    *(frames.FUNDING_RATE, frames.OPEN_INTEREST, frames.VOLUME_PROFILE, frames.REPLY, frames.AUTH_ERROR),
    *(frames.REST_ERROR, frames.NO_POINTS, frames.HOSTILE),
]
ALLTICK: Final = [
    b'{"cmd_id":22998,"data":{"code":"700.HK","seq":1782180168224,"tick_time":1782180164000,"price":"651.12",'
    b'"volume":"300","turnover":"12345.6","trade_direction":1}}',
    b'{"cmd_id":22998,"data":{"code":"GOLD","seq":"24618487","tick_time":"1781166146694","price":"4101.91",'
    b'"volume":"8.00","turnover":"32815.28","trade_direction":1}}',
    b'{"cmd_id":22998,"data":{"code":"BTCUSDT","tick_time":1782180170,"price":104233.51,"volume":0.00192,'
    b'"trade_direction":2}}',
    b'{"cmd_id":22999,"data":{"code":"HK-700","seq":1605509068000001,"tick_time":1605509068,'
    b'"bids":[{"price":"9.12","volume":"9.12"}],"asks":[{"price":"147.12","volume":"147.12"}]}}',
    b'{"cmd_id":22999,"data":{"code":"BTCUSDT","seq":"1836410","tick_time":"1720162800891","bids":'
    b'[{"price":"37.70","volume":"460"},{"price":"37.69","volume":"69"}],"asks":[{"price":"37.71",'
    b'"volume":"32"},{"price":"0.0","volume":"0"}]}}',
    b'{"cmd_id":22999,"data":{"code":"BTCUSDT","bids":"[{\\"price\\":\\"1\\",\\"volume\\":\\"2\\"}]","asks":[["2","3"]]}}',
    b'{"ret":200,"msg":"ok","cmd_id":22005,"seq_id":1,"trace":"mdterm-1","data":{}}',
    b'{"ret":402,"msg":"code unauthorized","cmd_id":22003,"seq_id":2,"trace":"mdterm-2","data":{}}',
    b'{"ret":600,"msg":"code invalid: GOLD","cmd_id":22005,"seq_id":3,"trace":"mdterm-3"}',
    b'{"ret":200,"msg":"ok","cmd_id":22001,"seq_id":4,"trace":"mdterm-4","data":{}}',
]
_EXAMPLES: Final = Path(__file__).parents[1] / "jayx" / "examples"
_BODIES: Final = {path.stem: json.dumps(json.loads(path.read_text())) for path in _EXAMPLES.glob("*.json")}


class Socket:
    """A codec on one endless connection: each frame comes a little later, and what is due is asked for."""

    def __init__(self, addresses: frozenset[str]) -> None:
        self._addresses = addresses
        self._frames = 0
        self._codec = self.fresh()

    def fresh(self) -> Codec:
        """Return a new codec that wants everything, on a socket that has just opened."""
        raise NotImplementedError

    def take(self, frame: bytes) -> None:
        """Let a frame come in. Raise whatever is wrong with what comes of it."""
        self._frames += 1
        if self._frames % _FRESH_EVERY == 0:
            self._codec = self.fresh()
        codec = self._codec
        for event in codec.feed(frame, SEEN + self._frames * _STEP_NS):
            check_event(event, self._addresses)
        if codec.verdicts:
            for verdict in codec.verdicts:
                assert len(verdict.detail) <= _WORDS_AT_MOST
                assert verdict.detail.isprintable()
                assert set(verdict.addresses) <= self._addresses
            codec.verdicts.clear()
        now = self._frames * _STEP_NS / 1e9
        if codec.needs_reset:
            codec.opened(now)
        if self._frames % 16 == 0:
            for message in codec.due(now).messages:
                message.encode()


class KiyotakaSocket(Socket):
    """Frames in the clear and compressed, in either form."""

    def __init__(self, seed: int = 0) -> None:
        self._dice = Random(seed)
        self._shared = brotli.Compressor(quality=1)
        super().__init__(
            frozenset(
                f"kiyotaka:{one}"
                for one in ("BINANCE_FUTURES:BTCUSDT", "BYBIT:BTCUSDT", "BINANCE_FUTURES:coin=BTC")
            )
        )

    def fresh(self) -> Codec:
        """Return a new codec."""
        self._shared = brotli.Compressor(quality=1)
        return codec_of(*self._addresses)

    def take(self, frame: bytes) -> None:
        """Compress some of the frames."""
        roll = self._dice.random()
        if roll < 0.1:
            frame = brotli.compress(frame, quality=1)
        elif roll < 0.15:
            frame = self._shared.process(frame) + self._shared.flush()
        super().take(frame)


class AllTickSocket(Socket):
    """Codes of a stock, a metal and a coin on one socket."""

    def __init__(self) -> None:
        super().__init__(frozenset({"alltick:700.HK", "alltick:GOLD", "alltick:BTCUSDT"}))

    def fresh(self) -> Codec:
        """Return a new codec that has asked for everything."""
        provider = AllTick("alltick", AllTickOptions(token="secret", plan="basic"))
        codec = provider.codec(Link("alltick/generic", "alltick", "wss://host/any", ()))
        codec.want([Want(0, one, stream) for one in sorted(self._addresses) for stream in ("trade", "book")])
        codec.opened(0.0)
        return codec


class JayXSocket(Socket):
    """The market's or the account's socket, under one framing."""

    def __init__(self, dialect: Dialect, *, private: bool) -> None:
        self._dialect = dialect
        self._private = private
        super().__init__(frozenset({"jayx", "jayx:BTCUSDT"}))

    def fresh(self) -> Codec:
        """Return a new codec that wants everything."""
        units = units_of(Decimal("0.01"), Decimal("0.000001"))
        codec: Codec
        if self._private:
            codec = PrivateCodec(
                name="jayx",
                api_key="k-4711",
                dialect=self._dialect,
                namespace="/",
                units=lambda symbol: units,
                symbol_of=lambda address: address.partition(":")[2],
            )
            codec.want([Want(0, "jayx:BTCUSDT", "balance"), Want(0, "jayx:BTCUSDT", "order")])
        else:
            codec = MarketCodec(
                address="jayx:BTCUSDT",
                symbol="BTCUSDT",
                interval="1m",
                precise="1",
                dialect=self._dialect,
                namespace="/",
                units=units,
                generations=Generations(),
            )
            codec.want([Want(0, "jayx:BTCUSDT", stream) for stream in ("book", "trade", "candle")])
        codec.opened(0.0)
        return codec


def jayx_corpus(form: str) -> list[bytes]:
    """Return the documented messages as one framing wraps them."""
    found: list[str] = []
    for event, body in _BODIES.items():
        if form == "socketio":
            found.append(f'42["{event}",{body}]')
        elif form == "envelope":
            found += [f'{{"event":"{event}","data":{body}}}', f'{{"event":"{event}","message":{body}}}']
        else:
            found.append(body)
    if form == "socketio":
        found += [
            '0{"sid":"a","pingInterval":25000,"pingTimeout":20000}',
            '40{"sid":"a"}',
            "2",
            "3",
            "41",
            "1",
        ]
        found += ['44{"message":"no"}', '42/ns,["orderbook",{}]', '4217["orderbook",{}]']
    found += [
        '{"error":"rate limit"}',
        '{"status":"error","message":"bad key"}',
        '{"code":401,"success":false}',
    ]
    return [one.encode() for one in found]
