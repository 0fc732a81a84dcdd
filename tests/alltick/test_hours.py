"""Trading hours and days, in summer and winter."""

from datetime import UTC, datetime

import pytest

from mdterm.feeds.alltick.hours import closed_since, date_of, hours_of, session_of
from mdterm.feeds.intervals import bucket_start


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


# 2026-07-08 is a Wednesday in summer, 2026-01-14 one in winter. None: open.
CASES = [
    ("BTCUSDT", "2026-07-11T03:00", None),
    ("EURUSD", "2026-07-10T20:59", None),
    ("EURUSD", "2026-07-10T21:00", "2026-07-10T21:00"),
    ("EURUSD", "2026-07-12T20:59", "2026-07-10T21:00"),
    ("EURUSD", "2026-07-12T21:00", None),
    ("EURUSD", "2026-01-16T21:59", None),
    ("EURUSD", "2026-01-16T22:30", "2026-01-16T22:00"),
    ("EURUSD", "2026-07-13T00:00", None),
    ("GOLD", "2026-07-08T20:59", None),
    ("GOLD", "2026-07-08T21:30", "2026-07-08T21:00"),
    ("GOLD", "2026-07-08T22:00", None),
    ("GOLD", "2026-07-12T21:30", "2026-07-10T21:00"),
    ("GOLD", "2026-07-12T22:00", None),
    ("USOIL", "2026-01-14T22:30", "2026-01-14T22:00"),
    ("XAUEUR", "2026-07-08T21:30", "2026-07-08T21:00"),
    ("UKOIL", "2026-07-08T23:00", "2026-07-08T21:00"),
    ("UKOIL", "2026-07-09T00:00", None),
    ("COPPER", "2026-07-08T17:59", None),
    ("COPPER", "2026-07-08T18:00", "2026-07-08T18:00"),
    ("US500", "2026-07-08T21:30", None),
    ("US500", "2026-07-11T12:00", "2026-07-10T21:00"),
    ("700.HK", "2026-07-08T01:00", None),
    ("700.HK", "2026-07-08T04:30", "2026-07-08T04:00"),
    ("700.HK", "2026-07-08T08:09", None),
    ("700.HK", "2026-07-08T09:00", "2026-07-08T08:10"),
    ("700.HK", "2026-07-13T00:59", "2026-07-10T08:10"),
    ("600519.SH", "2026-07-08T03:31", "2026-07-08T03:30"),
    ("000651.SZ", "2026-07-08T06:59", None),
    ("AAPL.US", "2026-07-08T08:00", None),
    ("AAPL.US", "2026-07-09T00:00", "2026-07-09T00:00"),
    ("AAPL.US", "2026-01-14T08:30", "2026-01-14T01:00"),
    ("AAPL.US", "2026-07-12T12:00", "2026-07-11T00:00"),
    (".DJI.US", "2026-07-08T13:29", "2026-07-07T20:00"),
    (".DJI.US", "2026-07-08T13:30", None),
]


@pytest.mark.parametrize(("code", "at", "since"), CASES)
def test_when_a_market_is_closed(code: str, at: str, since: str | None) -> None:
    week = hours_of(code)
    found = None if week is None else closed_since(week, ns(at))
    assert found == (None if since is None else ns(since))


@pytest.mark.parametrize(
    ("code", "at", "begins"),
    [
        ("700.HK", "2026-07-08T01:20", "2026-07-08T01:00"),
        ("700.HK", "2026-07-08T08:08", "2026-07-08T01:00"),
        ("600519.SH", "2026-07-08T01:25", "2026-07-08T01:00"),
        ("AAPL.US", "2026-07-08T13:29", "2026-07-07T13:30"),
        ("AAPL.US", "2026-07-08T13:30", "2026-07-08T13:30"),
        ("AAPL.US", "2026-07-08T23:30", "2026-07-08T13:30"),
        ("AAPL.US", "2026-01-14T14:29", "2026-01-13T14:30"),
        ("AAPL.US", "2026-01-14T23:30", "2026-01-14T14:30"),
        ("EURUSD", "2026-07-08T21:30", "2026-07-08T21:00"),
        ("GOLD", "2026-01-14T21:30", "2026-01-13T22:00"),
        ("BTCUSDT", "2026-07-08T23:30", "2026-07-08T00:00"),
    ],
)
def test_when_a_session_begins(code: str, at: str, begins: str) -> None:
    assert bucket_start(ns(at), "1d", session_of(code)) == ns(begins)


@pytest.mark.parametrize(
    ("code", "at", "begins"),
    [
        ("700.HK", "2026-07-08T00:59", "2026-07-07T16:00"),
        ("AAPL.US", "2026-07-08T08:05", "2026-07-08T04:00"),
        ("AAPL.US", "2026-01-14T23:30", "2026-01-14T05:00"),
        ("EURUSD", "2026-07-08T21:30", "2026-07-08T21:00"),
        ("BTCUSDT", "2026-07-08T23:30", "2026-07-08T00:00"),
    ],
)
def test_when_a_date_begins(code: str, at: str, begins: str) -> None:
    assert bucket_start(ns(at), "1d", date_of(code)) == ns(begins)
