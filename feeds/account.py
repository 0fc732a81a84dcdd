"""The state of one account: balances, open orders, fills, and what changed when. No loop, no clock.

Figures are decimals, exact. Two equations hold at any time: total = available + locked, and an order's
size = filled + remaining (``broken`` tells where the provider's own figures do not add up).
"""

from collections import deque
from collections.abc import Callable, Sequence
from decimal import Context, Decimal, InvalidOperation
from typing import Literal

import msgspec

from mdterm.feeds.events import Balance, Event, Order, Side

LOG_KEPT = 2000
LEFT_KEPT = 50
FILLS_KEPT = 500

Price = Callable[[str, str], Decimal | float | None]
"""The last price of an asset in a quote currency, None where it is not known."""

_MOST_DECIMALS = 10
_EXACT = Context(prec=60)


class Holding(msgspec.Struct, frozen=True):
    """One asset. ``locked`` is what open orders hold."""

    asset: str
    total: Decimal
    available: Decimal

    @property
    def locked(self) -> Decimal:
        """What is not available."""
        return _EXACT.subtract(self.total, self.available)


class Valued(msgspec.Struct, frozen=True):
    """A holding with its value in the quote currency and its share of the whole, None where unknown."""

    asset: str
    total: Decimal
    available: Decimal
    locked: Decimal
    value: Decimal | None
    share: Decimal | None


class Portfolio(msgspec.Struct, frozen=True):
    """All holdings, the most valuable first. ``value`` is of all that has a price, ``unpriced`` has none."""

    quote: str
    rows: list[Valued]
    value: Decimal
    unpriced: list[str]


class Working(msgspec.Struct, frozen=True):
    """An order as the account knows it; None where the provider does not tell."""

    order: Order
    price: Decimal | None
    size: Decimal | None
    filled: Decimal | None
    remaining: Decimal | None
    cost: Decimal | None

    @property
    def share_filled(self) -> Decimal | None:
        """Filled over size, 0 to 1."""
        if not self.size or self.filled is None:
            return None
        return _EXACT.divide(self.filled, self.size)

    @property
    def average(self) -> Decimal | None:
        """The average price of what was filled."""
        if not self.filled or self.cost is None:
            return None
        return _EXACT.divide(self.cost, self.filled)

    def distance(self, market: Decimal, tick: Decimal | None) -> tuple[int | None, Decimal] | None:
        """Return how far the market has to come to reach it: whole ticks (None: no tick) and basis points.

        ``market`` is the best price on the other side, or the last. Negative: it should have been filled.
        """
        if self.price is None or self.order.side is None or market <= 0:
            return None
        away = market - self.price if self.order.side == "buy" else self.price - market
        ticks = None if not tick else int((away / tick).to_integral_value())
        return ticks, _EXACT.divide(away * 10_000, market)


class Fill(msgspec.Struct, frozen=True):
    """A part of an own order that traded at venue time ``ts``; ``price`` is exact where the cost is told."""

    address: str
    ts: int
    id: str
    side: Side | None
    price: Decimal | None
    size: Decimal


ChangeKind = Literal["balance", "placed", "filled", "changed", "left"]


class Change(msgspec.Struct, frozen=True):
    """One line of the session's log: when it was seen (ns), and what of which went from what to what.

    ``subject`` is an asset, or ``SYMBOL side id``; None stands for "did not exist". ``price`` is what an
    order was placed at, or what a fill was had for.
    """

    at: int
    kind: ChangeKind
    subject: str
    what: str
    before: str | None
    after: str | None
    price: str | None = None


