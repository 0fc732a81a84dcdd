"""When AllTick's markets trade, and when their days begin. Data and one pure function.

Forex, metals and energy are told in UTC, an hour later in winter [DOC]: that is New York time. CFD
indices are not told: their weekend alone is believed [INF]. Stocks trade in their exchange's hours, the
United States with both extended sessions [CAP], Hong Kong and the mainland with their auctions. Holidays
are in no API: such a day looks like any other that is silent.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from mdterm.feeds.alltick.codes import BASE_METALS, kind_of, market_of
from mdterm.feeds.intervals import Session

_NS = 1_000_000_000
_MINUTE_NS = 60 * _NS
_DAY, _WEEK = 1440, 7 * 1440


class Hours(msgspec.Struct, frozen=True):
    """A week of trading: spans in minutes since Monday, midnight in ``zone``, in order."""

    zone: str
    spans: tuple[tuple[int, int], ...]


def _at(day: int, clock: int) -> int:
    """Return the minute of the week; ``clock`` as on the wall: 1730 is half past five in the afternoon."""
    return day * _DAY + clock // 100 * 60 + clock % 100


def _daily(zone: str, *spans: tuple[int, int]) -> Hours:
    """Monday to Friday, the same hours every day."""
    return Hours(zone, tuple((_at(day, begin), _at(day, end)) for day in range(5) for begin, end in spans))


def _around(opens: int, closes: int, pause: int | None = None) -> Hours:
    """From Sunday's opening to Friday's close in New York; with ``pause``, closed daily until then."""
    friday = _at(4, closes)
    if pause is None:
        return Hours("America/New_York", ((0, friday), (_at(6, opens), _WEEK)))
    spans = [(0, _at(0, closes))]
    spans += [(_at(day - 1, pause), _at(day, closes)) for day in range(1, 5)]
    return Hours("America/New_York", (*spans, (_at(6, opens), _WEEK)))


FOREX = _around(1700, 1700)
METALS = _around(1800, 1700, pause=1800)  # also US oil and natural gas
BRENT = _around(2000, 1700, pause=2000)
BASE_METAL = _around(2000, 1400, pause=2000)
CFD = _around(1800, 1700)
HONG_KONG = _daily("Asia/Hong_Kong", (900, 1200), (1300, 1610))
MAINLAND = _daily("Asia/Shanghai", (915, 1130), (1300, 1500))
UNITED_STATES = _daily("America/New_York", (400, 2000))
US_INDEX = _daily("America/New_York", (930, 1600))

# The sums and bars of a stock begin with its exchange's session: in the United States with the opening
# cross, so that trading before it ends the day before; in Asia with the hour of the opening auction, which
# belongs to the day. A price is compared with the close before its date. Forex and its kin have one day for
# both, from New York's close on; crypto's is that of UTC.
_NEW_YORK_CLOSE = Session("America/New_York", -300, 17 * 60)
_SESSIONS: dict[str, Session] = {
    "HK": Session("Asia/Hong_Kong", 480, 9 * 60),
    "US": Session("America/New_York", -300, 9 * 60 + 30),
    "SH": Session("Asia/Shanghai", 480, 9 * 60),
    "SZ": Session("Asia/Shanghai", 480, 9 * 60),
}
_DATES = {market: Session(one.zone, one.standard_min) for market, one in _SESSIONS.items()}


@lru_cache(maxsize=8192)
def hours_of(code: str) -> Hours | None:
    """Return an instrument's trading hours, None where it always trades or nobody knows."""
    kind, market = kind_of(code), market_of(code)
    if market == "HK":
        return HONG_KONG
    if market == "US":
        return US_INDEX if kind == "index" else UNITED_STATES
    if market is not None:
        return MAINLAND
    if kind == "metal":
        return BASE_METAL if code in BASE_METALS else METALS
    if kind == "energy":
        return BRENT if code == "UKOIL" else METALS
    return {"forex": FOREX, "cfd": CFD}.get(kind)


@lru_cache(maxsize=8192)
def session_of(code: str) -> Session | None:
    """Return when an instrument's sums and bars of a day begin, None for UTC days."""
    market = market_of(code)
    if market is not None:
        return _SESSIONS[market]
    return _NEW_YORK_CLOSE if kind_of(code) in ("forex", "metal", "energy", "cfd") else None


def date_of(code: str) -> Session | None:
    """Return when an instrument's date changes, None for UTC: what a close is the close of."""
    market = market_of(code)
    return session_of(code) if market is None else _DATES[market]


def closed_since(hours: Hours, now_ns: int) -> int | None:
    """Return when (ns) the market closed, None while it is open."""
    return _closed_since(hours, now_ns // _MINUTE_NS)


@lru_cache(maxsize=256)
def _closed_since(hours: Hours, minute: int) -> int | None:
    zone = ZoneInfo(hours.zone)
    local = datetime.fromtimestamp(minute * 60, zone).replace(tzinfo=None)
    monday = datetime(local.year, local.month, local.day) - timedelta(days=local.weekday())
    at = int((local - monday).total_seconds()) // 60
    ended = hours.spans[-1][1] - _WEEK
    for begin, end in hours.spans:
        if begin <= at < end:
            return None
        if end <= at:
            ended = end
    closed = (monday + timedelta(minutes=ended)).replace(tzinfo=zone)
    return int(closed.timestamp()) * _NS
