"""Curves over all there is: the history of an interval, the book's depth, the CVD, the profile."""

from collections.abc import Sequence

from mdterm.feeds.bars import Bar, Series
from mdterm.feeds.frames import Curve, PlotFrame
from mdterm.feeds.intervals import LENGTHS, MINUTE, SECOND, TICK_SIZES
from mdterm.feeds.market import Market
from mdterm.feeds.specs import PlotSpec
from mdterm.feeds.view_profile import profile_view

PERIOD_S = 1.0
"""A plot goes through all there is, and is drawn anew as a whole: it is made at most this often …"""
QUICK_PERIOD_S = 0.5
"""… but for the depth, which is short and never at rest."""
_FINE_SPAN = 15 * MINUTE
"""A CVD that is younger is told by the second."""

Points = list[tuple[int, float, float, float]]
"""When it begins (ns), high, low and close."""


def plot_view(market: Market, spec: PlotSpec) -> PlotFrame:
    """Return a plot's curves."""
    market.fold()
    make = {"history": _history, "depth": _depth, "cvd": _cvd, "profile": _profile}
    return make[spec.plot](market, spec)


class Plots:
    """The newest plot, made again after half a second or a second at the earliest."""

    def __init__(self) -> None:
        self._made: tuple[float, str, PlotSpec, PlotFrame] | None = None

    def view(self, market: Market, spec: PlotSpec, now: float) -> PlotFrame:
        """Return a plot as it is, or was a moment ago; ``now`` is monotonic (s)."""
        address, made = market.instrument.address, self._made
        period = QUICK_PERIOD_S if spec.plot == "depth" else PERIOD_S
        if made is None or made[1:3] != (address, spec) or now - made[0] >= period:
            made = self._made = (now, address, spec, plot_view(market, spec))
        return made[3]


def _frame(market: Market, spec: PlotSpec, curves: list[Curve], count: int, **more: object) -> PlotFrame:
    return PlotFrame(
        market.instrument.address,
        spec.plot,
        spec.interval,
        curves,
        market.price_digits,
        market.size_digits,
        count,
        **more,  # type: ignore[arg-type]  # each plot's own
    )


def _history(market: Market, spec: PlotSpec) -> PlotFrame:
    """Return all bars of an interval, neighbours joined where they are more than the points."""
    is_ticks = spec.interval in TICK_SIZES
    series = market.ticks.series(spec.interval) if is_ticks else market.candles.series(spec.interval)
    points = thin(series, spec.points, None if is_ticks else LENGTHS[spec.interval])
    times = [at / SECOND for at, *_ in points]
    last = market.tape.last
    return _frame(
        market,
        spec,
        [
            Curve("high", times, [one[1] for one in points]),
            Curve("low", times, [one[2] for one in points]),
            Curve("close", times, [one[3] for one in points]),
        ],
        len(series),
        marks={} if last is None else {"last": last.price},
        since=market.ticks.whole_from if is_ticks else market.candles.covered_from(spec.interval),
    )


def thin(series: Series, points: int, length: int | None) -> Points:
    """Return all bars as at most about ``points`` points, those of one point being neighbours in time.

    Points begin at multiples of their length (ns), so that they stay what they are while bars are added.
    Bars without a common length are joined by their number.
    """
    bars = series.last(len(series))
    if not bars:
        return []
    if length is None:
        width = -(-len(bars) // max(1, points))
        return [_joined(bars[at : at + width]) for at in range(0, len(bars), width)]
    span = (bars[-1].open_ts - bars[0].open_ts) // length + 1
    width = length * -(-span // max(1, points))
    found: Points = []
    begin, group = 0, -1
    for at, bar in enumerate(bars):
        if bar.open_ts // width != group:
            if at:
                found.append(_joined(bars[begin:at]))
            begin, group = at, bar.open_ts // width
    found.append(_joined(bars[begin:]))
    return found


def _joined(bars: Sequence[Bar]) -> tuple[int, float, float, float]:
    return bars[0].open_ts, max(bar.high for bar in bars), min(bar.low for bar in bars), bars[-1].close


def _depth(market: Market, spec: PlotSpec) -> PlotFrame:
    """Return the size up to each price of the book, from the best one outwards; nothing without sizes."""
    book = market.book
    curves = [Curve("bids", [], []), Curve("asks", [], [])]
    marks: dict[str, float] = {}
    if book is None:
        return _frame(market, spec, curves, 0)
    sides = ((book.bid_prices, book.bid_sizes), (book.ask_prices, book.ask_sizes))
    for curve, (prices, sizes) in zip(curves, sides, strict=True):
        total = 0.0
        for price, size in zip(prices, sizes, strict=True):
            if size is not None:
                total += size
                curve.x.append(price)
                curve.y.append(total)
    curves[0].x.reverse()
    curves[0].y.reverse()
    if book.step is None and book.bid_prices and book.ask_prices:
        marks["mid"] = (book.bid_prices[0] + book.ask_prices[0]) / 2
    return _frame(market, spec, curves, len(book.bid_prices) + len(book.ask_prices), marks=marks)


def _cvd(market: Market, spec: PlotSpec) -> PlotFrame:
    """Return the newest session's CVD at the end of each minute, of each second while it is young."""
    sums, store = market.sums(), market.candles
    times, values = store.running().deltas()
    since = max(times[0], sums.since or 0) if times else None
    if since is not None and times[-1] + MINUTE - since < _FINE_SPAN:
        bars = list(store.series("1s").between(times[0], times[-1] + MINUTE))
        total, fine = 0.0, []
        for bar in bars:
            total += bar.buy - bar.sell
            fine.append(total)
        # What was before the first second that is known is in the minutes' sum only.
        missing = values[-1] - total
        times, values = [bar.open_ts for bar in bars], [one + missing for one in fine]
    return _frame(
        market,
        spec,
        [Curve("cvd", [at / SECOND for at in times], values)],
        len(times),
        since=since,
        unreliable_since=sums.unreliable_since,
    )


def _profile(market: Market, spec: PlotSpec) -> PlotFrame:
    """Return the session's profile: what was bought, sold and neither at each price."""
    found = profile_view(market, spec.points)
    if found is None:
        return _frame(market, spec, [], 0)

    def price(row: int) -> float:
        return round((found.low + row) * found.step, 10)

    prices = [price(row) for row in range(len(found.buys))]
    marks = {"poc": price(found.poc), "val": price(found.val), "vah": price(found.vah)}
    if market.tape.last is not None:
        marks["last"] = market.tape.last.price
    sides = {"buys": found.buys, "sells": found.sells, "others": found.neutral}
    return _frame(
        market,
        spec,
        [Curve(name, prices, volumes) for name, volumes in sides.items()],
        len(prices),
        marks=marks,
        since=found.since,
    )