class Account:
    """Balances and open orders of one provider instance.

    Bounds: 2,000 lines of log, 500 fills, 50 orders that left; balances and open orders as many as the
    provider tells of, which bounds them itself.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.holdings: dict[str, Holding] = {}
        self.orders: dict[tuple[str, str], Working] = {}
        """Open orders by address and id."""
        self.left: deque[Order] = deque(maxlen=LEFT_KEPT)
        """Orders that left, the newest last; ``state`` is the reason."""
        self.fills: deque[Fill] = deque(maxlen=FILLS_KEPT)
        self.log: deque[Change] = deque(maxlen=LOG_KEPT)
        self.changed_at: int | None = None
        """When anything changed last (ns)."""
        self.version = 0
        """Rises with every change."""

    def apply(self, events: Sequence[Event]) -> None:
        """Take balances and orders in the order received; anything else is not the account's."""
        for event in events:
            if type(event) is Balance:
                self._balance(event)
            elif type(event) is Order:
                self._order(event)

    def _balance(self, event: Balance) -> None:
        total, available = _decimal(event.total), _decimal(event.available)
        if total is None or available is None:
            return
        at = event.seen
        before = self.holdings.get(event.asset)
        had = (None, None) if before is None else (before.total, before.available)
        if (total, available) == had or (before is None and not total and not available):
            return
        for what, old, new in zip(("total", "available"), had, (total, available), strict=True):
            if old != new:
                self._log(at, "balance", event.asset, what, old, new)
        if total or available:
            self.holdings[event.asset] = Holding(event.asset, total, available)
        else:
            del self.holdings[event.asset]

    def _order(self, event: Order) -> None:
        key = (event.address, event.id)
        before = self.orders.get(key)
        after = _working(event)
        at, subject = event.seen, _subject(event)
        if event.removed:
            self.orders.pop(key, None)
            self.left.append(event)
            if before is not None:
                self._filled(before, after, at, subject)
            elif after.filled:
                self._fill(after, after.filled, after.cost, at, subject)
            self._log(
                at, "left", subject, "state", None if before is None else before.order.state, event.state
            )
            return
        self.orders[key] = after
        if before is None:
            self._log(at, "placed", subject, "size", None, after.size, after.price)
            return
        self._filled(before, after, at, subject)
        for what in ("price", "size"):
            old, new = getattr(before, what), getattr(after, what)
            if old != new:
                self._log(at, "changed", subject, what, old, new)
        if before.order.state != event.state:
            self._log(at, "changed", subject, "state", before.order.state, event.state)

    def _filled(self, before: Working, after: Working, at: int, subject: str) -> None:
        if before.filled is None or after.filled is None or after.filled <= before.filled:
            return
        cost = None
        if before.cost is not None and after.cost is not None:
            cost = after.cost - before.cost
        self._fill(after, after.filled - before.filled, cost, at, subject, before.filled)

    def _fill(
        self,
        order: Working,
        size: Decimal,
        cost: Decimal | None,
        at: int,
        subject: str,
        before: Decimal | None = None,
    ) -> None:
        price = order.price if cost is None or cost <= 0 else _EXACT.divide(cost, size)
        self._log(at, "filled", subject, "filled", before, order.filled, _short(price))
        event = order.order
        self.fills.append(Fill(event.address, event.ts or at, event.id, event.side, price, size))

    def _log(
        self,
        at: int,
        kind: ChangeKind,
        subject: str,
        what: str,
        before: Decimal | str | None,
        after: Decimal | str | None,
        price: Decimal | None = None,
    ) -> None:
        self.version += 1
        self.changed_at = at
        self.log.append(Change(at, kind, subject, what, _text(before), _text(after), _text(price)))

    def open_orders(self, address: str | None = None) -> list[Working]:
        """Return the open orders, the newest first; of one instrument or of all."""
        found = [one for one in self.orders.values() if address in (None, one.order.address)]
        return sorted(found, key=lambda one: (-(one.order.created or 0), one.order.address, one.order.id))

    def fills_by_ms(self, address: str) -> dict[int, list[Fill]]:
        """Return the latest fills on an instrument by the millisecond of venue time they happened in.

        A fill and the print it was part of share that millisecond and the price; nothing else ties them.
        """
        found: dict[int, list[Fill]] = {}
        for one in self.fills:
            if one.address == address:
                found.setdefault(one.ts // 1_000_000, []).append(one)
        return found

    def portfolio(self, quote: str, price: Price) -> Portfolio:
        """Return what each asset is worth in ``quote`` and its share of all that has a price."""
        values = {asset: _value(holding, quote, price) for asset, holding in self.holdings.items()}
        whole = sum((value for value in values.values() if value is not None), Decimal(0))
        rows = [
            Valued(
                asset,
                holding.total,
                holding.available,
                holding.locked,
                values[asset],
                None if (worth := values[asset]) is None or whole <= 0 else _EXACT.divide(worth, whole),
            )
            for asset, holding in self.holdings.items()
        ]
        rows.sort(key=lambda row: (row.value is None, -(row.value or 0), row.asset))
        return Portfolio(quote, rows, whole, [row.asset for row in rows if row.value is None])

    def broken(self) -> list[str]:
        """Return where the provider's figures do not add up, in words; empty where all do."""
        words = [
            f"{one.asset}: available {one.available} is more than the total {one.total}"
            for one in self.holdings.values()
            if one.locked < 0
        ]
        for one in self.orders.values():
            if one.size is None or one.filled is None or one.remaining is None:
                continue
            if one.size != _EXACT.add(one.filled, one.remaining):
                words.append(
                    f"{_subject(one.order)}: size {one.size} is not filled {one.filled} + {one.remaining}"
                )
        return words


def _value(holding: Holding, quote: str, price: Price) -> Decimal | None:
    if holding.asset == quote:
        return holding.total
    known = price(holding.asset, quote)
    if known is None or known <= 0:
        return None
    return _EXACT.multiply(holding.total, known if isinstance(known, Decimal) else Decimal(repr(known)))


def _working(event: Order) -> Working:
    return Working(
        event,
        _decimal(event.price),
        _decimal(event.size),
        _decimal(event.filled),
        _decimal(event.remaining),
        _decimal(event.cost),
    )


def _subject(event: Order) -> str:
    return " ".join(one for one in (event.address.partition(":")[2], event.side, event.id) if one)


def _decimal(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _short(price: Decimal | None) -> Decimal | None:
    """Return a price with as many decimals as anybody reads: an average may have no end."""
    return None if price is None else round(price, _MOST_DECIMALS).normalize()


def _text(value: Decimal | str | None) -> str | None:
    return format(value, "f") if isinstance(value, Decimal) else value
