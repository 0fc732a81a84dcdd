"""What one instance remembers of what came, over all its links: prints already counted, and who speaks."""

from mdterm.feeds.events import Stream, Trade
from mdterm.feeds.recent import Recent

PRINTS_KEPT = 4096
PRINTS_AGE_S = 60.0


class Prints:
    """Tell new prints from repeated ones.

    A print is known by (seq, time, price, size, direction); over HTTP by the same without seq, which
    counts otherwise there [CAP]. Kept for each instrument: the last 60 s and the last print at least, 4,096
    at least where more come, at most twice that; the last print alone where nobody watches any more. A print
    with neither seq nor time is always new.
    """

    def __init__(self) -> None:
        self._pushed: dict[str, Recent] = {}
        self._polled: dict[str, Recent] = {}
        self._last: dict[str, int] = {}
        self.duplicates = 0

    def is_new(self, trade: Trade, direction: float) -> bool:
        """Return whether a pushed print was not seen before, and remember it."""
        address, ts = trade.address, trade.ts
        if ts is None and trade.id is None:
            return True
        if self._polled and address in self._polled:
            polled, seqless = self._polled[address], hash((ts, trade.price, trade.size, direction))
            if seqless in polled.current or seqless in polled.previous:
                self.duplicates += 1
                return False
        key = hash((trade.id, ts, trade.price, trade.size, direction))
        recent = self._pushed.get(address)
        if recent is None:
            recent = self._pushed[address] = Recent(PRINTS_KEPT, PRINTS_AGE_S)
        if key in recent.current or key in recent.previous:
            self.duplicates += 1
            return False
        # Only a new print lets old ones go: after hours of silence the last is still known.
        recent.turn(trade.seen)
        recent.current.add(key)
        self._last[address] = key
        return True

    def is_new_polled(self, trade: Trade, direction: float, pushed_until: int | None) -> bool:
        """Return whether a polled print was not seen before; ``pushed_until``: the last pushed one's time."""
        if pushed_until is not None and trade.ts is not None and trade.ts <= pushed_until:
            self.duplicates += 1
            return False
        key = hash((trade.ts, trade.price, trade.size, direction))
        recent = self._polled.get(trade.address)
        if recent is None:
            recent = self._polled[trade.address] = Recent(PRINTS_KEPT, PRINTS_AGE_S)
        if key in recent.current or key in recent.previous:
            self.duplicates += 1
            return False
        recent.turn(trade.seen)
        recent.current.add(key)
        return True

    def shelve(self, address: str) -> None:
        """Keep no more than the last print of an instrument: it is repeated when it is subscribed again."""
        self._polled.pop(address, None)
        recent = self._pushed.get(address)
        if recent is not None:
            recent.previous, recent.current = set(), {self._last[address]}


class Pulse:
    """When the sockets last spoke of what; times are wall time in ns, keys (address, stream)."""

    def __init__(self) -> None:
        self.acknowledged: dict[tuple[str, Stream], int] = {}
        self.heard: dict[tuple[str, Stream], int] = {}
        self.traded: dict[str, int] = {}
        """The newest venue time of a pushed print by address."""
        self.stamped: dict[str, int] = {}
        """The newest venue time of anything pushed by address."""

    def spoke(self, address: str, stream: Stream, ts: int | None, seen: int) -> None:
        """Note a push of a stream, with the venue's time of it."""
        self.heard[address, stream] = seen
        if ts is not None:
            if ts > self.stamped.get(address, 0):
                self.stamped[address] = ts
            if stream == "trade" and ts > self.traded.get(address, 0):
                self.traded[address] = ts

    def silent_since(self, address: str, stream: Stream) -> int | None:
        """Return when a subscription was acknowledged that has brought nothing since, else None."""
        key = (address, stream)
        acknowledged = self.acknowledged.get(key)
        if acknowledged is None or self.heard.get(key, 0) >= acknowledged:
            return None
        return acknowledged

    def last(self, address: str) -> int | None:
        """Return when the sockets last spoke of an instrument."""
        heard = (self.heard.get((address, "trade"), 0), self.heard.get((address, "book"), 0))
        return max(heard) or None

    def lost(self, addresses: set[str]) -> None:
        """Take acknowledgements back: the socket they were for is gone."""
        for key in [key for key in self.acknowledged if key[0] in addresses]:
            del self.acknowledged[key]
