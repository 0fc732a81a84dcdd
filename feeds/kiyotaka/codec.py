"""Kiyotaka's protocol as a pure machine: frames in, events out; time comes in as an argument."""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import cast

import msgspec

from mdterm.feeds.address import Instrument
from mdterm.feeds.burst import Burst
from mdterm.feeds.contract import Due, Refusal, Want
from mdterm.feeds.events import (
    Book,
    Event,
    Funding,
    Liquidation,
    OpenInterest,
    Position,
    Side,
    Stream,
    Trade,
    TradeAgg,
    Unit,
    VolumeProfile,
)
from mdterm.feeds.kiyotaka import facts, lenient, wire
from mdterm.feeds.kiyotaka.handshake import Budget, Channel, Handshake
from mdterm.feeds.kiyotaka.inflate import InflateError, Inflater, bare
from mdterm.feeds.recent import RecentIds
from mdterm.feeds.text import clean

_Routes = dict[tuple[str | None, str | None], str]
"""Addresses by exchange and symbol, or by exchange and coin."""
_Origin = tuple[str | None, Side | None, wire.Series, msgspec.Raw]
"""Where a point comes from: the address and side of a wanted trade, the series, and its bytes."""
_NOWHERE: _Origin = (None, None, wire.Series(""), msgspec.Raw(b""))
_SIDES: dict[str | None, Side] = {"BUY": "buy", "SELL": "sell"}
_GROUPED = ("groupByType", "1")
_NS = wire.NS
_MOST = wire.MOST
_KNOWN_SERIES = 4_096
_LONGEST_SERIES = 1_024
"""Bytes of a series that is worth remembering; real ones have some 200."""
_TURN_EVERY = 256
"""Points after which old ids are looked at, if no second has passed."""
_MANY = 4
"""Points from which on columns are cheaper than a loop."""
_LEAST_STEP = 1e-10  # the decimals that a price may have


