"""Kiyotaka's channels besides trades and books: batches, liquidations, funding, open interest, profile."""

from mdterm.feeds.sim.history import History, Leg
from mdterm.feeds.sim.kiyotaka_points import (
    Point,
    Series,
    Spacing,
    number,
    numbers,
    opening,
    profile_rows,
    timestamp,
    whole,
)
from mdterm.feeds.sim.market import (
    Instrument,
    VenueEvent,
    VenueFunding,
    VenueLiquidation,
    VenueOpenInterest,
    VenueTrade,
)


def identity(kind: str, instrument: Instrument, exchange: str, category: str) -> Series:
    """Return the series fields that every channel of one symbol shares."""
    return Series(
        type=kind,
        symbol=instrument.symbol,
        exchange=exchange,
        normalizedSymbol=instrument.normalized,
        category=category,
        coin=instrument.coin,
        inverse=False,
    )


class BatchStream:
    """TRADE_AGG: the trades of each `span_ns`, one point a side; sides without a trade send nothing."""

    hears = (VenueTrade,)

    def __init__(self, instrument: Instrument, exchange: str, category: str, span_ns: int) -> None:
        self.symbols = (instrument.symbol,)
        self._span = span_ns
        self._openings: dict[bool, bytes] = {}
        for buy, side in ((True, "BUY"), (False, "SELL")):
            series = identity("TRADE_AGG", instrument, exchange, category)
            series.session, series.side = "0", side
            self._openings[buy] = opening(series, "tradeAggregation")
        self._open_ts = 0
        self._legs: dict[bool, Leg] = {}

    def on(self, event: VenueEvent, out: list[Point]) -> None:
        assert isinstance(event, VenueTrade)
        open_ts = event.ts // self._span * self._span
        if open_ts != self._open_ts:
            self._flush(out)
            self._open_ts = open_ts
        price, size, ts = event.price, event.size, event.ts
        one = Leg(price, price, price, price, size, price * size, ts, ts)
        leg = self._legs.get(event.buy)
        if leg is None:
            self._legs[event.buy] = one
        else:
            leg.add(one)

    def tick(self, until: int, out: list[Point]) -> None:
        """Send the batch once its time is over."""
        if self._legs and until >= self._open_ts + self._span:
            self._flush(out)

    def _flush(self, out: list[Point]) -> None:
        for buy, leg in self._legs.items():
            values = (leg.open, leg.high, leg.low, leg.close, round(leg.volume, 8))
            out.append(
                self._openings[buy]
                + b'"open":%b,"high":%b,"low":%b,"close":%b,"volume":%b,' % tuple(map(number, values))
                + b'"timestamp":%b,"firstTimestamp":%b,"lastTimestamp":%b}}'
                % (timestamp(self._open_ts), timestamp(leg.first_ts), timestamp(leg.last_ts))
            )
        self._legs = {}


class LiquidationStream:
    """LIQUIDATION; `longs_are_buys` is the docs' convention: BUY means that a long was liquidated."""

    hears = (VenueLiquidation,)

    def __init__(self, instrument: Instrument, exchange: str, category: str, longs_are_buys: bool) -> None:
        self.symbols = (instrument.symbol,)
        self._openings: dict[bool, bytes] = {}
        for long in (True, False):
            series = identity("LIQUIDATION", instrument, exchange, category)
            series.side = "BUY" if long == longs_are_buys else "SELL"
            self._openings[long] = opening(series, "liquidation")

    def on(self, event: VenueEvent, out: list[Point]) -> None:
        assert isinstance(event, VenueLiquidation)
        out.append(
            b'%b"id":"%b","price":%b,"amount":%b,"timestamp":%b}}'
            % (
                self._openings[event.long],
                event.id.encode(),
                number(event.price),
                number(event.size),
                timestamp(event.ts),
            )
        )

    def tick(self, until: int, out: list[Point]) -> None:
        """Liquidations wait for nothing."""


class FundingStream:
    """FUNDING_RATE; the prediction is left out where there is none."""

    hears = (VenueFunding,)

    def __init__(self, instrument: Instrument, exchange: str, category: str) -> None:
        self.symbols = (instrument.symbol,)
        self._opening = opening(identity("FUNDING_RATE", instrument, exchange, category), "fundingRate")

    def on(self, event: VenueEvent, out: list[Point]) -> None:
        assert isinstance(event, VenueFunding)
        predicted = b""
        if event.predicted is not None:
            predicted = b'"predictedFundingRate":%b,' % number(event.predicted)
        out.append(
            b'%b"fundingRate":%b,%b"timestamp":%b}}'
            % (self._opening, number(event.rate), predicted, timestamp(event.ts))
        )

    def tick(self, until: int, out: list[Point]) -> None:
        """Funding waits for nothing."""


class InterestStream:
    """OPEN_INTEREST."""

    hears = (VenueOpenInterest,)

    def __init__(self, instrument: Instrument, exchange: str, category: str) -> None:
        self.symbols = (instrument.symbol,)
        self._opening = opening(identity("OPEN_INTEREST", instrument, exchange, category), "openInterest")

    def on(self, event: VenueEvent, out: list[Point]) -> None:
        assert isinstance(event, VenueOpenInterest)
        out.append(
            b'%b"openInterest":%b,"timestamp":%b}}'
            % (self._opening, number(event.value), timestamp(event.ts))
        )

    def tick(self, until: int, out: list[Point]) -> None:
        """Open interest waits for nothing."""


class ProfileStream:
    """VOLUME_PROFILE_AGG: the whole profile of this UTC day, again whenever it has changed."""

    hears = (VenueTrade,)

    def __init__(
        self,
        instruments: tuple[Instrument, ...],
        exchange: str,
        category: str,
        history: History,
        *,
        spacing_ns: int,
        in_usd: bool,
        grouped: bool,
    ) -> None:
        self.symbols = tuple(instrument.symbol for instrument in instruments)
        self._history = history
        self._series = Series(
            type="VOLUME_PROFILE_AGG", exchange=exchange, coin=instruments[0].coin, category=category
        )
        if not grouped:
            self._series.symbol = instruments[0].symbol
        self._spacing = Spacing(spacing_ns)
        self._in_usd = in_usd
        self._is_changed = True

    def on(self, event: VenueEvent, out: list[Point]) -> None:
        self._is_changed = True

    def tick(self, until: int, out: list[Point]) -> None:
        """Send the profile when it has changed and may be sent."""
        if self._is_changed and self._spacing.is_free(until):
            self._is_changed = False
            rows = self._rows()
            if rows:
                self._series.blockSize = whole(self._history.block(self.symbols[0]))
                out.append(
                    opening(self._series, "volumeProfileAggregation")
                    + b'"profile":%b,"timestamp":%b}}' % (numbers(rows), timestamp(until))
                )

    def _rows(self) -> list[float]:
        block = self._history.block(self.symbols[0])
        merged: dict[int, list[float]] = {}
        for symbol in self.symbols:
            own = self._history.block(symbol)
            for at, (bought, sold) in self._history.session(symbol)[1].items():
                row = merged.setdefault(int(at * own / block + 1e-6), [0.0, 0.0])
                price = at * own if self._in_usd else 1.0
                row[0] += bought * price
                row[1] += sold * price
        return profile_rows(merged, block)
