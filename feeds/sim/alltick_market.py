"""The market behind the simulated AllTick: which codes there are, what they trade like, and what is odd.

Synthetic, it is the crowds of the common market under AllTick's codes; ticks that are no power of ten are
made by telling a crowd's prices in ticks and multiplying. Played, it is the recording: a symbol is its own
code, and plain letters are a stock of the United States too (IBM is IBM and IBM.US).
"""

from collections.abc import Iterable
from heapq import merge

from msgspec import Struct
from msgspec.structs import replace

from mdterm.feeds.alltick.codes import family_of, kind_of
from mdterm.feeds.alltick.facts import Family
from mdterm.feeds.sim.crowd import Listing
from mdterm.feeds.sim.market import (
    Instrument,
    MarketSource,
    PastBar,
    VenueBook,
    VenueEvent,
    VenueTrade,
    instrument_of,
)
from mdterm.feeds.sim.synthetic import LISTINGS, SyntheticSource

QUIET_RATE = 0.4
"""How busy stocks, forex and metals are beside crypto."""


class Oddity(Struct, frozen=True):
    """What makes a code differ from its crowd: a tick, a lot, a limit that its price has reached, sleep."""

    tick: float = 1.0
    digits: int = 0
    lot: int = 1
    limit_up: float | None = None
    asleep: bool = False


def _crowd(code: str, price: float, digits: int, *, takers: float, touch: float, size: float) -> Listing:
    return Listing(
        instrument=Instrument(code, code, "", float(f"1e-{digits}")),
        price_decimals=digits,
        lot_decimals=0,
        price=price,
        orders_per_s=takers,
        touch=touch,
        print=size,
        jump_bps=0.4,
        informed=0.1,
        open_interest=0.0,
    )


