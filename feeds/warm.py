"""A start that knows what was seen before: bars and trades of the last run, shown with their age.

What is kept is the past, never the present: sums since before the pause are marked unreliable until the
provider's own bars cover it, and no kept trade counts as received.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mdterm.feeds.events import Candle, Trade
from mdterm.feeds.intervals import DAY, MINUTE
from mdterm.feeds.market import Market, Quote
from mdterm.feeds.store import Store, StoreError, read_candles, read_trades

log = logging.getLogger(__name__)

TAPE_KEPT_NS = DAY
"""Older prints say nothing to who looks at a tape."""


class Kept(NamedTuple):
    """What the file knows of an instrument."""

    candles: Sequence[Candle]
    trades: Sequence[Trade]


class Warmth:
    """Keeps what markets see, and gives it back to those that begin. Runs on the feed's loop."""

    def __init__(self, store: Store, markets: Mapping[str, Market | Quote]) -> None:
        self.newest: dict[str, int] = {}
        """Wall time (ns) of the newest thing that is shown from the last run, by address."""
        self._store = store
        self._markets = markets
        self._asked: set[str] = set()
        self._versions: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, market: Market | Quote, wall: int) -> None:
        """Read what is kept of an instrument, once, and give it to its market."""
        address = market.instrument.address
        if address in self._asked or not isinstance(market, Market) or market.instrument.simulated:
            return
        self._asked.add(address)
        task = asyncio.get_running_loop().create_task(self._give(address, wall))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _give(self, address: str, wall: int) -> None:
        try:
            kept = await asyncio.to_thread(self._read, address, wall)
        except StoreError as error:
            log.warning("nothing is known of before: %s", error)
            return
        market = self._markets.get(address)
        if isinstance(market, Market):
            newest = give(market, kept)
            if newest is not None:
                self.newest[address] = newest

    def _read(self, address: str, wall: int) -> Kept:
        path = self._store.path
        trades = [one for one in read_trades(path, address) if one.seen > wall - TAPE_KEPT_NS]
        return Kept(read_candles(path, address, "1m"), trades)

    def keep_trades(self, address: str, trades: Sequence[Trade]) -> None:
        """Keep trades that came."""
        market = self._markets.get(address)
        if isinstance(market, Market) and not market.instrument.simulated:
            self._store.put_trades(address, trades)

    def keep_bars(self) -> None:
        """Keep the bars that changed since this was last called; cheap enough for every few seconds."""
        for address, market in self._markets.items():
            self._keep(address, market)

    def _keep(self, address: str, market: Market | Quote) -> None:
        if isinstance(market, Market) and not market.instrument.simulated:
            market.fold()
            had = self._versions.get(address, 0)
            self._versions[address], bars = market.candles.changed("1m", had)
            if bars:
                self._store.put_candles(bars)

    def let_go(self, address: str) -> None:
        """Keep what changed last of an instrument; when it is wanted again that is read anew."""
        market = self._markets.get(address)
        if market is not None:
            self._keep(address, market)
        self._asked.discard(address)
        self._versions.pop(address, None)
        self.newest.pop(address, None)

    async def close(self) -> None:
        """Keep what changed last; end."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.keep_bars()


def give(market: Market, kept: Kept) -> int | None:
    """Give a market its past; return the wall time (ns) of the newest part, None where nothing was given.

    Bars that are known already stay as they are.
    """
    newest: list[int] = []
    known = market.candles.candles("1m", 1_000_000)
    first = known[0].open_ts if known else None
    bars = [one for one in kept.candles if first is None or one.open_ts < first]
    if bars:
        market.merge(bars)
        end = bars[-1].open_ts + MINUTE
        newest.append(end)
        # What was traded between the last run and the first trade of this one is not known here.
        market.candles.gaps.begin(end)
        if market.candles.joined_at is not None:
            market.candles.gaps.saw(market.candles.joined_at)
    if kept.trades and not market.trade_count:
        market.tape.recall(kept.trades)
        newest.append(kept.trades[-1].seen)
        for trade in kept.trades[-8:]:
            market.prices.observe(trade.price)
            if trade.size is not None:
                market.sizes.observe(trade.size)
    return max(newest, default=None)
