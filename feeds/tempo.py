"""How long a beat is: as asked for, longer while the screen or the terminal does not keep up."""

from typing import Final

SLOWEST_S: Final = 2.0
"""However thin a link is, so often something is drawn."""
_SLOWER: Final = 1.5
_QUICKER: Final = 0.95
_WEIGHT: Final = 0.3
_FORGET: Final = 0.01


class Tempo:
    """The period of the beat, from how long frame sets took to be acknowledged.

    A distant terminal is not a slow one: what counts is how much longer an answer takes than the quickest
    lately. From half a period on the beat becomes slower, so that half of a thin link stays free for keys;
    it comes back to what was asked for in small steps.
    """

    def __init__(self, period_s: float) -> None:
        self._asked_s = period_s
        self._factor = 1.0
        self._least_s: float | None = None
        self._late_s = 0.0

    @property
    def period_s(self) -> float:
        """Seconds from one frame set to the next, at least."""
        return self._asked_s * self._factor

    def ask(self, period_s: float) -> None:
        """Set the period that is kept where there is no hindrance."""
        # What was learnt of the link holds for any period.
        slowed_s = self.period_s if self._factor > 1.0 else period_s
        self._asked_s = period_s
        self._factor = max(1.0, slowed_s / period_s)

    def answered(self, took_s: float) -> None:
        """Note how long a frame set took from being made to being on the terminal."""
        least_s = took_s if self._least_s is None else self._least_s
        # A route may become longer for good; so the quickest answer is forgotten in time.
        self._least_s = min(took_s, least_s + (took_s - least_s) * _FORGET)
        self._late_s += (took_s - self._least_s - self._late_s) * _WEIGHT
        if self._late_s > self.period_s / 2:
            self._factor = max(1.0, min(self._factor * _SLOWER, SLOWEST_S / self._asked_s))
        elif self._late_s < self.period_s / 4:
            self._factor = max(1.0, self._factor * _QUICKER)
