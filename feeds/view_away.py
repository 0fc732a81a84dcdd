"""What passed while nobody looked: a line an instrument of the watchlist."""

from collections.abc import Iterable, Mapping

from mdterm.feeds.away import Absence, Away, Span
from mdterm.feeds.bars import SIDED, SIZED, UNSPLIT, Bar
from mdterm.feeds.frames_away import AwayFrame, AwayGap, AwayRow, AwaySpec
from mdterm.feeds.intervals import MINUTE
from mdterm.feeds.market import Market, Quote
from mdterm.feeds.precision import decimals
from mdterm.feeds.status import Shown


def away_view(
    away: Away, told: Iterable[tuple[Market | Quote, Shown]], spec: AwaySpec, lost: Mapping[str, int]
) -> AwayFrame | None:
    """Return the absence that is asked for, None while nothing is summed.

    ``told`` are market and state of each instrument, ``lost`` since when (ns) the trades of some are lost.
    """
    absence = away.running if spec.is_running or away.past is None else away.past
    if absence is None:
        return None
    is_running = absence.until is None
    rows = [away_row(market, shown, absence, spec, lost if is_running else {}) for market, shown in told]
    return AwayFrame(absence.since, absence.until, rows, away.past is not None)


def away_row(
    market: Market | Quote, shown: Shown, absence: Absence, spec: AwaySpec, lost: Mapping[str, int]
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
    bars = [bar for gap in gaps for bar in _bars_of(market, gap)]
    sized, sided = span.sized > 0, span.sized > 0 and span.sized == span.sided
    if bars:
        sized = (sized or not span.trades) and all(bar.flags & SIZED for bar in bars)
        sided = (sided or not span.trades) and all(
            bar.flags & SIDED and not bar.flags & UNSPLIT for bar in bars
        )
    biggest = span.biggest(spec.biggest)
    last = span.last
    return AwayRow(
        address=address,
        symbol=instrument.symbol,
        provider=instrument.provider,
        shown=shown,
        first=span.first,
        last=last,
        high=max([bar.high for bar in bars] + ([] if span.high is None else [span.high]), default=None),
        low=min([bar.low for bar in bars] + ([] if span.low is None else [span.low]), default=None),
        volume=span.volume + sum(bar.volume for bar in bars) if sized else None,
        delta=span.buys - span.sells + sum(bar.buy - bar.sell for bar in bars) if sized and sided else None,
        trades=span.trades,
        digits=market.price_digits if isinstance(market, Market) else 0 if last is None else decimals(last),
        size_digits=market.size_digits
        if isinstance(market, Market)
        else max((decimals(one.size) for one in biggest), default=0),
        is_estimated=bool(bars),
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


def _bars_of(market: Market | Quote, gap: AwayGap) -> list[Bar]:
    """Return the minutes that lie wholly in a gap that was filled: of the others a part was seen."""
    if isinstance(market, Quote) or gap.until is None or not gap.is_filled:
        return []
    first = -(-gap.since // MINUTE) * MINUTE
    return list(market.candles.series("1m").between(first, gap.until - gap.until % MINUTE))
