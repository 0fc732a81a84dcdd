"""What the simulated JayX venue knows of its market, in its own integers, and how it tells it."""

from collections import deque
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from mdterm.feeds.sim.jayx_desk import Desk, Grid, Resting
from mdterm.feeds.sim.jayx_wire import object_ids
from mdterm.feeds.sim.market import VenueBook, VenueCandle, VenueEvent, VenueTrade

INTERVALS = (60, 300, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 604_800)
LEVELS = 50
TRADES_TOLD = 30
"""How many trades a push holds at least; the older ones repeat what was told before."""
_TRADES_KEPT = 4000
_FIRST_MONDAY_S = 4 * 86_400


class Bar(msgspec.Struct, rename={"id": "_id"}):
    """A candle as it is told: times in seconds."""

    id: str
    created: int
    o: int
    h: int
    l: int  # noqa: E741  # the wire's name
    c: int
    v: int
    m: int
    symbol: str


class Print(msgspec.Struct, frozen=True, gc=False):
    """A trade as it is told: no id, time in milliseconds."""

    lots: int
    ticks: int
    side: str
    created: int


class Board:
    """All symbols: the newest book, the last trades, the running candles."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.trade_count: dict[str, int] = {}
        self._books: dict[str, VenueBook] = {}
        self._trades: dict[str, deque[Print]] = {}
        self._bars: dict[tuple[str, int], Bar] = {}
        self._before: dict[tuple[str, int], Bar] = {}

    def take(self, events: Iterable[VenueEvent]) -> None:
        """Take in what happened."""
        for event in events:
            if isinstance(event, VenueTrade):
                self._trade(event)
            elif isinstance(event, VenueBook):
                self._books[event.symbol] = event
            elif isinstance(event, VenueCandle):
                self._candle(event)

    def _trade(self, event: VenueTrade) -> None:
        symbol, grid = event.symbol, self.desk.grids[event.symbol]
        ms = event.ts // 1_000_000
        told = Print(grid.lots(event.size), grid.ticks(event.price), "BUY" if event.buy else "SELL", ms)
        self._trades.setdefault(symbol, deque()).append(told)
        self.trade_count[symbol] = self.trade_count.get(symbol, 0) + 1
        second = ms // 1000
        for interval in INTERVALS:
            created = _opening(second, interval)
            bar = self._bars.get((symbol, interval))
            if bar is None or created > bar.created:
                if bar is not None:
                    self._before[symbol, interval] = bar
                ticks = told.ticks
                self._bars[symbol, interval] = Bar(
                    next(object_ids), created, ticks, ticks, ticks, ticks, told.lots, second, symbol
                )
            else:
                bar.h, bar.l = max(bar.h, told.ticks), min(bar.l, told.ticks)
                bar.c, bar.v, bar.m = told.ticks, bar.v + told.lots, max(bar.m, second)

    def _candle(self, event: VenueCandle) -> None:
        """Take a bar that a recording tells where it holds no trades."""
        if self.trade_count.get(event.symbol):
            return
        grid, interval = self.desk.grids[event.symbol], event.span_ns // 10**9
        created = event.open_ts // 10**9
        bar = Bar(
            next(object_ids),
            created,
            grid.ticks(event.open),
            grid.ticks(event.high),
            grid.ticks(event.low),
            grid.ticks(event.close),
            grid.lots(event.volume),
            created + interval - 1,
            event.symbol,
        )
        had = self._bars.get((event.symbol, interval))
        if had is not None and had.created < created:
            self._before[event.symbol, interval] = had
        self._bars[event.symbol, interval] = bar

    def opening(self, symbol: str, interval: int) -> int | None:
        """Return when the running candle began, None before there is one."""
        bar = self._bars.get((symbol, interval))
        return None if bar is None else bar.created

    def forget(self, speed: float) -> None:
        """Let all but the newest trades go: more than are ever told in one push at this speed."""
        kept = int(_TRADES_KEPT * max(1.0, min(speed, 25.0)))
        for trades in self._trades.values():
            while len(trades) > kept:
                trades.popleft()

    def trades(self, symbol: str) -> list[Print]:
        """Return the trades that are remembered, oldest first."""
        return list(self._trades.get(symbol, ()))

    def orderbook(self, symbol: str, fresh: int) -> bytes | None:
        """Return the book and the newest trades, at least ``fresh`` of them; None before there is any."""
        book, trades = self._books.get(symbol), self._trades.get(symbol, deque())
        if book is None and not trades:
            return None
        count = min(len(trades), max(TRADES_TOLD, fresh))
        newest = [trades[-1 - at] for at in range(count)]
        told: dict[str, Any] = {"orderBook": {"asks": [], "bids": []}, "trades": newest}
        if book is not None:
            grid = self.desk.grids[symbol]
            own = {one.ticks for one in self.desk.resting(symbol)}
            told["orderBook"] = {
                "asks": _levels(grid, book.asks, own),
                "bids": _levels(grid, book.bids, own),
            }
        return msgspec.json.encode(told)

    def kline(self, symbol: str, interval: int, since: int | None) -> tuple[bytes, int] | None:
        """Return the running candle, and the one before where that was the last told; with its opening."""
        bar = self._bars.get((symbol, interval))
        if bar is None:
            return None
        told: dict[str, Any] = {"add": None, "modify": bar}
        before = self._before.get((symbol, interval))
        if since is not None and before is not None and since == before.created:
            told = {"add": bar, "modify": before}
        elif since is not None and since < bar.created:
            told = {"add": bar, "modify": None}
        return msgspec.json.encode(told), bar.created

    def positions(self, assets: Iterable[str] | None) -> bytes:
        """Return balances: of the assets named, or of all."""
        money = self.desk.money
        names = sorted(money) if assets is None else sorted(asset for asset in assets if asset in money)
        spot = [
            {"asset": name, "balance": _text(money[name].total), "available": _text(money[name].available)}
            for name in names
        ]
        return msgspec.json.encode({"spot": spot})

    def open_orders(self, symbol: str) -> bytes:
        """Return all open orders of a symbol."""
        return msgspec.json.encode(
            {"cancel": [], "modify": [self._order(one) for one in self.desk.resting(symbol)]}
        )

    def changed_orders(self, changed: Sequence[Resting]) -> bytes:
        """Return what changed; a cancelled order by its id alone."""
        cancelled = [one.id for one in changed if one.state == "CANCELED"]
        modified = [self._order(one) for one in changed if one.state != "CANCELED"]
        return msgspec.json.encode({"cancel": cancelled, "modify": modified})

    def _order(self, order: Resting) -> dict[str, Any]:
        grid = self.desk.grids[order.symbol]
        price = order.ticks * grid.tick
        return {
            "id": order.id,
            "type": "LIMIT",
            "state": order.state,
            "side": "BUY" if order.buy else "SELL",
            "resd": order.resd,
            "exec": order.exec,
            "cost": order.cost,
            "lastLots": order.last_lots,
            "lastTicks": order.last_ticks,
            "created": order.created // 1_000_000,
            "modified": order.modified // 1_000_000,
            "symbol": order.symbol,
            "price": _text(price),
            "quantity": _text(price * (order.resd + order.exec) * grid.lot),
        }

    def exchange_info(self) -> bytes:
        """Return what the REST service tells of the instruments."""
        contracts = [
            {
                "symbol": one.symbol,
                "tickNumer": 1,
                "tickDenom": self.desk.grids[one.symbol].price_scale,
                "lotNumer": 1,
                "lotDenom": self.desk.grids[one.symbol].size_scale,
            }
            for one in self.desk.instruments
        ]
        return msgspec.json.encode({"data": {"symbols": contracts}, "code": 0})


def _levels(grid: Grid, flat: Sequence[float], own: set[int]) -> list[dict[str, int]]:
    levels = []
    for at in range(0, min(len(flat), 2 * LEVELS), 2):
        ticks, lots = grid.ticks(flat[at]), grid.lots(flat[at + 1])
        # Nobody knows how many orders make a level here: more lots, more orders.
        count = len(str(lots)) // 2 + (ticks in own)
        levels.append({"ticks": ticks, "lots": lots, "count": max(1, count)})
    return levels


def _opening(second: int, interval: int) -> int:
    offset = _FIRST_MONDAY_S if interval == 604_800 else 0
    return second - (second - offset) % interval


def _text(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