class KiyotakaCodec:
    """One link (book or nonbook). Lives across reconnects, so that it knows duplicates by id."""

    def __init__(
        self,
        *,
        token: str,
        resolve: Callable[[str], Instrument],
        channel: Callable[[Instrument, Stream], Channel | None],
        unit: Unit = "base",
        compression: str = "none",
        liquidation_side: str = "position",
        budget: Budget | None = None,
    ) -> None:
        self.verdicts: list[Refusal] = []
        self.bad_frames = 0
        self.unknown = 0
        self.duplicates = 0
        self.needs_reset = False
        self._resolve = resolve
        self._channel = channel
        self._unit: Unit = unit
        # [DOC] BUY liquidation = long liquidated; raw exchange feeds and some sources say the opposite.
        long_side = "BUY" if liquidation_side == "position" else "SELL"
        self._long_side = long_side
        self._handshake = Handshake(token, compression, self.verdicts, budget or Budget())
        self._inflater = Inflater()
        self._routes: dict[str, _Routes] = {}
        self._coins: dict[str, _Routes] = {}
        self._steps: dict[str, float] = {}
        self._recent: dict[str, RecentIds] = {}
        self._turned_at = 0
        self._known: dict[bytes, _Origin] = {}
        """Short series by their bytes, at most 4,096."""
        self._near: _Origin = _NOWHERE
        self._far: _Origin = _NOWHERE
        """The last two origins: mostly a market's buys and its sells in turn."""
        self._unturned = 0
        self._wants: tuple[Want, ...] = ()

    def want(self, wants: Sequence[Want]) -> None:
        """Set the whole wanted set; points of anything else are dropped from now on."""
        self._wants = tuple(wants)
        routes: dict[str, _Routes] = {}
        coins: dict[str, _Routes] = {}
        channels: dict[Channel, str] = {}
        steps: dict[str, float] = {}
        for want in sorted(self._wants):
            instrument = self._resolve(want.address)
            channel = self._channel(instrument, want.stream)
            if channel is None:
                continue
            channels.setdefault(channel, want.address)
            where = coins if instrument.grouped or _GROUPED in channel.parameters else routes
            where.setdefault(channel.type, {})[(instrument.exchange, instrument.symbol)] = want.address
            self._recent.setdefault(want.address, RecentIds())
            if channel.block_size is not None:
                steps[want.address] = channel.block_size
        self._routes, self._coins, self._steps = routes, coins, steps
        self._known.clear()
        self._near = self._far = _NOWHERE
        self._handshake.want(channels)
        for address in self._recent.keys() - {want.address for want in self._wants}:
            del self._recent[address]

    def bare(self, frame: bytes) -> bytes | None:
        """Return the JSON of a compressed frame, None where it is none or goes on from the one before."""
        return None if frame[:1] == b"{" else bare(frame)

    def opened(self, now: float) -> None:
        """Begin anew on a fresh socket."""
        self._handshake.opened()
        self._turned_at = 0
        self._inflater = Inflater()
        self.needs_reset = False

    def due(self, now: float) -> Due:
        """Authenticate, wait shortly for an undocumented reply, then subscribe within the budget."""
        return self._handshake.due(now)

    def feed(self, frame: bytes, seen: int) -> Sequence[Event]:
        """Turn one frame into events. Never raise."""
        try:
            # 0x7B never starts a brotli stream, so this tells JSON from compressed data.
            data = frame if frame[:1] == b"{" else self._unpack(frame)
            message = wire.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            mended, left_out = lenient.read(data)
            self.bad_frames += left_out
            if mended is None:
                if data is not frame:
                    self._inflater.spoiled()
                    self.needs_reset = self._inflater.is_lost
                return []
            message = mended
        except InflateError:
            self.bad_frames += 1
            self.needs_reset = self._inflater.is_lost
            return []
        points = message.points
        if not points:
            self._handshake.control(message)
            return []
        self._unturned += len(points)
        if self._unturned >= _TURN_EVERY or not 0 <= seen - self._turned_at < _NS:
            self._turn(seen)
        if len(points) >= _MANY:
            burst = self._burst(points, seen)
            if burst is not None:
                return burst
        return self._events(points, seen)

    def _burst(self, points: list[wire.Point], seen: int) -> Burst | None:
        """Return a frame of one instrument's new trades by column, None where it may hold anything else."""
        near = self._origin(points[0].series)
        if near is None:
            return None
        address, near_side, _, near_raw = near
        far_address, far_side, _, far_raw = far = self._far if near is self._near else self._near
        if address is None or near_side is None:
            return None
        recent = self._recent[address]
        top, width = recent.top, recent.width
        ids: list[str] = []
        times: list[int] = []
        prices: list[float] = []
        sizes: list[float] = []
        sides: list[Side] = []
        # One loop that only loads and appends is cheaper than a pass for each column.
        for point in points:
            series = point.series
            if series == near_raw:
                side = near_side
            else:
                if series != far_raw:
                    known = self._known.get(bytes(series))
                    if known is None:
                        return None
                    far_address, far_side, _, far_raw = far = known
                if far_address != address or far_side is None:
                    return None
                side = far_side
            trade = point.trade
            if trade is None:
                return None
            stamp, size, id_ = trade.timestamp, trade.amount, trade.id
            if stamp is None or size is None or id_ <= top or len(id_) != width:
                return None
            top = id_
            ids.append(id_)
            times.append(stamp.seconds * _NS + stamp.nanoseconds)
            prices.append(trade.price)
            sizes.append(size)
            sides.append(side)
        self._near, self._far = near, far
        together = "".join(ids)
        recent.note(together, top, len(ids))
        return Burst(address, together, width, [seen] * len(ids), times, prices, sizes, sides)

    def _origin(self, raw: msgspec.Raw) -> _Origin | None:
        """Return where a series comes from, None for one that was not read yet."""
        if raw == self._near[3]:
            return self._near
        if raw == self._far[3]:
            return self._far
        return self._known.get(bytes(raw))

    def _turn(self, seen: int) -> None:
        """Do what need not be done at every frame: the key is good, and old ids may go."""
        self._handshake.accepted()
        self._turned_at, self._unturned = seen, 0
        for recent in self._recent.values():
            recent.turn(seen)

    def _events(self, points: list[wire.Point], seen: int) -> list[Event]:
        events: list[Event] = []
        known, at = self._known, None
        near, far = self._near, self._far
        address, side, series, raw = near
        for point in points:
            # The hot path, written out: one frame may hold dozens of trades. Bytes are compared before they
            # are looked up, which costs a tenth.
            if point.series != raw:
                if point.series == far[3]:
                    near, far = far, near
                else:
                    origin = known.get(bytes(point.series)) or self._learn(point.series)
                    if origin is None:
                        continue
                    near, far = origin, near
                address, side, series, raw = near
            trade = point.trade
            if address is None or trade is None:
                event = self._other(point, series, seen)
                if event is not None:
                    events.append(event)
                continue
            if address is not at:
                at, recent = address, self._recent[address]
                note = recent.fresh.append
            id_ = trade.id
            if id_ > recent.top and len(id_) == recent.width:
                recent.top = id_
                note(id_)
            elif id_ and not recent.is_new(id_):
                self.duplicates += 1
                continue
            stamp = trade.timestamp
            events.append(
                Trade(
                    address,
                    None if stamp is None else stamp.seconds * _NS + stamp.nanoseconds,
                    seen,
                    id_ or None,
                    trade.price,
                    trade.amount,
                    side,
                )
            )
        self._near, self._far = near, far
        return events

    def _learn(self, raw: msgspec.Raw) -> _Origin | None:
        """Read a series, known by its bytes from then on; None if it cannot be read."""
        told = bytes(raw)
        try:
            series = wire.read_series(told)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            mended = lenient.read_series(told)
            if mended is None:
                self.bad_frames += 1
                return None
            series = mended
        address = side = None
        if series.type == "TRADE":
            address, side = self._address(series), _SIDES.get(series.side)
        origin = (address, side, series, msgspec.Raw(told))
        if len(told) <= _LONGEST_SERIES:
            if len(self._known) >= _KNOWN_SERIES:
                self._known.clear()
            self._known[told] = origin
        return origin

    def _unpack(self, frame: bytes) -> bytes:
        if len(frame) > facts.MAX_MESSAGE:
            raise InflateError("the frame is too large")
        head = frame[:64].lstrip()
        if head[:1] in (b"{", b"") or frame[:3] == b"\xef\xbb\xbf":
            return frame.lstrip(b"\xef\xbb\xbf \t\r\n")
        return self._inflater.inflate(frame)

    def _address(self, series: wire.Series) -> str | None:
        """Return the wanted address a series belongs to; grouped series are known by their coin.

        All fields but the type are optional [DOC tolerance]: without an exchange, a symbol that is
        wanted of one exchange only is that one.
        """
        routes = self._routes.get(series.type)
        if routes is not None and series.symbol is not None:
            address = _find(routes, series.exchange, series.symbol)
            if address is not None:
                return address
        coins = self._coins.get(series.type)
        if coins is None or (series.symbol is not None and series.coin not in (None, series.symbol)):
            return None
        return _find(coins, series.exchange, series.coin if series.coin is not None else series.symbol)

    def _other(self, point: wire.Point, series: wire.Series, seen: int) -> Event | None:
        if series.type not in wire.PAYLOADS:
            self.unknown += 1
            return None
        address = self._address(series)
        if address is None:
            return None
        event: Event | None = None
        kind = series.type
        if kind == "BLOCK_BOOK_SNAPSHOT" and point.blockBookSnapshot is not None:
            event = self._book(address, series, point.blockBookSnapshot, seen)
        elif kind == "TRADE_AGG" and point.tradeAggregation is not None:
            event = _trade_agg(address, series, point.tradeAggregation, seen)
        elif kind == "LIQUIDATION" and point.liquidation is not None:
            event = self._liquidation(address, series, point.liquidation, seen)
            if event is None:
                return None
        elif kind == "FUNDING_RATE" and point.fundingRate is not None:
            rate = point.fundingRate
            event = Funding(address, _ns(rate.timestamp), seen, rate.fundingRate, rate.predictedFundingRate)
        elif kind == "OPEN_INTEREST" and point.openInterest is not None:
            interest = point.openInterest
            if interest.openInterest is not None and 0.0 <= interest.openInterest < _MOST:
                event = OpenInterest(address, _ns(interest.timestamp), seen, interest.openInterest)
        elif kind == "VOLUME_PROFILE_AGG" and point.volumeProfileAggregation is not None:
            event = _profile(address, series, point.volumeProfileAggregation, seen)
        if event is None:
            self.bad_frames += 1
        return event

    def _book(self, address: str, series: wire.Series, book: wire.BlockBookSnapshot, seen: int) -> Book:
        step = _step(series)
        bid_prices, bid_sizes = _levels(book.bids, best_high=True)
        ask_prices, ask_sizes = _levels(book.asks, best_high=False)
        return Book(
            address,
            _ns(book.timestamp),
            seen,
            bid_prices,
            bid_sizes,
            ask_prices,
            ask_sizes,
            step if step is not None else self._steps.get(address),
            self._unit,
        )

    def _liquidation(
        self, address: str, series: wire.Series, one: wire.Liquidation, seen: int
    ) -> Liquidation | None:
        if not (0.0 < one.price < _MOST and 0.0 <= one.amount < _MOST):
            self.bad_frames += 1
            return None
        if one.id and not self._recent[address].is_new(("liquidation", one.id)):
            self.duplicates += 1
            return None
        position: Position | None = None
        side = series.side
        if side in _SIDES:
            position = "long" if side == self._long_side else "short"
        elif side is not None:
            side = clean(side, 16)
        return Liquidation(
            address, _ns(one.timestamp), seen, one.id or None, one.price, one.amount, position, side
        )


