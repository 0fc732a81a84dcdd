"""Bars of several intervals of one symbol, of which a socket carries one: nobody loses what he hears."""

from typing import cast

from mdterm.feeds.events import Candle, Trade
from mdterm.feeds.runtime import Feed
from mdterm.feeds.specs import ChartSpec
from tests.jayx.support import Heard, Run, running

ADDRESS = "jayx:BTCUSDT"


def listen(feed: Feed, interval: str) -> Heard:
    heard = Heard()
    feed.listen([(ADDRESS, "candle")], heard.take, interval=interval)
    return heard


def bars(heard: Heard) -> list[Candle]:
    return cast(list[Candle], heard.of(Candle))


async def more(run: Run, *all_of: Heard) -> None:
    """Return once everybody has heard three bars more."""
    counts = [len(bars(one)) + 3 for one in all_of]
    for one, count in zip(all_of, counts, strict=True):
        await one.until(lambda one=one, count=count: len(bars(one)) >= count)  # type: ignore[misc]


async def test_listeners_of_several_intervals_each_hear_their_own() -> None:
    async with running(rate=20, is_shared=True) as run:
        first = listen(run.feed, "1m")
        await more(run, first)
        second, third = listen(run.feed, "5m"), listen(run.feed, "1m")
        await more(run, first, second, third)
        run.feed.bind("chart", ADDRESS, ChartSpec("1h", 50))
        await more(run, first, second, third)
        for one, interval in ((first, "1m"), (second, "5m"), (third, "1m")):
            assert {bar.interval for bar in bars(one)} == {interval}
            assert not one.of(Trade), "trades that bars are cut from are for them alone"
        newest, longer = bars(third)[-1], bars(second)[-1]
        assert longer.low <= newest.close <= longer.high
