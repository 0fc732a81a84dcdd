"""The bars of a chart."""

from mdterm.feeds.frames import ChartBar, ChartFrame, ChartSpec
from mdterm.feeds.market import Market


def chart_view(market: Market, spec: ChartSpec) -> ChartFrame:
    """Return the bars of an interval."""
    market.fold()
    store = market.candles
    candles = store.candles(spec.interval, spec.bars + spec.offset)
    shown = candles[: len(candles) - spec.offset] if spec.offset else candles
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
                one.volume,
                None if one.buy is None or one.sell is None else one.buy - one.sell,
            )
            for one in shown
        ],
        offset=spec.offset,
        digits=market.price_digits,
        size_digits=market.size_digits,
        last_price=None if market.tape.last is None else market.tape.last.price,
        direction=market.tape.direction,
        since=store.covered_from(spec.interval),
        version=store.version(spec.interval),
    )
