"""Where buckets begin, also where a day is not a day of UTC."""

from datetime import UTC, datetime

import pytest

from mdterm.feeds.intervals import (
    DAY,
    LENGTHS,
    PARENTS,
    WEEK,
    IntervalError,
    Session,
    bucket_end,
    bucket_start,
    format_interval,
    parent_of,
    parse_interval,
)

NEW_YORK = Session("America/New_York", standard_min=-300)
HONG_KONG = Session("Asia/Hong_Kong", standard_min=480)
FX = Session("America/New_York", standard_min=-300, starts_min=17 * 60)
OPENING = Session("America/New_York", standard_min=-300, starts_min=9 * 60 + 30)


def ns(text: str) -> int:
    """Return an ISO time (UTC) in ns."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


def iso(ts: int) -> str:
    """Return ns as an ISO time (UTC)."""
    return datetime.fromtimestamp(ts / 1e9, UTC).strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize("name", LENGTHS)
def test_names_read_back(name: str) -> None:
    assert parse_interval(name) == name
    assert format_interval(LENGTHS[name]) == name


@pytest.mark.parametrize(("written", "name"), [("1H", "1h"), (" 5m ", "5m"), ("1D", "1d"), ("1W", "1w")])
def test_capitals_and_blanks_are_read(written: str, name: str) -> None:
    assert parse_interval(written) == name


@pytest.mark.parametrize("written", ["1M", "5M", "", "7m", "m", "60", "1 m"])
def test_what_is_no_interval_names_those_there_are(written: str) -> None:
    with pytest.raises(IntervalError, match="1m, 3m"):
        parse_interval(written)


def test_no_name_for_an_odd_length() -> None:
    with pytest.raises(IntervalError, match="7 s"):
        format_interval(7_000_000_000)


@pytest.mark.parametrize(
    ("interval", "start"),
    [
        ("1s", "2024-08-08T23:59"),
        ("3m", "2024-08-08T23:57"),
        ("15m", "2024-08-08T23:45"),
        ("4h", "2024-08-08T20:00"),
        ("12h", "2024-08-08T12:00"),
        ("1d", "2024-08-08T00:00"),
        ("1w", "2024-08-05T00:00"),  # a Monday
    ],
)
def test_buckets_begin_in_utc(interval: str, start: str) -> None:
    ts = ns("2024-08-08T23:59")
    assert iso(bucket_start(ts, interval)) == start
    assert bucket_end(bucket_start(ts, interval), interval) - bucket_start(ts, interval) == LENGTHS[interval]


@pytest.mark.parametrize("interval", LENGTHS)
def test_a_bucket_holds_its_start_and_not_its_end(interval: str) -> None:
    start = bucket_start(ns("2024-02-29T13:37"), interval)
    end = bucket_end(start, interval)
    assert bucket_start(start, interval) == start == bucket_start(end - 1, interval)
    assert bucket_start(end, interval) == end


def test_weeks_begin_on_monday_before_the_epoch_too() -> None:
    assert iso(bucket_start(0, "1w")) == "1969-12-29T00:00"
    assert bucket_start(4 * DAY, "1w") == 4 * DAY
    assert bucket_start(4 * DAY - 1, "1w") == 4 * DAY - WEEK


@pytest.mark.parametrize("interval", PARENTS)
def test_parents_divide_their_children(interval: str) -> None:
    parent = PARENTS[interval]
    assert LENGTHS[interval] % LENGTHS[parent] == 0
    start = bucket_start(ns("2024-08-08T11:11"), interval)
    assert bucket_start(start, parent) == start


@pytest.mark.parametrize(
    ("session", "ts", "start", "end"),
    [
        (NEW_YORK, "2024-01-10T14:30", "2024-01-10T05:00", "2024-01-11T05:00"),
        (NEW_YORK, "2024-07-10T01:00", "2024-07-09T04:00", "2024-07-10T04:00"),
        (NEW_YORK, "2024-03-10T14:30", "2024-03-10T05:00", "2024-03-11T04:00"),  # 23 hours
        (NEW_YORK, "2024-11-03T14:30", "2024-11-03T04:00", "2024-11-04T05:00"),  # 25 hours
        (HONG_KONG, "2024-07-10T01:30", "2024-07-09T16:00", "2024-07-10T16:00"),
        (FX, "2024-01-10T21:59", "2024-01-09T22:00", "2024-01-10T22:00"),
        (FX, "2024-01-10T22:00", "2024-01-10T22:00", "2024-01-11T22:00"),
        (OPENING, "2024-01-10T14:30", "2024-01-10T14:30", "2024-01-11T14:30"),
        (OPENING, "2024-01-10T14:29", "2024-01-09T14:30", "2024-01-10T14:30"),
        (OPENING, "2024-07-10T13:30", "2024-07-10T13:30", "2024-07-11T13:30"),
        (OPENING, "2024-03-10T12:00", "2024-03-09T14:30", "2024-03-10T13:30"),  # 23 hours
        (OPENING, "2024-11-03T12:00", "2024-11-02T13:30", "2024-11-03T14:30"),  # 25 hours
    ],
)
def test_days_follow_the_session(session: Session, ts: str, start: str, end: str) -> None:
    begins = bucket_start(ns(ts), "1d", session)
    assert (iso(begins), iso(bucket_end(begins, "1d", session))) == (start, end)


def test_weeks_of_a_session_begin_with_its_monday() -> None:
    # The FX week opens on Sunday evening in New York: that is Monday's trading day.
    assert iso(bucket_start(ns("2024-01-12T12:00"), "1w", FX)) == "2024-01-07T22:00"
    assert iso(bucket_start(ns("2024-01-07T21:00"), "1w", FX)) == "2023-12-31T22:00"
    assert iso(bucket_start(ns("2024-03-13T12:00"), "1w", NEW_YORK)) == "2024-03-11T04:00"


def test_hours_of_a_session_are_those_of_utc() -> None:
    assert bucket_start(ns("2024-01-10T14:30"), "4h", NEW_YORK) == ns("2024-01-10T12:00")


def test_without_a_time_zone_database_winter_time_stands_in() -> None:
    nowhere = Session("Nowhere/Land", standard_min=-300)
    assert iso(bucket_start(ns("2024-07-10T14:30"), "1d", nowhere)) == "2024-07-10T05:00"


def test_days_that_hours_cannot_build_are_refused() -> None:
    with pytest.raises(ValueError, match="Kathmandu"):
        Session("Asia/Kathmandu", standard_min=345)


@pytest.mark.parametrize("session", [NEW_YORK, HONG_KONG, FX, OPENING, Session("Asia/Kolkata", 330)])
def test_session_days_are_made_of_what_they_are_built_from(session: Session) -> None:
    parent = parent_of("1d", session)
    assert parent == ("1h" if session.is_hourly else "30m")
    for half_hour in range(2 * 24 * 366):
        ts = ns("2024-01-01T00:00") + half_hour * LENGTHS["30m"]
        start = bucket_start(ts, "1d", session)
        assert start % LENGTHS[parent] == 0
        assert start <= ts < bucket_end(start, "1d", session)


def test_only_days_depend_on_the_session() -> None:
    assert {one: parent_of(one, OPENING) for one in PARENTS} == {**PARENTS, "1d": "30m"}
    assert parent_of("1d") == "1h"
