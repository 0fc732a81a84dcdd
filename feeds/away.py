"""What passes while nobody looks: summed as it comes, so that nothing is gone through when somebody is back.

Two absences at most are held: the one that runs, which begins anew whenever somebody is seen to be there,
and the last one that is over. Of each instrument they hold a handful of sums, the 8 biggest prints, and at
most 32 gaps and 32 alerts.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from heapq import heappush, heapreplace
from typing import Final, Protocol

from mdterm.feeds.alerts import Alarm
from mdterm.feeds.bars import Bar
from mdterm.feeds.batch import Batch
from mdterm.feeds.events import Side, Trade
from mdterm.feeds.frames_away import AwayAlarm, AwayGap, AwayPrint

BIGGEST: Final = 8
NOTED: Final = 32
"""Gaps, and alerts, that are held of each instrument: the newest."""
_MS: Final = 1_000_000


Joined = tuple[int, int, Side | None, float, float, int]
"""A print: when it began, until when (ns) what comes of its side joins it, side, last price, size, count."""
NOTHING: Final[Joined] = (0, 0, None, 0.0, 0.0, 0)


class Span:
    """What one instrument does between two moments."""

    __slots__ = (
        "_biggest",
        "_joined",
        "_least",
        "_ranked",
        "buys",
        "first",
        "high",
        "last",
        "low",
        "sells",
        "sided",
        "sized",
        "trades",
        "volume",
    )

    def __init__(self, price: float | None) -> None:
        self.first = price
        """The price it begins at; where there was none before, that of its first trade."""
        self.last = price
        self.high: float | None = None
        self.low: float | None = None
        self.trades = 0
        self.sized = 0
        """Trades whose size is known; ``sided`` are those of them whose side is known as well."""
        self.sided = 0
        self.volume = self.buys = self.sells = 0.0
        self._biggest: list[tuple[float, int, AwayPrint]] = []
        self._least = 0.0
        """Only a print that is larger belongs to the biggest."""
        self._ranked = 0
        self._joined = NOTHING

    def fold(self, trades: Sequence[Trade], batch: Batch | None = None) -> None:
        """Take trades in, in the order received; ``batch`` holds the same by column."""
        if not trades:
            return
        if batch is not None and batch.is_plain:
            prices = batch.prices
            self.buys += sum(batch.buys)
            self.sells += sum(batch.sells)
            self.volume += batch.volume
            self.sized += len(trades)
            self.sided += len(trades)
        else:
            prices = [trade.price for trade in trades]
            for trade in trades:
                self._add(trade)
        high, low = max(prices), min(prices)
        if self.high is None or high > self.high:
            self.high = high
        if self.low is None or low < self.low:
            self.low = low
        if self.first is None:
            self.first = prices[0]
        self.last = prices[-1]
        self.trades += len(trades)
        if batch is not None and batch.is_plain:
            self._join(zip(batch.times, batch.sides, batch.prices, batch.sizes, strict=True))
        else:
            self._join(
                (trade.seen if trade.ts is None else trade.ts, trade.side, trade.price, trade.size or 0.0)
                for trade in trades
            )

    def _add(self, trade: Trade) -> None:
        size = trade.size
        if size is None:
            return
        self.sized += 1
        self.volume += size
        if trade.side is not None:
            self.sided += 1
            if trade.side == "buy":
                self.buys += size
            else:
                self.sells += size

    def _join(self, trades: Iterable[tuple[int, Side | None, float, float]]) -> None:
        """Join trades (time, side, price, size) to prints, and keep the biggest."""
        ts, end, side, price, size, count = self._joined
        begin = end - _MS
        for at, by, paid, part in trades:
            if begin <= at < end and by == side:
                price = paid
                size += part
                count += 1
                continue
            if size > self._least:
                self._rank((ts, end, side, price, size, count))
            ts, side, price, size, count = at, by, paid, part, 1
            begin = at - at % _MS
            end = begin + _MS
        self._joined = (ts, end, side, price, size, count)

    def _rank(self, joined: Joined) -> None:
        self._ranked += 1
        # The number parts equals: the one that came first stays.
        entry = (joined[4], -self._ranked, _told(joined))
        if len(self._biggest) < BIGGEST:
            heappush(self._biggest, entry)
        else:
            heapreplace(self._biggest, entry)
        if len(self._biggest) == BIGGEST:
            self._least = self._biggest[0][0]

    def close(self) -> None:
        """Let nothing join the newest print any more."""
        if self._joined[4] > self._least:
            self._rank(self._joined)
        self._joined = NOTHING

    def biggest(self, count: int) -> list[AwayPrint]:
        """Return the biggest prints, the biggest first; the newest one too, as far as it has come."""
        held = list(self._biggest)
        if self._joined[4] > 0:
            held.append((self._joined[4], -self._ranked - 1, _told(self._joined)))
        held.sort(key=lambda entry: entry[:2], reverse=True)
        return [told for _, _, told in held[:count]]


def _told(joined: Joined) -> AwayPrint:
    ts, _, side, price, size, count = joined
    return AwayPrint(ts, side, price, size, count)


class Watched(Protocol):
    """A market of either tier."""

    spans: list[Span]

    @property
    def last_price(self) -> float | None:
        """What it traded at last."""

    def fold(self) -> None:
        """Take in all that has come."""


class Absence:
    """One stretch of time of all markets; ``until`` is None while it runs. Times in ns."""

    def __init__(self, since: int) -> None:
        self.since = since
        self.until: int | None = None
        self.spans: dict[str, Span] = {}
        self.gaps: dict[str, deque[tuple[int, int]]] = {}
        self.alarms: dict[str, deque[AwayAlarm]] = {}
        self.alarm_counts: dict[str, int] = {}
        self.told: dict[str, tuple[float, Sequence[AwayGap], Bar | None]] = {}
        """What bars told of gaps, as of some time (s, monotonic) and of these gaps."""


class Away:
    """The absence that runs, and the one before. Nothing is summed until somebody has left for once."""

    def __init__(self, markets: Mapping[str, Watched]) -> None:
        self.running: Absence | None = None
        self.past: Absence | None = None
        self._markets = markets

    def left(self, wall: int) -> None:
        """Sum anew from now on."""
        self._stop()
        self.running = Absence(wall)
        for address, market in self._markets.items():
            self.begin(address, market)

    def returned(self, wall: int) -> None:
        """Keep what was summed as the last absence, and sum anew; before anybody left this does nothing."""
        past = self.running
        if past is not None:
            self.left(wall)
            past.until = wall
            for span in past.spans.values():
                span.close()
            self.past = past

    def begin(self, address: str, market: Watched) -> None:
        """Sum an instrument as well, from now on; one that gets another market goes on where it was."""
        if self.running is not None:
            market.fold()
            span = self.running.spans.get(address)
            if span is None:
                span = self.running.spans[address] = Span(market.last_price)
            market.spans.append(span)

    def let_go(self, address: str) -> None:
        """Sum an instrument no more: its market goes."""
        if self.running is not None:
            self.running.spans.pop(address, None)

    def forget(self, wall: int) -> None:
        """Let all go: time begins anew."""
        self.past = None
        if self.running is not None:
            self.left(wall)

    def close(self) -> None:
        """Sum nothing any more."""
        self._stop()
        self.running = self.past = None

    def _stop(self) -> None:
        if self.running is not None:
            for address, span in self.running.spans.items():
                market = self._markets.get(address)
                if market is not None and span in market.spans:
                    market.fold()
                    market.spans.remove(span)

    def gap(self, address: str, since: int, until: int) -> None:
        """Note that trades may be missing between two times (ns)."""
        if self.running is not None:
            noted = self.running.gaps.setdefault(address, deque(maxlen=NOTED))
            noted.append((max(since, self.running.since), until))

    def alarm(self, alarm: Alarm) -> None:
        """Note that an alert fired."""
        running, address = self.running, alarm.rule.address
        if running is not None:
            noted = running.alarms.setdefault(address, deque(maxlen=NOTED))
            noted.append(AwayAlarm(alarm.at, alarm.rule.words, alarm.words.removeprefix(f"{address} ")))
            running.alarm_counts[address] = running.alarm_counts.get(address, 0) + 1
