"""The people in a synthetic market: makers who quote, takers who come in clusters, positions that are caught.

The market has a fair bid that moves only when somebody informed trades. Makers keep the touch there, large
and one tick wide, over a sparse crowd of small orders whose places and sizes are drawn again and again.
Takers excite each other (a Hawkes process with a fast and a slow memory): most take a little from the touch,
the informed sweep the book to the new fair price within milliseconds, makers pull part of their size before
they are hit and quote again a few milliseconds later. A strong move catches leveraged positions: the orders
that close them walk the book too, and may catch the next. The figures were fitted to recorded BTC and ETH.
"""

import random
from collections.abc import Callable, Iterator
from math import exp, inf, log

from msgspec import Struct

from mdterm.feeds.sim.market import (
    Instrument,
    VenueBook,
    VenueEvent,
    VenueFunding,
    VenueLiquidation,
    VenueOpenInterest,
    VenueTrade,
)
from mdterm.feeds.sim.orderbook import Side

LEVELS = 40

Ids = Iterator[str]

_FAST_PER_S, _FAST_CHILDREN = 18.0, 0.52
_SLOW_PER_S, _SLOW_CHILDREN = 0.4, 0.26
_SNAPSHOT_S, _JITTER_S = 0.1, 0.006
_REQUOTE_S = 0.005
_FUNDING_S, _INTEREST_S = 3.0, 4.0
_CHURN = 14
_SAME_SIDE = 0.7
_PRINTS_ALPHA, _MOST_PRINTS = 1.9, 60
_PRINT_SIGMA, _JUMP_SIGMA = 2.2, 1.3
_SWEEP_PRINTS = 70
_CATCHES_BPS, _CATCHES_SHARE, _CATCHES_NEXT, _MARGIN_CALL_S = 1.5, 0.25, 0.55, 0.04
_WALK_BPS = 3
_SWEPT_PRINTS = 4
_EVERYTHING = 1 << 62


class Listing(Struct, frozen=True):
    """What makes one instrument differ from another.

    `orders_per_s` is takers' orders, `touch` and `print` the medians of the size at the touch and of a fill,
    `jump_bps` the median move of an informed order, `informed` the share of such orders.
    """

    instrument: Instrument
    price_decimals: int
    lot_decimals: int
    price: float
    orders_per_s: float
    touch: float
    print: float
    jump_bps: float
    informed: float
    open_interest: float
    tells_prediction: bool = True


class Clusters:
    """Moments of takers' orders: each one makes others likelier, for a moment and for a while."""

    def __init__(self, per_s: float, dice: random.Random) -> None:
        self._base = per_s * (1 - _FAST_CHILDREN - _SLOW_CHILDREN)
        self._fast = self._slow = 0.0
        self._dice = dice

    def gap_s(self) -> float:
        """Return the seconds to the next order (thinning, after Ogata)."""
        gap = 0.0
        while True:
            bound = self._base + self._fast + self._slow
            wait = self._dice.expovariate(bound)
            gap += wait
            self._fast *= exp(-_FAST_PER_S * wait)
            self._slow *= exp(-_SLOW_PER_S * wait)
            if self._dice.random() * bound <= self._base + self._fast + self._slow:
                self._fast += _FAST_CHILDREN * _FAST_PER_S
                self._slow += _SLOW_CHILDREN * _SLOW_PER_S
                return gap