def _find(routes: _Routes, exchange: str | None, symbol: str | None) -> str | None:
    if exchange is not None:
        return routes.get((exchange, symbol))
    found = [address for (_, known), address in routes.items() if known == symbol]
    return found[0] if len(found) == 1 else None


def _ns(stamp: wire.Stamp | None) -> int | None:
    """Return ns since the epoch, None for a time that is not told."""
    return None if stamp is None else stamp.seconds * _NS + stamp.nanoseconds


def _step(series: wire.Series) -> float | None:
    """Return the width of a bucket, None where it is missing or absurd."""
    step = series.blockSize
    return step if step is not None and _LEAST_STEP <= step < _MOST else None


def _levels(flat: list[float], *, best_high: bool) -> tuple[list[float], list[float | None]]:
    """Split a flat side into prices and sizes, best first, without zero, absent or impossible levels.

    A dangling last element is dropped [DOC: odd array length].
    """
    whole = len(flat) & ~1
    prices = flat[0:whole:2]
    sizes = flat[1:whole:2]
    if not prices:
        return [], []
    ordered = sorted(prices, reverse=best_high)
    # Passes in C tell the usual case, where nothing has to be mended. The sum is of all numbers, since a
    # NaN hides from comparisons.
    if (
        ordered == prices
        and isfinite(sum(flat))
        and min(sizes) > 0.0
        and max(sizes) < _MOST
        and ordered[-1 if best_high else 0] > 0.0
        and ordered[0 if best_high else -1] < _MOST
    ):
        return prices, cast(list[float | None], sizes)
    kept = [
        (price, size)
        for price, size in zip(prices, sizes, strict=True)
        if 0.0 < price < _MOST and 0.0 < size < _MOST
    ]
    kept.sort(key=lambda level: level[0], reverse=best_high)
    return [price for price, _ in kept], [size for _, size in kept]


def _trade_agg(address: str, series: wire.Series, one: wire.TradeAggregation, seen: int) -> TradeAgg | None:
    ends = (one.open, one.high, one.low, one.close)
    if not all(0.0 < price < _MOST for price in ends) or not 0.0 <= one.volume < _MOST:
        return None
    ts = _ns(one.timestamp)
    first = _ns(one.firstTimestamp) or ts
    last = _ns(one.lastTimestamp) or ts
    side = _SIDES.get(series.side)
    return TradeAgg(address, ts, seen, *ends, one.volume, side, first, last)


def _profile(
    address: str, series: wire.Series, one: wire.VolumeProfileAggregation, seen: int
) -> VolumeProfile | None:
    flat = one.profile
    whole = len(flat) // 3 * 3
    rows = [
        (price, buy, sell)
        for price, buy, sell in zip(flat[0:whole:3], flat[1:whole:3], flat[2:whole:3], strict=True)
        if 0.0 < price < _MOST and 0.0 <= buy < _MOST and 0.0 <= sell < _MOST
    ]
    rows.sort()
    return VolumeProfile(address, _ns(one.timestamp), seen, rows, _step(series))
