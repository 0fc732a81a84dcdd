"""What passed while nobody looked: a line an instrument of the watchlist."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from mdterm.feeds.away import Absence, Away, Span
from mdterm.feeds.bars import SIDED, SIZED, UNSPLIT, Bar
from mdterm.feeds.frames_away import AwayFrame, AwayGap, AwayRow, AwaySpec
from mdterm.feeds.intervals import MINUTE
from mdterm.feeds.market import Market, Quote
from mdterm.feeds.precision import decimals
from mdterm.feeds.status import Shown

RECHECK_S: Final = 2.0


def away_view(
    away: Away,
    told: Iterable[tuple[Market | Quote, Shown]],
    spec: AwaySpec,
    lost: Mapping[str, int],
    now: float,
) -> AwayFrame | None:
    """Return the absence that is asked for, None while nothing is summed.

    ``told`` are market and state of each instrument, ``lost`` since when (ns) the trades of some are lost,
    ``now`` is the monotonic clock (s).
    """
    absence = away.running if spec.is_running or away.past is None else away.past
    if absence is None:
        return None
    is_running = absence.until is None
    rows = [away_row(market, shown, absence, spec, lost if is_running else {}, now) for market, shown in told]
    return AwayFrame(absence.since, absence.until, rows, away.past is not None)


def away_row(
    market: Market | Quote,
    shown: Shown,
    absence: Absence,
    spec: AwaySpec,
    lost: Mapping[str, int],
    now: float,
) -> AwayRow:
    """Return an instrument's line. Whole minutes of a gap are taken from the bars that filled it."""
    market.fold()
    instrument, address = market.instrument, market.instrument.address
    span = absence.spans.get(address) or Span(market.last_price)
    gaps = [
        AwayGap(since, until, _is_filled(market, since, until))
        for since, until in absence.gaps.get(address, ())
    ]
    if address in lost:
        gaps.append(AwayGap(max(lost[address], absence.since), None, is_filled=False))
    told = _told_lately(market, gaps, absence, now)
    sized, sided = span.sized > 0, span.sized > 0 and span.sized == span.sided
    if told is not None:
        sized = (sized or not span.trades) and bool(told.flags & SIZED)
        sided = (sided or not span.trades) and bool(told.flags & SIDED) and not told.flags & UNSPLIT
    highs = [one for one in (span.high, None if told is None else told.high) if one is not None]
    lows = [one for one in (span.low, None if told is None else told.low) if one is not None]
    volume, delta = span.volume, span.buys - span.sells
    if told is not None:
        volume, delta = volume + told.volume, delta + told.buy - told.sell
    biggest = span.biggest(spec.biggest)
    last = span.last
    return AwayRow(
        address=address,
        symbol=instrument.symbol,
        provider=instrument.provider,
        shown=shown,
        first=span.first,
        last=last,
        high=max(highs, default=None),
        low=min(lows, default=None),
        volume=volume if sized else None,
        delta=delta if sized and sided else None,
        trades=span.trades,
        digits=market.price_digits if isinstance(market, Market) else 0 if last is None else decimals(last),
        size_digits=market.size_digits
        if isinstance(market, Market)
        else max((decimals(one.size) for one in biggest), default=0),
        is_estimated=told is not None,
        biggest=biggest,
        gaps=gaps,
        alarms=list(absence.alarms.get(address, ())),
        alarm_count=absence.alarm_counts.get(address, 0),
    )


def _is_filled(market: Market | Quote, since: int, until: int) -> bool:
    """Return whether the provider's bars have told what was missing; the light tier keeps no bars."""
    if isinstance(market, Quote):
        return False
    gaps = market.candles.gaps
    is_open = any(begin < until and (end is None or end > since) for begin, end in gaps.current)
    return not is_open and gaps.broke(since, until)


def _told_lately(market: Market | Quote, gaps: Sequence[AwayGap], absence: Absence, now: float) -> Bar | None:
    """Return what bars told of the gaps; that of a night is gone through every other second at most."""
    address = market.instrument.address
    known = absence.told.get(address)
    if known is None or not 0 <= now - known[0] < RECHECK_S or known[1] != gaps:
        known = absence.told[address] = (now, gaps, _told_alone(market, gaps))
    return known[2]


def _told_alone(market: Market | Quote, gaps: Sequence[AwayGap]) -> Bar | None:
    """Return what the provider's bars told of the minutes that lie wholly in gaps, as one bar.

    What came of them late is in the sums already, and not in it. None where there is nothing to tell.
    """
    if isinstance(market, Quote):
        return None
    minutes, seconds, whole = market.candles.series("1m"), market.candles.series("1s"), set[int]()
    for gap in gaps:
        if gap.until is not None and gap.is_filled:
            whole.update(range(-(-gap.since // MINUTE) * MINUTE, gap.until // MINUTE * MINUTE, MINUTE))
    found: Bar | None = None
    for opened in sorted(whole):
        bar = minutes.get(opened)
        if bar is None:
            continue
        bar = replace(bar)
        for late in seconds.between(opened, opened + MINUTE):
            bar.volume, bar.buy, bar.sell = bar.volume - late.volume, bar.buy - late.buy, bar.sell - late.sell
        if bar.volume < 0.0:
            continue  # the trades that came tell more than the provider does
        if found is None:
            found = bar
        else:
            flags = found.flags & bar.flags & (SIZED | SIDED) | (found.flags | bar.flags) & UNSPLIT
            found.extend(bar)
            found.flags = flags
    return found
