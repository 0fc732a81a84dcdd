"""What a venue remembers: minute bars by side, liquidations, funding, open interest and volume by price.

Minutes are the finest that is kept. They come from the source's past (asked for only when needed) and from
the events called out on the floor, and are added up to any longer interval.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from mdterm.feeds.sim.market import (
    MINUTE_NS,
    PastBar,
    VenueBook,
    VenueCandle,
    VenueEvent,
    VenueFunding,
    VenueLiquidation,
    VenueOpenInterest,
    VenueTrade,
)
from mdterm.feeds.sim.pace import Floor

DAY_NS = 1440 * MINUTE_NS
WEEK_NS = 7 * DAY_NS
_MONDAY_NS = 4 * DAY_NS  # 1970-01-05
_KEPT_MINUTES = 8 * 1440


class Leg(Struct):
    """Open, high, low, close, volume and turnover of some trades, with the times of the first and last."""

    open: float
    high: float
    low: float
    close: float
    volume: float
    turnover: float
    first_ts: int
    last_ts: int

    def add(self, other: "Leg") -> None:
        """Take in what happened after."""
        self.high = max(self.high, other.high)
        self.low = min(self.low, other.low)
        self.close = other.close
        self.volume += other.volume
        self.turnover += other.turnover
        self.last_ts = other.last_ts


class Swing(Struct):
    """Open, high, low and close of a figure that is told now and then."""

    open: float
    high: float
    low: float
    close: float

    def add(self, other: "Swing") -> None:
        """Take in what was told after."""
        self.high = max(self.high, other.high)
        self.low = min(self.low, other.low)
        self.close = other.close


class Bar(Struct):
    """All that happened to one symbol from `open_ts` on for one interval."""

    open_ts: int
    whole: Leg | None = None
    buys: Leg | None = None
    sells: Leg | None = None
    longs: float = 0.0
    shorts: float = 0.0
    longs_turnover: float = 0.0
    shorts_turnover: float = 0.0
    funding: Swing | None = None
    predicted: Swing | None = None
    interest: Swing | None = None
    profile: dict[int, list[float]] = {}
    span_ns: int = MINUTE_NS

    def add(self, later: "Bar") -> None:
        """Take in a bar that follows."""
        for name in ("whole", "buys", "sells", "funding", "predicted", "interest"):
            mine, other = getattr(self, name), getattr(later, name)
            if mine is None:
                setattr(self, name, _copy(other))
            elif other is not None:
                mine.add(other)
        self.longs += later.longs
        self.shorts += later.shorts
        self.longs_turnover += later.longs_turnover
        self.shorts_turnover += later.shorts_turnover
        add_profile(self.profile, later.profile)


def add_profile(into: dict[int, list[float]], other: dict[int, list[float]]) -> None:
    """Add volume by block, `[bought, sold]`, to what is there."""
    for block, (bought, sold) in other.items():
        row = into.setdefault(block, [0.0, 0.0])
        row[0] += bought
        row[1] += sold


def open_of(ts: int, interval_ns: int) -> int:
    """Return when the interval that holds `ts` opens; weeks open on Monday, UTC."""
    shift = _MONDAY_NS if interval_ns % WEEK_NS == 0 else 0
    return (ts - shift) // interval_ns * interval_ns + shift


def block_of(price: float, tick: float) -> float:
    """Choose the block of a volume profile: 1, 2 or 5 times a power of ten near 1/5000 of the price."""
    aim = price * 2e-4
    step = tick
    for factor in _steps():
        step = round(tick * factor, 12)
        if step >= aim:
            break
    return step


class History:
    """The memory of one market."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._live: dict[str, dict[int, Bar]] = {symbol: {} for symbol in floor.instruments}
        self._blocks: dict[str, float] = {}
        self._today: dict[str, tuple[int, dict[int, list[float]]]] = {}
        floor.heed(self._hear)

    def minutes(self, symbol: str, start: int, end: int, *, profiles: bool = False) -> Iterator[Bar]:
        """Yield the minutes that open in [start, end) and in which anything happened, oldest first.

        Only with `profiles` do those of the source's past have a profile: it costs more than all else.
        """
        live = self._live[symbol]
        yield from self._past(symbol, start, end, profiles=profiles)
        # A bar told late may stand behind younger ones.
        yield from (live[open_ts] for open_ts in sorted(live) if start <= open_ts < end)

    def bars(
        self, symbol: str, interval_ns: int, start: int, end: int, *, profiles: bool = False
    ) -> list[Bar]:
        """Return the bars that open in [start, end), each whole even if it ends later; not to be changed."""
        first = open_of(start, interval_ns)
        first += interval_ns if first < start else 0
        last = open_of(end - 1, interval_ns) + interval_ns
        found: list[Bar] = []
        for minute in self.minutes(symbol, first, last, profiles=profiles):
            if minute.span_ns > interval_ns:
                continue
            if interval_ns == MINUTE_NS:
                found.append(minute)
                continue
            open_ts = open_of(minute.open_ts, interval_ns)
            if not found or found[-1].open_ts != open_ts:
                found.append(Bar(open_ts))
            found[-1].add(minute)
        return found

    def block(self, symbol: str) -> float:
        """Return the size of the blocks volume is kept by."""
        block = self._blocks.get(symbol)
        if block is None:
            tick = self._floor.instruments[symbol].tick
            past = self._floor.source.past(symbol, 1) if self._floor.begun.is_set() else []
            if not past:
                return tick
            block = self._blocks[symbol] = block_of(past[-1].close, tick)
        return block

    def session(self, symbol: str) -> tuple[int, dict[int, list[float]]]:
        """Return when this UTC day opened and its volume by block; the next day starts with nothing."""
        today = open_of(self._floor.until, DAY_NS)
        known = self._today.get(symbol)
        if known is None or known[0] != today:
            profile: dict[int, list[float]] = {}
            for minute in self.minutes(symbol, today, self._floor.until + 1, profiles=True):
                add_profile(profile, minute.profile)
            known = self._today[symbol] = (today, profile)
        return known

    def _past(self, symbol: str, start: int, end: int, *, profiles: bool) -> Iterator[Bar]:
        if not self._floor.begun.is_set():
            return
        minutes = min(_KEPT_MINUTES, (self._floor.origin - start) // MINUTE_NS + 1)
        if minutes <= 0:
            return
        past = self._floor.source.past(symbol, minutes)
        block = self.block(symbol) if past and profiles else None
        yield from (_remembered(bar, block) for bar in past if start <= bar.open_ts < end)

    def _hear(self, events: Iterable[VenueEvent], until: int) -> None:
        for event in events:
            if type(event) is VenueBook:
                continue
            if isinstance(event, VenueTrade):
                self._trade(event)
            elif isinstance(event, VenueLiquidation):
                bar = self._bar(event.symbol, event.ts)
                if event.long:
                    bar.longs += event.size
                    bar.longs_turnover += event.size * event.price
                else:
                    bar.shorts += event.size
                    bar.shorts_turnover += event.size * event.price
            elif isinstance(event, VenueFunding):
                bar = self._bar(event.symbol, event.ts)
                bar.funding = _swung(bar.funding, event.rate)
                if event.predicted is not None:
                    bar.predicted = _swung(bar.predicted, event.predicted)
            elif isinstance(event, VenueOpenInterest):
                bar = self._bar(event.symbol, event.ts)
                bar.interest = _swung(bar.interest, event.value)
            elif isinstance(event, VenueCandle):
                self._candle(event)

    def _bar(self, symbol: str, ts: int) -> Bar:
        live = self._live[symbol]
        open_ts = ts // MINUTE_NS * MINUTE_NS
        bar = live.get(open_ts)
        if bar is None:
            bar = live[open_ts] = Bar(open_ts, profile={})
            if len(live) > _KEPT_MINUTES:
                del live[next(iter(live))]
        return bar

    def _trade(self, trade: VenueTrade) -> None:
        bar = self._bar(trade.symbol, trade.ts)
        price, size, ts = trade.price, trade.size, trade.ts
        if trade.symbol not in self._blocks:
            self._blocks[trade.symbol] = block_of(price, self._floor.instruments[trade.symbol].tick)
        bar.whole = _traded(bar.whole, price, size, ts)
        if trade.buy:
            bar.buys = _traded(bar.buys, price, size, ts)
        else:
            bar.sells = _traded(bar.sells, price, size, ts)
        volume = {int(price / self._blocks[trade.symbol] + 1e-6): [size, 0.0] if trade.buy else [0.0, size]}
        add_profile(bar.profile, volume)
        today = self._today.get(trade.symbol)
        if today is not None:
            add_profile(today[1], volume)

    def _candle(self, candle: VenueCandle) -> None:
        """Keep a bar the source told; where it is off the clock's grid, trades of that minute win over it."""
        bar = self._bar(candle.symbol, candle.open_ts)
        if candle.open_ts % MINUTE_NS and bar.whole is not None:
            return
        prices = (candle.open, candle.high, candle.low, candle.close)
        # Nobody said who bought: each side gets the bar's prices and half of its volume.
        last_ts = candle.open_ts + candle.span_ns - 1_000_000
        half, turnover = candle.volume / 2, candle.volume / 2 * candle.close
        bar.whole = Leg(*prices, candle.volume, 2 * turnover, candle.open_ts, last_ts)
        bar.buys = Leg(*prices, half, turnover, candle.open_ts, last_ts)
        bar.sells = Leg(*prices, half, turnover, candle.open_ts, last_ts)
        bar.span_ns = candle.span_ns


def _copy(figure: Leg | Swing | None) -> Leg | Swing | None:
    if isinstance(figure, Leg):
        f = figure
        return Leg(f.open, f.high, f.low, f.close, f.volume, f.turnover, f.first_ts, f.last_ts)
    return None if figure is None else Swing(figure.open, figure.high, figure.low, figure.close)


def _traded(leg: Leg | None, price: float, size: float, ts: int) -> Leg:
    one = Leg(price, price, price, price, size, price * size, ts, ts)
    if leg is None:
        return one
    leg.add(one)
    return leg


def _swung(swing: Swing | None, value: float) -> Swing:
    one = Swing(value, value, value, value)
    if swing is None:
        return one
    swing.add(one)
    return swing


def _remembered(past: PastBar, block: float | None) -> Bar:
    """Turn a bar of the past into what the live market would have left of it."""
    prices = (past.open, past.high, past.low, past.close)
    times = (past.open_ts + 40_000_000, past.open_ts + MINUTE_NS - 20_000_000)
    volume = past.buy_volume + past.sell_volume
    profile: dict[int, list[float]] = {}
    if block is not None:
        low, high = int(past.low / block + 1e-6), int(past.high / block + 1e-6)
        share = 1 / (high - low + 1)
        profile = {at: [past.buy_volume * share, past.sell_volume * share] for at in range(low, high + 1)}
    return Bar(
        past.open_ts,
        Leg(*prices, volume, volume * past.close, *times),
        Leg(*prices, past.buy_volume, past.buy_volume * past.close, *times),
        Leg(*prices, past.sell_volume, past.sell_volume * past.close, *times),
        past.long_liquidated,
        past.short_liquidated,
        past.long_liquidated * past.close,
        past.short_liquidated * past.close,
        _swung(None, past.funding),
        _swung(None, past.funding),
        _swung(None, past.open_interest),
        profile,
    )


def _steps() -> Iterator[int]:
    power = 1
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10
