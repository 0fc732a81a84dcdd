"""JayX's private link as a pure machine: balances ("positions") and open orders of one API key.

The first message after connecting is a snapshot [GUESS]: what is absent from it has left. An empty list of
orders names no symbol, so the symbols are asked for one after the other, and what answers a question is the
snapshot of that symbol.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from msgspec.structs import replace

from mdterm.feeds.contract import Due, Want
from mdterm.feeds.events import Balance, Event, Order
from mdterm.feeds.jayx import facts, wire
from mdterm.feeds.jayx.codec import SIDES
from mdterm.feeds.jayx.framing import Dialect
from mdterm.feeds.jayx.talk import Talk
from mdterm.feeds.jayx.units import Units, normal_ms, told
from mdterm.feeds.text import clean

log = logging.getLogger(__name__)

_MS = 1_000_000
_LONGEST = 64
"""Characters of a symbol at most."""
_Key = tuple[str, str]
"""Symbol and id of an order: an id is unique within one market only. [SIB]"""


class PrivateCodec(Talk):
    """The private link of one account. Lives across reconnects, so that it knows what has left meanwhile."""

    def __init__(
        self,
        *,
        name: str,
        api_key: str,
        dialect: Dialect,
        namespace: str,
        units: Callable[[str], Units],
        symbol_of: Callable[[str], str],
        doubted: Callable[[str, str], None] = lambda symbol, words: None,
        crowded: Callable[[str], None] = lambda words: None,
    ) -> None:
        super().__init__(dialect, namespace, (api_key,))
        self._name = name
        self._api_key = api_key
        self._units = units
        self._symbol_of = symbol_of
        self._doubted = doubted
        self._crowded = crowded
        self.left_out = 0
        """Tellings of orders and balances beyond what is kept, since the socket was opened."""
        self._wants_balances = False
        self._symbols: tuple[str, ...] = ()
        self._asked_balances = False
        self._asked: list[str] = []
        self._answer_by: float | None = None
        """Until when the orders of the symbol asked last are awaited."""
        self._awaited: set[str] = set()
        """Symbols whose first message is still to come."""
        self._whole_balances = False
        """Whether the next list of balances is the first on this connection."""
        self._assets: set[str] = set()
        self._orders: dict[_Key, Order] = {}

    def want(self, wants: Sequence[Want]) -> None:
        """Set what is wanted. Orders are asked for symbol by symbol; none is ever unsubscribed."""
        self._wants_balances = any(want.stream == "balance" for want in wants)
        found = [self._symbol_of(want.address) for want in sorted(wants) if want.stream == "order"]
        self._symbols = tuple(dict.fromkeys(found))

    def opened(self, now: float) -> None:
        """Begin anew on a fresh socket: the next messages are snapshots."""
        super().opened(now)
        self._asked_balances = False
        self._asked.clear()
        self._answer_by = None
        self._awaited.clear()
        self._whole_balances = True
        if self.left_out:
            self.left_out = 0
            self._crowded("")

    def due(self, now: float) -> Due:
        """Ask for the balances, then for the orders of each symbol."""
        messages, next_due = self._talk_due(now)
        if not self._line.ready:
            return Due(messages, next_due)
        if self._wants_balances and not self._asked_balances:
            self._asked_balances = True
            messages.append(self._ask("positions", self._fields()))
        if self._answer_by is not None and now >= self._answer_by:
            self._answer_by = None  # it may well come later, or there is nothing to tell
        for symbol in self._symbols:
            if self._answer_by is not None:
                break
            if symbol not in self._asked:
                self._asked.append(symbol)
                self._awaited.add(symbol)
                self._answer_by = now + facts.SUBSCRIBE_REPLY_S
                messages.append(self._ask("openorders", {**self._fields(), "symbol": symbol}))
        times = [at for at in (next_due, self._answer_by) if at is not None]
        return Due(messages, min(times, default=None))

    def _fields(self) -> dict[str, str]:
        return {"apiKey": self._api_key, "category": facts.CATEGORY}

    def feed(self, frame: bytes, seen: int) -> list[Event]:
        """Turn one frame into events. Never raise."""
        update = self._update(frame)
        if update is None:
            return []
        if isinstance(update, wire.Trouble):
            if not self._flowing:
                verdict = self._verdict(update.words)
                self.verdicts.append(replace(verdict, detail=f"the server refused: {verdict.detail}"))
            return []
        if isinstance(update, wire.Positions):
            self._flowing = True
            return list(self._balances(update.spot, seen))
        if isinstance(update, wire.OpenOrders):
            self._flowing = True
            return list(self._open_orders(update, seen))
        if not isinstance(update, wire.Klines) or update.candles:
            self.unknown += 1
        return []

    def _balances(self, told_: Sequence[wire.Position], seen: int) -> Iterable[Balance]:
        listed: set[str] = set()
        fresh = 0
        for one in told_:
            total, available = told(one.balance), told(one.available)
            asset = clean(one.asset, 24)
            if total is None or available is None or not asset:
                self.bad_frames += 1
                continue
            if asset not in listed and asset not in self._assets:
                if len(self._assets) + fresh >= facts.MAX_ASSETS:
                    self._leave_out(f"more than {facts.MAX_ASSETS} assets")
                    continue
                fresh += 1
            listed.add(asset)
            yield Balance(self._name, None, seen, asset, total, available)
        if self._whole_balances:
            self._whole_balances = False
            for asset in sorted(self._assets - listed):
                yield Balance(self._name, None, seen, asset, "0", "0")
            self._assets.clear()
        self._assets |= listed

    def _open_orders(self, update: wire.OpenOrders, seen: int) -> Iterable[Order]:
        listed: set[_Key] = set()
        symbols: set[str] = set()
        for entry in update.upserts:
            order = self._order(entry, seen)
            if order is None:
                self.bad_frames += 1
                continue
            assert entry.symbol is not None
            key = (entry.symbol, order.id)
            listed.add(key)
            symbols.add(entry.symbol)
            yield from self._upsert(key, order)
        for one in update.cancel:
            if isinstance(one, wire.Entry) and one.symbol is not None:
                symbols.add(one.symbol)
            yield from self._cancel(one, seen)
        for symbol in self._answered(symbols):
            for key in [key for key in self._orders if key[0] == symbol and key not in listed]:
                gone = self._orders.pop(key)
                yield replace(gone, seen=seen, state="gone while away", removed=True)

    def _answered(self, symbols: set[str]) -> list[str]:
        """Return the symbols whose snapshot this message is."""
        if self._answer_by is not None:
            asked = self._asked[-1]
            if not symbols or asked in symbols:
                self._answer_by = None
                symbols = symbols | {asked}
        elif not symbols and len(self._awaited) == 1:
            symbols = set(self._awaited)
        found = sorted(symbols & self._awaited)
        self._awaited.difference_update(found)
        return found

    def _upsert(self, key: _Key, order: Order) -> Iterable[Order]:
        if order.removed:
            # One that was never told open leaves without a word, unless it did something.
            known = self._orders.pop(key, None)
            if known is not None or order.filled != "0":
                yield order
            return
        if key not in self._orders and len(self._orders) >= facts.MAX_OPEN_ORDERS:
            self._leave_out(f"more than {facts.MAX_OPEN_ORDERS} open orders")
            return
        self._orders[key] = order
        yield order

    def _leave_out(self, words: str) -> None:
        """Count what is not kept: one that is told now and never told gone would stand there for ever."""
        self.left_out += 1
        self._crowded(f"{words}: what came later is left out ({self.left_out} times so far)")

    def _cancel(self, one: wire.Entry | int | str, seen: int) -> Iterable[Order]:
        id_ = one.id if isinstance(one, wire.Entry) else one
        symbol = one.symbol if isinstance(one, wire.Entry) else None
        found = [key for key in self._orders if key[1] == str(id_) and symbol in (None, key[0])]
        if len(found) > 1:
            # The same id in two markets: only a new snapshot tells which.
            self.needs_reset = True
            return
        for key in found:
            known = self._orders.pop(key)
            order = None
            if isinstance(one, wire.Entry) and one.resd is not None:
                order = self._order(one if one.symbol else replace(one, symbol=key[0]), seen)
            state = "cancelled"
            if order is not None:
                known = order
                state = order.state if order.removed and order.state else state
            yield replace(known, seen=seen, state=state, removed=True)

    def _order(self, entry: wire.Entry, seen: int) -> Order | None:
        symbol, resd, done = entry.symbol, entry.resd, entry.exec or 0
        if entry.id in (None, "") or symbol is None or resd is None or resd < 0 or done < 0:
            return None
        if not symbol.isprintable() or any(c.isspace() for c in symbol) or not 0 < len(symbol) <= _LONGEST:
            return None
        units = self._units(symbol)
        created, modified = normal_ms(entry.created), normal_ms(entry.modified)
        changed = modified or created
        state, removed = state_of(entry.state, resd, done)
        price = None if entry.price is None or not entry.price else told(entry.price)
        self._doubt(symbol, entry, units)
        return Order(
            f"{self._name}:{symbol}",
            None if changed is None else changed * _MS,
            seen,
            clean(str(entry.id), 64),
            SIDES.get((entry.side or "").upper()),
            None if entry.type is None else clean(entry.type, 24),
            state,
            price,
            units.lot.text(resd + done),
            units.lot.text(done),
            units.lot.text(resd),
            None if entry.cost is None else units.notional(entry.cost),
            None if created is None else created * _MS,
            None if modified is None else modified * _MS,
            removed,
        )

    def _doubt(self, symbol: str, entry: wire.Entry, units: Units) -> None:
        """Say so where the provider's own figures contradict the units; hide nothing."""
        if entry.quantity is None or not entry.price or units.lot.step is None or entry.resd is None:
            return
        if told(entry.quantity) is None or told(entry.price) is None:
            return
        size = Decimal(units.lot.text(entry.resd + (entry.exec or 0)))
        if entry.quantity not in (size, size * entry.price):
            words = f"an order's quantity is neither its size nor its value: is the lot of {symbol} right?"
            self._doubted(symbol, words)


def state_of(told_: str | None, resd: int, done: int) -> tuple[str, bool]:
    """Return an order's state in our words, and whether it has left."""
    raw = (told_ or "").upper()
    state = facts.STATES.get(raw, clean(raw.lower(), 24) or "open")
    if resd == 0 and state in ("open", "partly filled", "pending"):
        return ("filled" if done else "done"), True
    if state == "open" and done:
        state = "partly filled"
    return state, state in facts.ENDED
