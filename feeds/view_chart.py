"""The bars of a chart, and what is drawn over, below and beside them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from mdterm.feeds.bars import SIDED, SIZED, UNSPLIT, Bar
from mdterm.feeds.frames import ChartBar, ChartFrame, ProfileFrame
from mdterm.feeds.intervals import DAY, LENGTHS, MINUTE, TICK_SIZES, bucket_end, bucket_start
from mdterm.feeds.market import Market
from mdterm.feeds.running import Sum
from mdterm.feeds.specs import ChartSpec
from mdterm.feeds.view_profile import profile_view

PROFILE_ROWS = 400
"""Rows of a session's profile at most: a frame is made ten times a second."""
_GRAIN = 2
"""Rows of the profile to one of the screen, so that it may be cut anywhere."""
_STEPS = tuple(base * 10**power for power in range(16) for base in (1, 2, 5))


def chart_view(market: Market, spec: ChartSpec) -> ChartFrame:
    """Return the bars of an interval with what was asked for."""
    market.fold()
    store, is_ticks = market.candles, spec.interval in TICK_SIZES
    series = market.ticks.series(spec.interval) if is_ticks else store.series(spec.interval)
    lead = max((*spec.averages, 1)) - 1
    if LENGTHS.get(spec.interval, MINUTE) < MINUTE:
        lead = max(lead, MINUTE // LENGTHS[spec.interval])  # sums begin with the minute
    bars = series.last(spec.bars + spec.offset + lead)
    end = max(0, len(bars) - spec.offset)
    first = max(0, end - spec.bars)
    shown = bars[first:end]
    averages = [_averages(bars, first, len(shown), period) for period in spec.averages]
    sums: Sequence[Sum | None] = [None] * len(shown)
    if (spec.vwap or spec.cvd) and shown:
        if is_ticks:
            sums = _sums_of_ticks(market, bars, first, len(shown))
        else:
            sums = list(_sums(market, spec, bars, first, len(shown)))
    longs, shorts = _liquidated(market, shown)
    day = market.sums() if spec.vwap or spec.cvd else None
    return ChartFrame(
        address=market.instrument.address,
        interval=spec.interval,
        bars=[
            ChartBar(
                one.open_ts,
                one.open,
                one.high,
                one.low,
                one.close,
                _volume(one, spec.quote),
                _delta(one, spec.quote),
                _rounded(total.vwap) if total is not None and spec.vwap else None,
                *(_cvd(total, one) if spec.cvd else (None, None)),
                tuple(average[at] for average in averages),
                longs.get(at, 0.0),
                shorts.get(at, 0.0),
            )
            for at, (one, total) in enumerate(zip(shown, sums, strict=True))
        ],
        offset=spec.offset,
        digits=market.price_digits,
        size_digits=market.size_digits,
        last_price=None if market.tape.last is None else market.tape.last.price,
        direction=market.tape.direction,
        since=market.ticks.whole_from if is_ticks else store.covered_from(spec.interval),
        version=series.version,
        periods=spec.averages,
        profile=_profile(market, shown, spec.profile) if spec.profile and shown else None,
        sums_since=None if day is None else day.since,
        unreliable_since=None if day is None else day.unreliable_since,
        is_vwap_estimated=day is not None and day.is_vwap_estimated,
        is_start=len(series) <= spec.bars + spec.offset,
    )


def _rounded(value: float | None) -> float | None:
    """Return a sum without the noise of its last bits: a bar that is over must not look changed."""
    return None if value is None else round(value, 8)


def _volume(bar: Bar, quote: bool) -> float | None:
    """Return what was traded, None where no size is known."""
    if not bar.flags & SIZED:
        return None
    return bar.turnover if quote else bar.volume


def _delta(bar: Bar, quote: bool) -> float | None:
    """Return buys minus sells; in the quote currency at the bar's average price."""
    if not bar.flags & SIDED or bar.flags & UNSPLIT:
        return None
    delta = bar.buy - bar.sell
    return delta * bar.turnover / bar.volume if quote and bar.volume else delta


def _averages(bars: Sequence[Bar], first: int, count: int, period: int) -> list[float | None]:
    """Return the mean of the last ``period`` closes at each of ``count`` bars from ``first`` on."""
    found: list[float | None] = []
    start = max(0, first - period + 1)
    total = sum(bar.close for bar in bars[start:first])
    for at in range(first, first + count):
        total += bars[at].close
        if at - period >= start:
            total -= bars[at - period].close
        found.append(total / period if at + 1 >= period else None)
    return found


def _cvd(total: Sum | None, bar: Bar) -> tuple[float | None, float | None]:
    """Return the CVD at a bar's begin and at its end, None where it does not hold all of the bar."""
    if total is None or total.delta_from > bar.open_ts:
        return None, None
    return _rounded(total.delta - (bar.buy - bar.sell)), _rounded(total.delta)


def _sums(
    market: Market, spec: ChartSpec, bars: Sequence[Bar], first: int, count: int
) -> Iterator[Sum | None]:
    """Yield the session's sums as of the end of each bar; None for what is longer than a session."""
    length, session = LENGTHS[spec.interval], market.candles.session
    minutes = market.candles.running()
    if length >= DAY:
        yield from [None] * count
    elif length >= MINUTE:
        for bar in bars[first : first + count]:
            end = bucket_end(bar.open_ts, spec.interval, session)
            yield _known(market, minutes.before(end, end - 1))
    else:
        # Minutes up to the bar's own, and in it the bars themselves.
        minute: int | None = None
        total: Sum | None = None
        for at in range(max(0, first - MINUTE // length), first + count):
            bar = bars[at]
            if bar.open_ts - bar.open_ts % MINUTE != minute:
                minute = bar.open_ts - bar.open_ts % MINUTE
                total = _known(market, minutes.before(minute, minute))
            total = None if total is None else total.plus(bar, length)
            if at >= first:
                yield total


def _known(market: Market, total: Sum) -> Sum | None:
    """Return a sum, unless it lacks the beginning of a session that is over."""
    store = market.candles
    since, newest = store.covered_from("1m"), store.newest_ts
    if since is None or newest is None:
        return None
    if total.start >= bucket_start(newest, "1d", store.session):
        return total
    dropped = store.series("1m").dropped_through
    return None if total.start < since or (dropped is not None and dropped >= total.start) else total


def _sums_of_ticks(market: Market, bars: Sequence[Bar], first: int, count: int) -> list[Sum | None]:
    """Return the session's sums as of the end of each tick bar: those of now without the bars after it.

    None before the session, and before trades were missing.
    """
    store, since = market.candles, market.ticks.whole_from
    if store.newest_ts is None or since is None:
        return [None] * count
    total = store.running().before(store.newest_ts + MINUTE, store.newest_ts)
    found: list[Sum | None] = []
    for at in range(len(bars) - 1, first - 1, -1):
        bar = bars[at]
        if bar.open_ts < max(total.start, since):
            break
        if at < first + count:
            found.append(total)
        start, turnover, volume, delta, delta_from = total
        total = Sum(
            start,
            max(0.0, turnover - bar.turnover),
            max(0.0, volume - bar.volume),
            delta - (bar.buy - bar.sell),
            delta_from,
        )
    return [*[None] * (count - len(found)), *reversed(found)]


def _liquidated(market: Market, bars: Sequence[Bar]) -> tuple[dict[int, float], dict[int, float]]:
    """Return the sizes of longs and of shorts that were liquidated, by index of the bar."""
    longs: dict[int, float] = {}
    shorts: dict[int, float] = {}
    known = market.derivatives.liquidations
    if not bars or not known:
        return longs, shorts
    starts = [bar.open_ts for bar in bars]
    for one in reversed(known):
        ts = one.seen if one.ts is None else one.ts
        if ts < starts[0]:
            break
        at = bisect_right(starts, ts) - 1
        side = shorts if one.position == "short" else longs if one.position == "long" else None
        if side is not None:
            side[at] = side.get(at, 0.0) + one.size
    return longs, shorts


def _profile(market: Market, bars: Sequence[Bar], rows: int) -> ProfileFrame | None:
    """Return the session's profile, twice as fine as ``rows`` rows over the bars."""
    flow = market.flow
    span = None if flow is None else flow.span()
    if flow is None or span is None:
        return profile_view(market, PROFILE_ROWS)
    shown = (max(bar.high for bar in bars) - min(bar.low for bar in bars)) / flow.tick
    wanted = max(shown / rows / _GRAIN, (span[1] - span[0]) / PROFILE_ROWS)
    ticks = max((step for step in _STEPS if step <= wanted), default=1)
    return profile_view(market, PROFILE_ROWS, ticks)
