"""The days before a synthetic market begins: minute bars, made backwards from its first price."""

import random
from math import exp

from mdterm.feeds.sim.crowd import Listing
from mdterm.feeds.sim.market import MINUTE_NS, PastBar

_VOLATILITY_BPS = 9.0
_STEPS = 8


class Past:
    """Bars of one instrument. Asking for more only ever adds older ones, so the answer never changes."""

    def __init__(self, listing: Listing, seed: int) -> None:
        self._listing = listing
        self._dice = random.Random(f"past {seed} {listing.instrument.symbol}")
        self._open = listing.price
        self._heat = 0.0
        self._funding = 0.0001
        self._interest = listing.open_interest
        self._backwards: list[PastBar] = []

    def bars(self, end_ts: int, minutes: int) -> list[PastBar]:
        """Return the last `minutes` bars before `end_ts`, oldest first; the newest ends there."""
        while len(self._backwards) < minutes:
            self._backwards.append(self._older(end_ts - (len(self._backwards) + 1) * MINUTE_NS))
        return self._backwards[minutes - 1 :: -1] if minutes > 0 else []

    def _older(self, open_ts: int) -> PastBar:
        dice, listing = self._dice, self._listing
        decimals, lots = listing.price_decimals, listing.lot_decimals
        self._heat += -0.02 * self._heat + dice.gauss(0, 0.12)
        step = _VOLATILITY_BPS / 1e4 * exp(self._heat) / _STEPS**0.5
        close = path = self._open
        low = high = close
        for _ in range(_STEPS):
            path *= exp(dice.gauss(0, step))
            low, high = min(low, path), max(high, path)
        self._open = round(path, decimals)
        # What is traded in a minute goes with how far the price went in it; on the average it is what the
        # crowd will trade, most of it at the touch, and the less of it the coarser the tick.
        ticks_per_bps = listing.price * 10**decimals / 1e4
        at_touch = 0.22 * listing.touch * ticks_per_bps / (ticks_per_bps + 2)
        volume = listing.orders_per_s * 14.6 * at_touch * exp(0.8 * self._heat + dice.gauss(0, 0.4))
        volume *= 1 + (high - low) / close / (_VOLATILITY_BPS / 1e4)
        buys = min(0.9, max(0.1, 0.5 + 0.12 * (close - self._open) / close / step / _STEPS**0.5))
        buys += dice.uniform(-0.08, 0.08)
        caught = volume * 0.01 * dice.random() if high - low > 2.5 * _VOLATILITY_BPS / 1e4 * close else 0.0
        fell = close < self._open
        self._funding += 0.003 * (0.0001 - self._funding) + dice.gauss(0, 1.5e-6)
        self._interest *= exp(dice.gauss(0, 3e-4))
        return PastBar(
            open_ts,
            self._open,
            round(high, decimals),
            round(low, decimals),
            round(close, decimals),
            round(volume * buys, lots),
            round(volume * (1 - buys), lots),
            round(caught, lots) if fell else 0.0,
            0.0 if fell else round(caught, lots),
            round(self._funding, 8),
            round(self._interest, lots),
        )
