"""K-lines: from HTTP bodies to bars. The order of the wire is open, close, high, low [DOC]."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from mdterm.feeds.alltick import lenient, ticks
from mdterm.feeds.alltick.codes import kind_of
from mdterm.feeds.alltick.hours import date_of, session_of
from mdterm.feeds.events import Candle
from mdterm.feeds.intervals import DAY, LENGTHS, bucket_start

_LONGEST = 1e30


def bars_of(raw: object, address: str, code: str, interval: str, seen: int) -> tuple[list[Candle], int]:
    """Return bars, oldest first, and how many entries could not be read; all but the newest are closed.

    The provider sends bars twice or out of order at times: the last of the same time wins.
    """
    found: dict[int, Candle] = {}
    bad = 0
    for one in raw if isinstance(raw, list) else []:
        bar = _bar(one, address, code, interval, seen)
        if bar is None:
            bad += 1
        else:
            found[bar.open_ts] = bar
    bars = [found[open_ts] for open_ts in sorted(found)]
    return [msgspec.structs.replace(bar, closed=bar is not bars[-1]) for bar in bars], bad


def kline_list(data: object) -> object:
    """Return the bars of a ``/kline`` answer, also where it is nested like that of ``/batch-kline``."""
    listed = data.get("kline_list") if isinstance(data, dict) else None
    if isinstance(listed, list) and listed and isinstance(listed[0], dict) and "kline_data" in listed[0]:
        return listed[0]["kline_data"]
    return listed


def batch_list(data: object) -> list[tuple[str, int, object]]:
    """Return (code, kline_type, bars) of a ``/batch-kline`` answer."""
    listed = data.get("kline_list") if isinstance(data, dict) else None
    found = []
    for one in listed if isinstance(listed, list) else []:
        kline_type = lenient.integer(one.get("kline_type")) if isinstance(one, dict) else None
        if kline_type is not None and isinstance(code := one.get("code"), str):
            found.append((code, kline_type, one.get("kline_data")))
    return found


def fold(bars: Sequence[Candle], interval: str) -> list[Candle]:
    """Return longer bars made of shorter ones, cut in UTC."""
    folded: list[Candle] = []
    for bar in bars:
        open_ts = bucket_start(bar.open_ts, interval)
        if not folded or folded[-1].open_ts != open_ts:
            folded.append(msgspec.structs.replace(bar, interval=interval, open_ts=open_ts))
            continue
        last = folded[-1]
        known = last.volume is not None and bar.volume is not None
        folded[-1] = msgspec.structs.replace(
            last,
            high=max(last.high, bar.high),
            low=min(last.low, bar.low),
            close=bar.close,
            volume=(last.volume or 0.0) + (bar.volume or 0.0) if known else None,
        )
    return [msgspec.structs.replace(bar, closed=bar is not folded[-1]) for bar in folded]


def _bar(raw: Any, address: str, code: str, interval: str, seen: int) -> Candle | None:
    if not isinstance(raw, dict):
        return None
    at = ticks.time_ns(lenient.number(raw.get("timestamp")))
    prices = [
        ticks.number(lenient.number(raw.get(name)))
        for name in ("open_price", "high_price", "low_price", "close_price")
    ]
    if at is None or not all(price is not None and 0 < price < _LONGEST for price in prices):
        return None
    open_, high, low, close = (price for price in prices if price is not None)
    volume = ticks.size_of(lenient.number(raw.get("volume")), None, kind_of(code))
    return Candle(
        address=address,
        ts=None,
        seen=seen,
        interval=interval,
        open_ts=_opens(at, code, interval),
        open=open_,
        high=max(high, open_, close),
        low=min(low, open_, close),
        close=close,
        volume=None if volume is None or not 0 <= volume < _LONGEST else volume,
        closed=False,
    )


def _opens(at: int, code: str, interval: str) -> int:
    """Return when a bar opens. A day told as UTC midnight is a date: it opens when that session does."""
    session, dates = session_of(code), date_of(code)
    if session is None or dates is None or LENGTHS[interval] < DAY:
        return at
    is_date = at % DAY == 0
    return session.begins(
        datetime.fromtimestamp(at // 1_000_000_000, UTC).date() if is_date else dates.label(at)
    )
