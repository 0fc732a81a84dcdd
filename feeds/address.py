"""Addresses: which instrument of which provider."""

import msgspec

from mdterm.feeds.text import clean


class AddressError(ValueError):
    """An address that cannot be read, in words for a person."""


class Address(msgspec.Struct, frozen=True, order=True):
    """``provider:symbol`` or ``provider:EXCHANGE:symbol``; case is kept.

    ``provider`` is the instance name (a table of the configuration), not the kind.
    """

    provider: str
    symbol: str
    exchange: str | None = None

    def __str__(self) -> str:
        """Return the address as it is written."""
        if self.exchange is None:
            return f"{self.provider}:{self.symbol}"
        return f"{self.provider}:{self.exchange}:{self.symbol}"


def parse_address(text: str) -> Address:
    """Read an address, splitting at most twice. Raise AddressError."""
    shown = clean(text, 80)
    if not text.isprintable() or any(c.isspace() for c in text):
        raise AddressError(f"address {shown!r} holds blanks or control characters")
    parts = text.split(":", 2)
    if len(parts) < 2:
        raise AddressError(
            f"address {shown!r} names no provider: write PROVIDER:SYMBOL, for example kiyotaka:"
            f"BINANCE_FUTURES:BTCUSDT or sim:BTCUSDT"
        )
    if not all(parts):
        raise AddressError(f"address {shown!r} has an empty part: write PROVIDER:SYMBOL")
    if len(parts) == 2:
        return Address(parts[0], parts[1])
    return Address(parts[0], parts[2], parts[1])


class Instrument(msgspec.Struct, frozen=True):
    """What a provider knows of an address before any data has come.

    ``tick`` and ``lot`` are None where nobody has said; ``kind`` is the provider's kind, ``exchange``
    and ``symbol`` are as on the wire. ``grouped`` marks a whole coin instead of one market, ``has_account``
    an instrument whose provider tells of an account too.
    """

    address: str
    provider: str
    kind: str
    symbol: str
    exchange: str | None = None
    tick: float | None = None
    lot: float | None = None
    grouped: bool = False
    simulated: bool = False
    has_account: bool = False

    @property
    def venue(self) -> str:
        """Where it trades, for a header: ``provider · EXCHANGE``."""
        return self.provider if self.exchange is None else f"{self.provider} · {self.exchange}"
