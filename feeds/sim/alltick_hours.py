"""The simulated AllTick at night: what a market that has closed still tells, and what it leaves out."""

from mdterm.feeds.alltick import hours
from mdterm.feeds.sim.history import History
from mdterm.feeds.sim.market import MINUTE_NS, VenueBook, VenueEvent, VenueTrade
from mdterm.feeds.sim.pace import Floor

_LAST_NS = 100_000_000
"""How long before the close the last print was made."""
_LOOKED_BACK_NS = 60 * MINUTE_NS


class Night:
    """Trading hours over a market that never sleeps."""

    def __init__(self, floor: Floor, history: History) -> None:
        self._floor = floor
        self._history = history
        self._closes: dict[tuple[str, int], VenueTrade | None] = {}

    def is_closed(self, code: str, ts: int) -> bool:
        """Whether a code's market is closed at a time."""
        return self.closed_since(code, ts) is not None

    def closed_since(self, code: str, ts: int) -> int | None:
        """Return when a code's market closed, None while it is open."""
        week = hours.hours_of(code)
        return None if week is None else hours.closed_since(week, ts)

    def last(self, code: str, symbol: str, kind: type[VenueEvent]) -> VenueEvent | None:
        """Return the last print, or the book around it, of a market that has closed."""
        since = self.closed_since(code, self._floor.now_ns())
        if since is None:
            return None
        if (code, since) not in self._closes:
            self._floor.begin()  # the past begins with the first who asks for it
            bars = self._history.bars(symbol, MINUTE_NS, since - _LOOKED_BACK_NS, since)
            bar = next((one for one in reversed(bars) if one.whole is not None), None)
            price = None if bar is None or bar.whole is None else bar.whole.close
            self._closes[code, since] = (
                None
                if price is None
                else VenueTrade(symbol, since - _LAST_NS, str(since // 1_000_000), price, 1.0, True)
            )
        trade = self._closes[code, since]
        if trade is None or kind is VenueTrade:
            return trade
        tick = self._floor.instruments[symbol].tick
        return VenueBook(symbol, trade.ts, (trade.price, 1.0), (trade.price + tick, 1.0))
