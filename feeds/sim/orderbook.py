"""A limit order book in whole ticks and lots: what rests in it, and what a market order takes from it."""

from collections.abc import Iterator


class Side:
    """One side of a book: lots by tick. `step` leads away from the touch: -1 for bids, +1 for asks."""

    def __init__(self, step: int) -> None:
        self.lots: dict[int, int] = {}
        self.best: int | None = None
        self._step = step

    def put(self, tick: int, lots: int) -> None:
        """Let exactly `lots` rest at `tick`; none removes the level."""
        if lots > 0:
            self.lots[tick] = lots
            if self.best is None or (self.best - tick) * self._step > 0:
                self.best = tick
        elif self.lots.pop(tick, 0) and tick == self.best:
            self._retreat()

    def take(self, lots: int, limit: int) -> Iterator[tuple[int, int]]:
        """Yield (tick, lots) taken, best first, no worse than `limit`, until `lots` are found."""
        while lots > 0 and self.best is not None and (limit - self.best) * self._step >= 0:
            tick = self.best
            resting = self.lots[tick]
            taken = min(lots, resting)
            self.put(tick, resting - taken)
            lots -= taken
            yield tick, taken

    def depth(self, levels: int, price_scale: int, lot_scale: int) -> tuple[float, ...]:
        """Return the best `levels` levels, flat, as prices and sizes.

        A whole number over a power of ten is the double nearest to the decimal: the same float that reading
        its text gives.
        """
        if self.best is None:
            return ()
        flat: list[float] = []
        append, resting = flat.append, self.lots.get
        tick, step, left = self.best, self._step, min(levels, len(self.lots))
        while left:
            lots = resting(tick)
            if lots is not None:
                append(tick / price_scale)
                append(lots / lot_scale)
                left -= 1
            tick += step
        return tuple(flat)

    def trim(self, beyond: int) -> None:
        """Forget what rests farther away than the tick `beyond`."""
        for tick in [tick for tick in self.lots if (tick - beyond) * self._step > 0]:
            del self.lots[tick]

    def _retreat(self) -> None:
        self.best = (min if self._step > 0 else max)(self.lots, default=None)
