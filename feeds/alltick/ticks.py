"""From wire data to events: what numbers, times and sizes mean. Shared by the sockets and by HTTP."""

from math import inf

from mdterm.feeds.alltick import lenient, wire
from mdterm.feeds.alltick.codes import SIDED, UNITS, Kind
from mdterm.feeds.alltick.facts import MAX_LEVELS
from mdterm.feeds.events import Book, Side, Trade

_SIDES: dict[float, Side] = {1: "buy", 2: "sell"}
_LATEST_NS = 4_102_444_800_000_000_000  # the year 2100: later than this is no time
_ID_LIMIT = 40


def number(value: wire.Num) -> float | None:
    """Return a finite number, None for one that is missing, empty or unreadable."""
    if value is None or value == "":
        return None
    try:
        # Python reads 1_000 as a number; nobody else does.
        found = float(value) if type(value) is not str or "_" not in value else inf
    except (ValueError, OverflowError):
        return None
    return found if -inf < found < inf else None


def time_ns(value: wire.Num) -> int | None:
    """Return a venue time in ns; seconds, milli-, micro- and nanoseconds are told apart by their size."""
    try:
        count = int(value) if value is not None and value != "" else 0
    except (ValueError, OverflowError):
        fraction = number(value)
        if fraction is None:
            return None
        count = int(fraction)
    if count <= 0:
        return None
    if count < 100_000_000_000:
        count *= 1_000_000_000
    elif count < 100_000_000_000_000:
        count *= 1_000_000
    elif count < 100_000_000_000_000_000:
        count *= 1_000
    return count if count < _LATEST_NS else None


def _stamped(data: wire.Data | wire.Print | wire.Depth) -> int | None:
    """Return the venue's time of a push, under either of its names."""
    found = time_ns(data.tick_time)
    return time_ns(data.timestamp) if found is None else found


def size_of(value: wire.Num, alias: wire.Num, kind: Kind) -> float | None:
    """Return a size; None where it is unknown, which a zero of an instrument without sizes is too."""
    found = number(alias if value is None or value == "" else value)
    return None if found == 0 and kind not in SIDED else found


def trade_of(address: str, kind: Kind, data: wire.Data, seen: int) -> Trade | None:
    """Return a print, None if its price or size cannot be one."""
    price = number(data.price)
    size = size_of(data.volume, data.volumn, kind)
    if price is None or price <= 0 or (size is not None and size < 0):
        return None
    turnover = size_of(data.turnover, data.quoteVolume, kind)
    return Trade(
        address,
        _stamped(data),
        seen,
        id_of(data),
        price,
        size,
        _SIDES.get(direction_of(data)) if kind in SIDED else None,
        None if turnover is None or turnover < 0 else turnover,
    )


def plain_trade(address: str, is_sided: bool, data: wire.Print, seen: int) -> Trade | None:
    """Return a print that came as documented, None if its price or size cannot be one: the hot path."""
    price, stamp = data.price, data.tick_time
    size = data.volume if data.volume is not None else data.volumn
    turnover = data.turnover if data.turnover is not None else data.quoteVolume
    if not 0.0 < price < inf:
        return None
    if size is not None and not 0.0 < size < inf:
        if -inf < size < 0.0:
            return None
        if size != 0.0 or not is_sided:
            size = None
    if turnover is not None and not 0.0 < turnover < inf and (turnover != 0.0 or not is_sided):
        turnover = None
    in_ms = 100_000_000_000 <= stamp < 4_102_444_800_000
    return Trade(
        address,
        stamp * 1_000_000 if in_ms else _stamped(data),
        seen,
        None if data.seq is None else str(data.seq)[:_ID_LIMIT],
        price,
        size,
        _SIDES.get(data.trade_direction) if is_sided else None,
        turnover,
    )


def plain_book(address: str, kind: Kind, is_sided: bool, data: wire.Depth, seen: int) -> tuple[Book, int]:
    """Return a book that came as documented, and how many of its levels cannot be ones."""
    bid_prices, bid_sizes, bad_bids = _plain_columns(data.bids, is_sided, -1.0)
    ask_prices, ask_sizes, bad_asks = _plain_columns(data.asks, is_sided, 1.0)
    ts = _stamped(data)
    unit = UNITS.get(kind)
    book = Book(address, ts, seen, bid_prices, bid_sizes, ask_prices, ask_sizes, None, unit)
    return book, bad_bids + bad_asks


