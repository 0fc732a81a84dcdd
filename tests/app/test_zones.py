"""Time zones: UTC, the machine's own, or a named one, with summer time as it is at the moment told."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from textual.pilot import Pilot

from mdterm.app.dashboard import Dashboard
from mdterm.app.zones import LOCAL_ZONE, UTC_ZONE, Zone

HOUR = 3_600_000_000_000
JULY = 1_751_328_000_000_000_000
"""2025-07-01 00:00 UTC."""
NOVEMBER = 1_763_682_461_997_000_000


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_utc() -> None:
    assert UTC_ZONE.at(JULY) == (0, "UTC")


def test_a_named_zone_keeps_its_summer_time() -> None:
    zone = Zone("America/New_York")
    assert zone.at(JULY) == (-4 * HOUR, "EDT")
    assert zone.at(NOVEMBER) == (-5 * HOUR, "EST")


def test_the_machines_own(in_tokyo: None) -> None:
    assert LOCAL_ZONE.at(NOVEMBER) == (9 * HOUR, "JST")


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd"])
def test_a_zone_that_nobody_knows_is_refused_in_words(name: str) -> None:
    with pytest.raises(ValueError, match="there is no time zone"):
        Zone(name)


async def test_the_key_tells_all_times_in_the_other_zone(
    port: Any, instruments: Any, clock: Any, in_tokyo: None
) -> None:
    async def lines(pilot: Pilot[int]) -> str:
        for _ in range(3):
            await pilot.pause()
        return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())

    app = Dashboard(port, instruments, clock=clock, accounts=["sim"])
    async with app.run_test(size=(120, 40)) as pilot:
        text = await lines(pilot)
        assert "23:47:41 UTC" in text
        assert "23:47:41.997  ▲ 61 722.4" in text
        await pilot.press("z")
        text = await lines(pilot)
        assert "08:47:41 JST" in text
        assert "08:47:41.997  ▲ 61 722.4" in text, "the tape"
        assert "08:47:41.997  L  61 712.0" in text, "liquidations"
        assert "╵08:40" in text, "the chart"
        assert "since 08:37:41" in text, "the anchor of the sums"
        assert "08:46:41 ▼S" in text, "the account"
        assert "23:47" not in text
        await pilot.press("z")
        assert "23:47:41 UTC" in await lines(pilot)
