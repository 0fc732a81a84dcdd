"""Times as people type them."""

import pytest

from mdterm.app.times import TimeError, parse_time

NOON = 1_763_640_000_000_000_000
"""2025-11-20 12:00:00 UTC."""
SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-11-20T12:00:00", NOON),
        ("2025-11-20T12:00:00Z", NOON),
        ("2025-11-20T13:00:00+01:00", NOON),
        ("2025-11-20 12:00", NOON),
        ("2025-11-20", NOON - 12 * 3600 * SECOND),
        ("12:00", NOON),
        (" 12:00:30 ", NOON + 30 * SECOND),
        ("12:00:00.25", NOON + SECOND // 4),
        ("00:00", NOON - 12 * 3600 * SECOND),
        ("30s", NOON - 30 * SECOND),
        ("2h ago", NOON - 7200 * SECOND),
        ("1.5d", NOON - 129_600 * SECOND),
    ],
)
def test_what_is_meant(text: str, expected: int) -> None:
    assert parse_time(text, NOON) == expected


@pytest.mark.parametrize("text", ["", "late", "24:00", "12:60", "12:00:60", "5", "2025-13-01", "-", "1y"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(TimeError, match="time"):
        parse_time(text, NOON)