_CRYPTO = tuple(one for one in LISTINGS if one.instrument.symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"))
_OTHERS = (
    _crowd("700.HK", 1900, 0, takers=6, touch=60, size=4),
    _crowd("9988.HK", 1124, 0, takers=5, touch=80, size=5),
    _crowd("857.HK", 655, 0, takers=3, touch=300, size=10),
    _crowd("AAPL.US", 228.15, 2, takers=8, touch=600, size=80),
    _crowd("TSLA.US", 323.65, 2, takers=9, touch=300, size=60),
    _crowd("600519.SH", 1452.33, 2, takers=4, touch=6, size=2),
    _crowd("000651.SZ", 37.70, 2, takers=4, touch=300, size=20),
    _crowd("002574.SZ", 6.40, 2, takers=2, touch=5000, size=30),
    _crowd("HSI.HK", 24310.55, 2, takers=2, touch=1, size=1),
    _crowd(".DJI.US", 42810.11, 2, takers=2, touch=1, size=1),
    _crowd("000001.SH", 3372.18, 2, takers=1, touch=1, size=1),
    _crowd("399001.SZ", 10644.2, 2, takers=1, touch=1, size=1),
    _crowd("GOLD", 2675.25, 2, takers=8, touch=40, size=3),
    _crowd("Silver", 31.215, 3, takers=3, touch=100, size=8),
    _crowd("EURUSD", 1.08234, 5, takers=8, touch=1000, size=100),
    _crowd("USDJPY", 151.238, 3, takers=5, touch=1000, size=100),
    _crowd("USOIL", 71.02, 2, takers=3, touch=50, size=4),
    _crowd("US500", 5871.3, 1, takers=4, touch=30, size=3),
)
ODDITIES: dict[str, Oddity] = {
    "700.HK": Oddity(tick=0.2, digits=1, lot=100),
    "9988.HK": Oddity(tick=0.1, digits=1, lot=100),
    "857.HK": Oddity(tick=0.01, digits=2, lot=2000, asleep=True),
    "002574.SZ": Oddity(limit_up=6.51, digits=2),
}
DEFAULT_CODES = ("700.HK", "GOLD", "BTCUSDT", "EURUSD", "AAPL.US", "600519.SH")
"""What a client is offered first."""


class AlltickSource:
    """Several crowds as one source, each in its own pace and with its oddities."""

    has_past = True

    def __init__(self, seed: int, rate: float, oddities: dict[str, Oddity] | None = None) -> None:
        self._oddities = ODDITIES if oddities is None else oddities
        self._parts = (
            SyntheticSource(seed, rate, _CRYPTO),
            SyntheticSource(seed, rate * QUIET_RATE, _OTHERS),
        )
        self._part_of = {one.symbol: part for part in self._parts for one in part.instruments}

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(self._listed(one) for part in self._parts for one in part.instruments)

    def begin(self, now_ns: int) -> int:
        return min(part.begin(now_ns) for part in self._parts)

    def next_ts(self) -> int | None:
        return min((ts for part in self._parts if (ts := part.next_ts()) is not None), default=None)

    def take(self, until: int) -> list[VenueEvent]:
        events = merge(*(part.take(until) for part in self._parts), key=lambda event: event.ts)
        return [event for one in events if (event := self._odd(one)) is not None]

    def past(self, symbol: str, minutes: int) -> list[PastBar]:
        bars = self._part_of[symbol].past(symbol, minutes)
        odd = self._oddities.get(symbol)
        return bars if odd is None else [_odd_bar(bar, odd) for bar in bars]

    def _listed(self, instrument: Instrument) -> Instrument:
        odd = self._oddities.get(instrument.symbol)
        return instrument if odd is None or odd.limit_up else replace(instrument, tick=odd.tick)

    def _odd(self, event: VenueEvent) -> VenueEvent | None:
        odd = self._oddities.get(event.symbol)
        if odd is None:
            return event
        if odd.asleep:
            return None
        if isinstance(event, VenueTrade):
            return replace(event, price=_priced(event.price, odd), size=event.size * odd.lot)
        if isinstance(event, VenueBook):
            if odd.limit_up is not None:
                return replace(event, bids=_below(event.bids, odd.limit_up), asks=())
            return replace(event, bids=_scaled(event.bids, odd), asks=_scaled(event.asks, odd))
        return event


class Board:
    """Which codes a market has, by family, and which of its symbols each stands for."""

    def __init__(self, source: MarketSource) -> None:
        self.symbols: dict[str, str] = {}
        """The market's symbol by code."""
        self.codes: dict[str, list[str]] = {}
        """The codes by symbol."""
        for instrument in source.instruments:
            for code in _codes_of(instrument.symbol):
                self.symbols[code] = instrument.symbol
                self.codes.setdefault(instrument.symbol, []).append(code)

    def knows(self, code: str, family: Family) -> bool:
        """Whether a family has a code."""
        return code in self.symbols and family_of(code) == family

    def offered(self) -> list[str]:
        """Return all codes, the best known first."""
        first = [code for code in DEFAULT_CODES if code in self.symbols]
        return [*first, *(code for code in self.symbols if code not in first)]


def _codes_of(symbol: str) -> list[str]:
    is_plain = symbol.isalpha() and symbol.isupper() and len(symbol) <= 5
    if is_plain and kind_of(symbol) == "unknown" and not instrument_of(symbol, 1.0).quote:
        return [symbol, f"{symbol}.US"]
    return [symbol]


def board_lot(code: str) -> int:
    """Return the shares of one lot, for the static info."""
    return ODDITIES[code].lot if code in ODDITIES else 100 if kind_of(code) in ("hk", "cn") else 1


def _priced(price: float, odd: Oddity) -> float:
    return odd.limit_up if odd.limit_up is not None else round(price * odd.tick, odd.digits)


def _scaled(levels: Iterable[float], odd: Oddity) -> tuple[float, ...]:
    flat = tuple(levels)
    return tuple(
        number * odd.lot if at % 2 else round(number * odd.tick, odd.digits) for at, number in enumerate(flat)
    )


def _below(bids: tuple[float, ...], limit: float) -> tuple[float, ...]:
    """Return the same sizes queued from the limit downwards."""
    return tuple(
        number for at in range(0, len(bids), 2) for number in (round(limit - at / 200, 2), bids[at + 1])
    )


def _odd_bar(bar: PastBar, odd: Oddity) -> PastBar:
    if odd.limit_up is not None:
        return bar
    scale, digits = odd.tick, odd.digits
    return replace(
        bar,
        open=round(bar.open * scale, digits),
        high=round(bar.high * scale, digits),
        low=round(bar.low * scale, digits),
        close=round(bar.close * scale, digits),
        buy_volume=bar.buy_volume * odd.lot,
        sell_volume=bar.sell_volume * odd.lot,
    )
