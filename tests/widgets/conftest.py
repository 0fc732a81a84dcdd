"""A palette whose styles can be told apart, and frames of a small market."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from mdterm.feeds.frames import LadderFrame, TapeFrame, TapeRow
from mdterm.themes.palettes import DARK
from mdterm.widgets.palette import Palette, make_palette

TS = 1_763_682_461_997_000_000


@pytest.fixture
def palette() -> Palette:
    return make_palette({**DARK.variables, "background": DARK.background or ""})


@pytest.fixture
def make_ladder() -> Callable[..., LadderFrame]:
    """Return a maker of ladders: 9 rows from 100.4 down to 99.6, touch 99.9 / 100.1, last 100.0."""
    frame = LadderFrame(
        address="sim:X",
        step=0.1,
        digits=1,
        size_digits=3,
        top=1004,
        centre=1000,
        band=3,
        bids=[0.0, 0.0, 0.0, 0.0, 0.0, 2.321, 8.783, None, 0.0],
        asks=[1.5, 0.0, 12_345.0, 9.605, 0.0, 0.0, 0.0, 0.0, 0.0],
        best_bid=999,
        best_ask=1001,
        last=1000,
        last_price=100.0,
        direction=1,
        largest=12_345.0,
        group=1,
        bucketed=False,
        unit="base",
        spread=0.2,
        spread_bps=20.0,
        mid=100.0,
        imbalance=0.084,
        imbalance_levels=10,
        trigger=3,
    )

    def make(**changes: Any) -> LadderFrame:
        return msgspec.structs.replace(frame, **changes)

    return make


@pytest.fixture
def make_tape() -> Callable[..., TapeFrame]:
    """Return a maker of tapes: a buy, a joined sell, a print of unknown side and size."""
    frame = TapeFrame(
        address="sim:X",
        rows=[
            TapeRow(TS, 61722.4, 0.145, "buy", 1),
            TapeRow(TS - 41_000_000, 61722.1, 12.5, "sell", 3),
            TapeRow(TS - 82_000_000, 61722.0, None, None, 1),
        ],
        digits=1,
        size_digits=3,
        trades=5,
        newest=3,
        waiting=0,
        pace=2.0,
        cvd=-1_012.41,
        since=TS,
        unreliable_since=None,
        min_size=None,
    )

    def make(**changes: Any) -> TapeFrame:
        return msgspec.structs.replace(frame, **changes)

    return make