class Crowd:
    """One instrument's market, told in steps: `due_s` is when the next step happens, `step` makes it."""

    def __init__(self, listing: Listing, seed: int) -> None:
        self.listing = listing
        self.due_s = 0.0
        self._dice = dice = random.Random(f"market {seed} {listing.instrument.symbol}")
        self._price_scale, self._lot_scale = 10**listing.price_decimals, 10**listing.lot_decimals
        self._ticks_per_bps = listing.price * self._price_scale / 1e4
        # The finer the tick, the fewer of the prices are taken, and the thinner the few against the touch.
        self._occupied = min(1.7, 6.8 / max(self._ticks_per_bps, 0.1) ** 0.735)
        thin = min(1.2, max(0.1, 1.4 / (1 + self._ticks_per_bps / 2)))
        self._reach = int(2.2 * LEVELS / min(1.0, self._occupied)) + 10
        self._touch_mu = log(listing.touch * self._lot_scale)
        self._deep_sigma = 1.95 - thin
        self._deep_mu = self._touch_mu + log(thin) - self._deep_sigma**2 / 2
        self._print_mu = log(listing.print * self._lot_scale)
        self.bids, self.asks = Side(-1), Side(1)
        # Bids never rest above the fair bid and asks never on or below it: the book cannot cross.
        self._fair = self._target = self._quoted = round(listing.price * self._price_scale)
        self._buying = self._caught_shorts = True
        self._rate = self._predicted = 0.0001
        self._open_interest = listing.open_interest
        self._clusters = Clusters(listing.orders_per_s, dice)
        self._due: dict[Callable[[int, Ids], list[VenueEvent]], float] = {
            self._snapshot: 0.0,
            self._order: self._clusters.gap_s(),
            self._tell_funding: dice.random(),
            self._tell_interest: dice.random(),
            self._sweep: inf,
            self._requote: inf,
            self._liquidate: inf,
        }
        for distance in range(1, self._reach):
            self._redraw(distance)
        self._quote()

    def step(self, ts: int, ids: Ids) -> list[VenueEvent]:
        """Make the step that is due and return what everybody saw of it; `ids` numbers the prints."""
        due = self._due
        action = min(due, key=due.__getitem__)
        self._now, due[action] = due[action], inf
        events = action(ts, ids)
        self.due_s = min(due.values())
        return events

    def _snapshot(self, ts: int, ids: Ids) -> list[VenueEvent]:
        self._due[self._snapshot] = self._now + _SNAPSHOT_S + self._dice.expovariate(1 / _JITTER_S)
        for _ in range(_CHURN):
            self._redraw(1 + min(int(self._dice.expovariate(4 / self._reach)), self._reach - 2))
        if self._due[self._requote] == inf:
            self._quote()
        bids = self.bids.depth(LEVELS, self._price_scale, self._lot_scale)
        asks = self.asks.depth(LEVELS, self._price_scale, self._lot_scale)
        return [VenueBook(self.listing.instrument.symbol, ts, bids, asks)]

    def _order(self, ts: int, ids: Ids) -> list[VenueEvent]:
        dice = self._dice
        self._due[self._order] = self._now + self._clusters.gap_s()
        if dice.random() > _SAME_SIDE:
            self._buying = not self._buying
        if dice.random() < self.listing.informed and self._due[self._sweep] == inf:
            jump = dice.lognormvariate(log(self.listing.jump_bps * self._ticks_per_bps), _JUMP_SIGMA)
            ticks = int(jump + dice.random())
            if ticks:
                return self._inform(ticks if dice.random() < 0.5 else -ticks, ts, ids)
        events: list[VenueEvent] = []
        side = self.asks if self._buying else self.bids
        for _ in range(min(int(dice.paretovariate(_PRINTS_ALPHA)), _MOST_PRINTS)):
            if side.best is None:
                break
            for tick, lots in side.take(self._print_lots(), side.best):
                events.append(self._print(tick, lots, self._buying, ts, ids))
        if side.best != self._fair + self._buying:
            self._requote_soon()
        return events

    def _inform(self, ticks: int, ts: int, ids: Ids) -> list[VenueEvent]:
        """Let somebody know that the fair price is `ticks` away: makers pull, then the book is swept."""
        if self._fair + ticks < 4 * self._reach:
            ticks = abs(ticks)
        self._target = self._fair + ticks
        self._look_farther(abs(ticks))
        side, touch = (self.asks, self._fair + 1) if ticks > 0 else (self.bids, self._fair)
        side.put(touch, int(side.lots.get(touch, 0) * self._dice.uniform(0.0, 0.6)))
        return self._sweep(ts, ids)

    def _sweep(self, ts: int, ids: Ids) -> list[VenueEvent]:
        """Take what rests on the way to the target, a handful of prints at a time."""
        buying = self._target > self._fair
        side, limit = (self.asks, self._target) if buying else (self.bids, self._target + 1)
        events: list[VenueEvent] = []
        for tick, lots in side.take(_EVERYTHING, limit):
            events += self._prints(tick, lots, buying, ts, ids)
            if len(events) >= _SWEEP_PRINTS:
                self._due[self._sweep] = self._now + self._dice.uniform(0.0003, 0.004)
                return events
        move_bps = abs(self._target - self._fair) / self._ticks_per_bps
        if move_bps > _CATCHES_BPS and self._dice.random() < _CATCHES_SHARE:
            self._caught_shorts = buying
            self._due[self._liquidate] = self._now + self._dice.expovariate(1 / _MARGIN_CALL_S)
        self._fair = self._target
        self._requote_soon()
        return events

    def _liquidate(self, ts: int, ids: Ids) -> list[VenueEvent]:
        """Close a position by force: its order walks the book and the fair price goes with it."""
        dice = self._dice
        if self._due[self._sweep] != inf:
            self._due[self._liquidate] = self._due[self._sweep] + 0.001
            return []
        buying = self._caught_shorts
        side = self.asks if buying else self.bids
        lots = 1 + int(dice.lognormvariate(self._touch_mu - 1.5, 1.3))
        events: list[VenueEvent] = []
        taken = 0
        walk = max(1, int(_WALK_BPS * self._ticks_per_bps))
        self._look_farther(walk)
        for tick, part in side.take(lots, self._fair + walk if buying else self._fair + 1 - walk):
            taken += part
            last = tick
            events += self._prints(tick, part, buying, ts, ids)
        if not events:
            return []
        self._fair = max(self._fair, last - 1) if buying else min(self._fair, last)
        symbol, price, size = (
            self.listing.instrument.symbol,
            last / self._price_scale,
            taken / self._lot_scale,
        )
        events.append(VenueLiquidation(symbol, ts, next(ids), price, size, not buying))
        self._open_interest = max(0.0, self._open_interest - size)
        self._requote_soon()
        if dice.random() < _CATCHES_NEXT:
            self._due[self._liquidate] = self._now + dice.expovariate(1 / _MARGIN_CALL_S)
        return events

    def _requote(self, ts: int, ids: Ids) -> list[VenueEvent]:
        """Bring the makers back to the fair price, and a thin crowd to where they stood before."""
        if self._due[self._sweep] != inf:
            return []  # who would stand in its way? its end asks again
        nearest, farthest = self._fair - 1, self._fair - self._reach
        for tick in range(nearest, max(self._quoted, farthest) - 1, -1):
            self._redraw_bid(tick)
        nearest, farthest = self._fair + 2, self._fair + 1 + self._reach
        for tick in range(nearest, min(self._quoted + 1, farthest) + 1):
            self._redraw_ask(tick)
        self._quoted = self._fair
        self._quote()
        self.bids.trim(self._fair - 3 * self._reach)
        self.asks.trim(self._fair + 3 * self._reach)
        return []

    def _tell_funding(self, ts: int, ids: Ids) -> list[VenueEvent]:
        dice = self._dice
        self._due[self._tell_funding] = self._now + _FUNDING_S
        self._predicted += 0.01 * (0.0001 - self._predicted) + dice.gauss(0, 2e-6)
        self._rate += 0.02 * (self._predicted - self._rate)
        told = self.listing.tells_prediction and dice.random() > 0.08
        predicted = round(self._predicted, 8) if told else None
        return [VenueFunding(self.listing.instrument.symbol, ts, round(self._rate, 8), predicted)]

    def _tell_interest(self, ts: int, ids: Ids) -> list[VenueEvent]:
        self._due[self._tell_interest] = self._now + _INTEREST_S
        self._open_interest *= exp(self._dice.gauss(0, 3e-5))
        value = round(self._open_interest, self.listing.lot_decimals)
        return [VenueOpenInterest(self.listing.instrument.symbol, ts, value)]

    def _requote_soon(self) -> None:
        self._due[self._requote] = self._now + self._dice.expovariate(1 / _REQUOTE_S)

    def _quote(self) -> None:
        """Let the makers' size at the touch drift towards what they like today."""
        for side, tick in ((self.bids, self._fair), (self.asks, self._fair + 1)):
            liked = self._dice.lognormvariate(self._touch_mu, 0.6)
            now = side.lots.get(tick, 0)
            side.put(tick, max(1, int(now + (liked - now) * (0.3 if now else 1.0))))

    def _look_farther(self, ticks: int) -> None:
        """Draw the far ends that come into reach when the price moves by `ticks`."""
        for distance in range(self._reach, self._reach + ticks):
            self._redraw(distance)

    def _redraw(self, distance: int) -> None:
        self._redraw_bid(self._fair - distance)
        self._redraw_ask(self._fair + 1 + distance)

    def _redraw_bid(self, tick: int) -> None:
        self.bids.put(tick, self._deep_lots(tick, self._fair - tick))

    def _redraw_ask(self, tick: int) -> None:
        self.asks.put(tick, self._deep_lots(tick, tick - self._fair - 1))

    def _deep_lots(self, tick: int, distance: int) -> int:
        """Draw what rests `distance` ticks behind the touch; round prices draw a crowd."""
        dice = self._dice
        chance = self._occupied * (0.6 + 0.4 * min(1.0, distance / 40))
        mu = self._deep_mu
        if tick % 10 == 0:
            chance *= 2
            mu += 2.0 if tick % 100 == 0 else 0.8
        return 1 + int(dice.lognormvariate(mu, self._deep_sigma)) if dice.random() < chance else 0

    def _print_lots(self) -> int:
        return 1 + int(self._dice.lognormvariate(self._print_mu, _PRINT_SIGMA))

    def _prints(self, tick: int, lots: int, buying: bool, ts: int, ids: Ids) -> list[VenueEvent]:
        """Split what was taken at one price into the orders that rested there."""
        events: list[VenueEvent] = []
        while lots > 0:
            part = min(lots, int(self._print_lots() * _SWEPT_PRINTS))
            lots -= part
            events.append(self._print(tick, part, buying, ts, ids))
        return events

    def _print(self, tick: int, lots: int, buying: bool, ts: int, ids: Ids) -> VenueTrade:
        price, size = tick / self._price_scale, lots / self._lot_scale
        return VenueTrade(self.listing.instrument.symbol, ts, next(ids), price, size, buying)
