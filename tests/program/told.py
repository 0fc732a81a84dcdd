"""What a recording says that a market was at a time, reckoned from its lines alone."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tests.program.market import Sent

MINUTE_NS = 60_000_000_000
Line = dict[str, Any]


class Forced(NamedTuple):
    """A liquidation; ``ts`` in ns, ``position`` the one that was closed, ``L`` or ``S``."""

    ts: int
    position: str
    price: float
    size: float


class Told:
    """An instrument as of a time: what ``tests.program.market`` compares, and what other panels show."""

    def __init__(self, address: str) -> None:
        self.symbol = address.rpartition(":")[2]
        self.block = 0.0
        self.trades: list[Sent] = []
        self.bids: dict[float, float] = {}
        self.asks: dict[float, float] = {}
        self.bars: dict[int, Line] = {}
        """The minutes' candles, each as it was last told, by their begin (ns)."""
        self.funding: Line | None = None
        self.interest: float | None = None
        self.forced: list[Forced] = []

    def take(self, line: Line) -> None:
        """Take what is told next."""
        kind = line["kind"]
        if kind == "trade":
            self.trades.append(Sent(line["ts"], line["price"], line["size"], str(line["side"]).upper()))
        elif kind == "book":
            self.bids, self.asks = dict(line["bids"]), dict(line["asks"])
        elif kind == "candle":
            self.bars[line["open_ts"]] = line
        elif kind == "funding":
            self.funding = line
        elif kind == "open_interest":
            self.interest = line["value"]
        elif kind == "liquidation":
            position = "L" if line["position"] == "long" else "S"
            self.forced.append(Forced(line["ts"], position, line["price"], line["size"]))

    def bar(self, minute: int | None = None) -> dict[str, set[float]]:
        """Return what open, high, low and close of the newest minute, or of another, may be told as.

        ``minute`` is that of the hour. The provider's own candle comes behind the trades that change it: with
        them, or without. Of a minute of which nothing was told the prices may be none.
        """
        begin = self.trades[-1].ts // MINUTE_NS * MINUTE_NS
        if minute is not None:
            begin -= (begin // MINUTE_NS - minute) % 60 * MINUTE_NS
        line = self.bars.get(begin)
        since = begin if line is None else line["ts"] or begin
        prices = [one.price for one in self.trades if since <= one.ts < begin + MINUTE_NS]
        if line is None:
            shown = (prices[0], max(prices), min(prices), prices[-1]) if prices else ()
            return dict(zip("OHLC", ({one} for one in shown), strict=False))
        return {
            "O": {line["open"]},
            "H": {line["high"], max([line["high"], *prices])},
            "L": {line["low"], min([line["low"], *prices])},
            "C": {line["close"], *prices[-1:]},
        }

    @property
    def last(self) -> float | None:
        """The price of the newest trade."""
        return self.trades[-1].price if self.trades else None

    @property
    def touch(self) -> tuple[float, float] | None:
        """Best bid and ask."""
        return (max(self.bids), min(self.asks)) if self.bids and self.asks else None


class Purse:
    """An account as of a time."""

    def __init__(self) -> None:
        self.balances: dict[str, tuple[float, float]] = {}
        """Total and available by asset."""
        self.orders: dict[str, Line] = {}
        """The open ones by id."""

    def take(self, line: Line) -> None:
        """Take what is told next."""
        if line["kind"] == "balance":
            self.balances[line["asset"]] = float(line["total"]), float(line["available"])
        elif line["kind"] == "order":
            self.orders[line["id"]] = line
            if line["removed"]:
                del self.orders[line["id"]]


def as_of(lines: Iterable[Line], at: int, addresses: Sequence[str]) -> tuple[dict[str, Told], Purse]:
    """Return the instruments and the account as of a time (ns) of receipt."""
    told, purse = {one: Told(one) for one in addresses}, Purse()
    for line in lines:
        if line["seen"] > at:
            break
        purse.take(line)
        if line["address"] in told:
            told[line["address"]].take(line)
    return told, purse


def counts(lines: Iterable[Line]) -> dict[tuple[str, str], int]:
    """Return how much there is of each kind, by address and kind."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for line in lines:
        found[line["address"], line["kind"]] += 1
    return found