def _plain_columns(
    levels: list[wire.Rung], is_sided: bool, way: float
) -> tuple[list[float], list[float | None], int]:
    prices: list[float] = []
    sizes: list[float | None] = []
    bad, ordered, last = 0, True, -inf
    for level in levels[:MAX_LEVELS]:
        price, size = level.price, level.volume if level.volume is not None else level.volumn
        if not 0.0 < price < inf:
            bad += price != 0.0
            continue
        if size is not None and not 0.0 < size < inf:
            if size == 0.0 and is_sided:
                continue
            if -inf < size < 0.0:
                bad += 1
                continue
            size = None
        at = price * way
        if at < last:
            ordered = False
        last = at
        prices.append(price)
        sizes.append(size)
    if ordered:
        return prices, sizes, bad
    rows = sorted(zip(prices, sizes, strict=True), key=lambda row: row[0] * way)
    return [row[0] for row in rows], [row[1] for row in rows], bad


def id_of(data: wire.Data) -> str | None:
    """Return seq as the id of a print, without the zeros that a text may begin with."""
    seq = data.seq
    if seq is None or seq == "":
        return None
    count = lenient.integer(seq)
    if count is None and (found := number(seq)) is not None and found.is_integer():
        count = int(found)
    return str(seq if count is None else count)[:_ID_LIMIT]


def direction_of(data: wire.Data) -> float:
    """Return the direction as a number, 0 where there is none."""
    found = number(data.trade_direction)
    return 0.0 if found is None else found


def book_of(address: str, kind: Kind, data: wire.Data, seen: int) -> tuple[Book, int] | None:
    """Return a book and how many of its levels could not be read; None if it is no book.

    Levels without a price (limit-up, limit-down, suspended) are left out, and so are empty ones where
    sizes are published.
    """
    bids = _side(data.bids if data.bids is not None else data.bid_list)
    asks = _side(data.asks if data.asks is not None else data.ask_list)
    if bids is None or asks is None or (bids is _ABSENT and asks is _ABSENT):
        return None
    bid_prices, bid_sizes, bad_bids = _columns(bids, kind, -1.0)
    ask_prices, ask_sizes, bad_asks = _columns(asks, kind, 1.0)
    book = Book(
        address,
        _stamped(data),
        seen,
        bid_prices,
        bid_sizes,
        ask_prices,
        ask_sizes,
        None,
        UNITS.get(kind),
    )
    return book, bad_bids + bad_asks


def is_crossed(book: Book) -> bool:
    """Whether the best bid stands above the best ask, which true levels never do."""
    return bool(book.bid_prices and book.ask_prices and book.bid_prices[0] > book.ask_prices[0])


_Side = list[wire.Level | list[wire.Num]]
_ABSENT: _Side = []


def _side(levels: wire.Levels) -> _Side | None:
    if levels is None:
        return _ABSENT
    return lenient.levels_of(levels) if isinstance(levels, str) else levels


def _columns(levels: _Side, kind: Kind, way: float) -> tuple[list[float], list[float | None], int]:
    """Return prices and sizes, best first, and the count of unreadable levels; ``way`` is 1 for asks."""
    rows: list[tuple[float, float | None]] = []
    bad, ordered, last = 0, True, -inf
    for level in levels[:MAX_LEVELS]:
        if type(level) is wire.Level:
            price, size = number(level.price), size_of(level.volume, level.volumn, kind)
        else:
            pair = (*level, None, None)[:2] if isinstance(level, list) else (None, None)
            price, size = number(pair[0]), size_of(pair[1], None, kind)
        if price == 0 or (price is not None and price > 0 and size == 0):
            continue
        if price is None or price < 0 or (size is not None and size < 0):
            bad += 1
            continue
        ordered = ordered and price * way >= last
        last = price * way
        rows.append((price, size))
    if not ordered:
        rows.sort(key=lambda row: row[0] * way)
    return [row[0] for row in rows], [row[1] for row in rows], bad
