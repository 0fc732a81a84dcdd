"""The pace of the tape: trades and volume a second, against their own average."""

from collections import deque

import msgspec

WINDOW_S = 5.0
AVERAGE_S = 300.0
KNOWN_AFTER_S = 30.0
"""An average over less says nothing."""
_EVERY_S = 1.0
_SELDOM_S = 5.0

_Sample = tuple[float, int, float]


class Speed(msgspec.Struct, frozen=True):
    """Trades and volume a second over five seconds, and as multiples of the average of five minutes.

    A multiple is None until thirty seconds are known, and where nothing was traded in all that time.
    """

    trades: float
    volume: float
    trades_ratio: float | None
    volume_ratio: float | None


class Pace:
    """Reads counters that only rise. Sampled when it is read; in between it repeats itself.

    Where nobody read for a while, the average is that of the whole time: the counters went on.
    """

    def __init__(self) -> None:
        self._recent: deque[_Sample] = deque(maxlen=32)
        self._past: deque[_Sample] = deque(maxlen=128)
        self._told = Speed(0.0, 0.0, None, None)

    def read(self, now: float, trades: int, volume: float) -> Speed:
        """Return the speed at ``now`` (s, monotonic), given the trades and the volume so far."""
        recent, past = self._recent, self._past
        if recent and now - recent[-1][0] < _EVERY_S:
            return self._told
        sample = (now, trades, volume)
        recent.append(sample)
        while len(recent) > 2 and now - recent[0][0] > WINDOW_S:
            recent.popleft()
        if len(recent) == 2 and now - recent[0][0] > 2 * WINDOW_S:
            recent.popleft()  # nobody has read for a while: that is no pace of now
        if not past or now - past[-1][0] >= _SELDOM_S:
            past.append(sample)
        while len(past) > 1 and now - past[1][0] >= AVERAGE_S:
            past.popleft()
        rate = _rate(recent[0], sample)
        usual = _rate(past[0], sample) if now - past[0][0] >= KNOWN_AFTER_S else (0.0, 0.0)
        ratios = [round(have / of, 2) if of > 0 else None for have, of in zip(rate, usual, strict=True)]
        self._told = Speed(*rate, *ratios)
        return self._told


def _rate(then: _Sample, now: _Sample) -> tuple[float, float]:
    elapsed = now[0] - then[0]
    if elapsed < _EVERY_S:
        return 0.0, 0.0
    return (now[1] - then[1]) / elapsed, (now[2] - then[2]) / elapsed
