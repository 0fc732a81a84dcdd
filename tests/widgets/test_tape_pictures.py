"""What the tape looks like: one picture a size and theme, of a market that stands still."""

from typing import Any

import msgspec
import pytest

from mdterm.feeds.events import Position
from mdterm.feeds.frames import PanelFrame, TapeFrame, TapeRow
from mdterm.feeds.status import Shown
from mdterm.widgets.tape import Tape
from tests.widgets.conftest import TS
from tests.widgets.shell import Shell, showing

LIVE = Shown("LIVE", age=0.1)
POSITIONS: dict[int, Position | None] = {8: "long", 9: "short", 20: None}


def make_rows(count: int) -> list[TapeRow]:
    """Return prints of every grade, own fills, sweeps and liquidations, newest first."""
    rows = []
    for at in range(count):
        size = round(0.145 * (at * 13 % 17 + 1), 3)
        grade = {3: 1, 6: 2, 11: 3, 17: 2, 23: 3}.get(at % 29, 0)
        joined = {3: 12, 6: 2, 11: 1208, 17: 61}.get(at % 29, 1)
        price = 61_722.4 - at * 7 % 5 / 10 - at // 9
        row = TapeRow(
            ts=TS - at * 41_000_000 - at // 7 * 350_000_000,
            price=price,
            size=size * (1, 4, 15, 60)[grade],
            side=("buy", "sell", "buy", "sell", None)[at % 5] if at % 13 != 4 else "sell",
            count=joined,
            first_price=price + (6.9 if joined > 2 else 0.0),
            grade=grade,
            own=at in (1, 14),
        )
        rows.append(row)
        if at in POSITIONS:
            position = POSITIONS[at]
            rows.append(
                TapeRow(row.ts - 1_000_000, price, 1.25 * at, None, 1, is_forced=True, position=position)
            )
    return rows[:count]


def make_frame(**changes: Any) -> TapeFrame:
    frame = TapeFrame(
        address="sim:X",
        rows=make_rows(60),
        digits=1,
        size_digits=3,
        trades=21_308,
        newest=21_308,
        waiting=0,
        pace=38.2,
        cvd=-12.41,
        since=TS - 600_000_000_000,
        unreliable_since=None,
        min_size=None,
        pace_ratio=1.84,
        volume_pace=3.41,
        volume_ratio=2.13,
        median=0.034,
        largest=80.0,
        last_price=61_722.4,
    )
    return msgspec.structs.replace(frame, **changes)


def picture(theme: str, frame: TapeFrame, shown: Shown = LIVE, *, latched: bool = False) -> Shell:
    tape = Tape()
    tape.is_latched = latched
    return Shell(tape, theme, PanelFrame(shown, frame, simulated=True), TS)


BIGGEST = TapeRow(TS - 222_000_000_000, 61_600.0, 157.74, "sell", 968, 61_663.0, 3)


@pytest.mark.parametrize(("width", "height"), [(31, 14), (36, 23), (48, 40), (80, 24), (120, 40), (200, 60)])
def test_tape(snap_compare: Any, width: int, height: int) -> None:
    app = picture("dark", make_frame(biggest=BIGGEST), latched=height > 14)
    assert snap_compare(app, terminal_size=(width, height), run_before=showing())


@pytest.mark.parametrize("theme", ["light", "blue-orange", "ansi16", "mono"])
def test_themes(snap_compare: Any, theme: str) -> None:
    app = picture(theme, make_frame(biggest=BIGGEST), latched=True)
    assert snap_compare(app, terminal_size=(60, 36), run_before=showing())


def test_held_in_the_quote_currency(snap_compare: Any) -> None:
    def hold(tape: Tape) -> None:
        tape.in_quote = True
        tape.hold_or_run()

    rows = [msgspec.structs.replace(row, size=row.size * row.price) for row in make_rows(30) if row.size]
    frame = make_frame(
        rows=rows[:12], size_digits=0, cvd_digits=3, quote=True, min_size=2e4, min_in_quote=True, waiting=38,
        is_end=True, join_ms=100, volume_pace=208_123.0,
    )  # fmt: skip
    assert snap_compare(picture("dark", frame), terminal_size=(60, 18), run_before=showing(hold))


def test_stale(snap_compare: Any) -> None:
    frame = make_frame(unreliable_since=TS - 60_000_000_000, cvd=1_012.4)
    app = picture("dark", frame, Shown("STALE", age=42.0))
    assert snap_compare(app, terminal_size=(60, 18), run_before=showing())
