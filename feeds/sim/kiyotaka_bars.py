"""The points of Kiyotaka's REST API: bars of history in, wire structs out.

Names are those of the wire. Zeros are left out, as the service leaves them out.
"""

import msgspec
from msgspec import UNSET, UnsetType

from mdterm.feeds.sim.history import Bar, Leg, Swing
from mdterm.feeds.sim.kiyotaka_points import profile_rows

Told = float | UnsetType
"""A figure on the wire, or nothing where it is zero."""


class Stamp(msgspec.Struct, omit_defaults=True):
    """A time as REST tells it."""

    s: int
    ns: int = 0


class Point(msgspec.Struct, omit_defaults=True):
    """The fields of all types of points."""

    open: Told = UNSET
    high: Told = UNSET
    low: Told = UNSET
    close: Told = UNSET
    volume: Told = UNSET
    liquidations: Told = UNSET
    rateOpen: Told = UNSET
    rateHigh: Told = UNSET
    rateLow: Told = UNSET
    rateClose: Told = UNSET
    predictedOpen: Told = UNSET
    predictedHigh: Told = UNSET
    predictedLow: Told = UNSET
    predictedClose: Told = UNSET
    profile: list[float] | UnsetType = UNSET
    timestamp: Stamp | UnsetType = UNSET
    firstTimestamp: Stamp | UnsetType = UNSET
    lastTimestamp: Stamp | UnsetType = UNSET


class Wrapped(msgspec.Struct):
    """The key every point hides behind."""

    Point: Point


class Identity(msgspec.Struct, omit_defaults=True):
    """Whose points they are."""

    type: str
    exchange: str
    rawSymbol: str
    normalizedSymbol: str
    category: str
    interval: str
    side: str | None = None
    coin: str | None = None
    blockSize: float | None = None


class Series(msgspec.Struct):
    """One line of points."""

    id: Identity
    points: list[Wrapped]


def stamp(ts: int) -> Stamp:
    """Return a time as REST tells it."""
    return Stamp(*divmod(ts, 1_000_000_000))


def told(value: float) -> Told:
    """Leave out what is zero."""
    return value if value else UNSET


def candle(open_ts: int, leg: Leg, in_usd: bool) -> Wrapped:
    """Tell some trades as a candle."""
    point = Point(timestamp=stamp(open_ts))
    point.open, point.high = told(leg.open), told(leg.high)
    point.low, point.close = told(leg.low), told(leg.close)
    point.volume = told(round(leg.turnover if in_usd else leg.volume, 8))
    point.firstTimestamp, point.lastTimestamp = stamp(leg.first_ts), stamp(leg.last_ts)
    return Wrapped(point)


def fill_gaps(points: list[Wrapped], interval_ns: int) -> list[Wrapped]:
    """Put a bar without volume at the last close wherever none is."""
    filled: list[Wrapped] = []
    due = 0
    for wrapped in points:
        opened = wrapped.Point.timestamp
        assert isinstance(opened, Stamp)
        while filled and due < opened.s * 10**9:
            close = filled[-1].Point.close
            flat = Point(open=close, high=close, low=close, close=close, timestamp=stamp(due))
            filled.append(Wrapped(flat))
            due += interval_ns
        filled.append(wrapped)
        due = opened.s * 10**9 + interval_ns
    return filled


def on_side(identity: Identity, side: str, points: list[Wrapped]) -> Series:
    """Return the series of one side."""
    return Series(msgspec.structs.replace(identity, side=side), points)


def liquidated(bar: Bar, amount: float) -> Wrapped:
    """Tell how much was liquidated."""
    return Wrapped(Point(liquidations=round(amount, 8), timestamp=stamp(bar.open_ts)))


def open_interest(bar: Bar, interest: Swing, in_usd: bool) -> Wrapped:
    """Tell open interest, in coins or dollars."""
    price = bar.whole.close if in_usd and bar.whole is not None else 1.0
    point = Point(timestamp=stamp(bar.open_ts))
    point.open, point.high = told(interest.open * price), told(interest.high * price)
    point.low, point.close = told(interest.low * price), told(interest.close * price)
    return Wrapped(point)


def funding(bar: Bar, rate: Swing) -> Wrapped:
    """Tell the funding rate and its prediction."""
    point = Point(timestamp=stamp(bar.open_ts))
    point.rateOpen, point.rateHigh = told(rate.open), told(rate.high)
    point.rateLow, point.rateClose = told(rate.low), told(rate.close)
    if bar.predicted is not None:
        point.predictedOpen, point.predictedHigh = told(bar.predicted.open), told(bar.predicted.high)
        point.predictedLow, point.predictedClose = told(bar.predicted.low), told(bar.predicted.close)
    return Wrapped(point)


def profile(bar: Bar, block: float) -> Wrapped:
    """Tell volume by price."""
    return Wrapped(Point(profile=profile_rows(bar.profile, block), timestamp=stamp(bar.open_ts)))
