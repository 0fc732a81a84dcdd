"""Derivatives: funding, open interest, liquidations and the volume profile of one instrument."""

from collections.abc import Sequence
from typing import Final

from mdterm.feeds.frames import DerivativesFrame, PanelFrame, ProfileFrame
from mdterm.feeds.specs import DerivativesSpec
from mdterm.widgets.figures import fit, format_price
from mdterm.widgets.funding import paint_funding, paint_interest
from mdterm.widgets.liquidations import (
    Columns,
    choose_columns,
    paint_heads,
    paint_liquidated,
    paint_liquidated_briefly,
    paint_liquidation,
)
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Panel
from mdterm.widgets.rows import NO_STYLE, Row, merge, width_of
from mdterm.widgets.volume_profile import bin_profile, paint_bin, paint_profile_heads

BESIDE: Final = 76
"""Cells from which on the profile stands beside the figures."""
_LEAST_FIGURES: Final = 42
_FIGURES: Final = 52
"""Cells that the figures take at most where the profile stands beside them."""
_LEAST_PROFILE: Final = 6
"""Rows without which a profile tells nothing: two heads and four bars."""
FINE_ROWS: Final = 120
"""Rows that are asked for: joined in twos and threes they fill whatever height there is."""


class Derivatives(Panel):
    """What is known of an instrument beside its book and its trades."""

    NAME = "DERIVATIVES"

    def __init__(self, *, id: str = "derivatives") -> None:  # noqa: A002  # Textual's own name for it
        super().__init__(id=id)
        self._columns: Columns | None = None
        self._price_width = 0

    def spec(self) -> DerivativesSpec:
        """Return as many liquidations as there may be room for, and a fine profile."""
        return DerivativesSpec(liquidations=max(1, self.size.height - 1), profile=FINE_ROWS)

    def fit(self) -> None:
        """Let columns and scales be those of what is shown now."""
        self._columns, self._price_width = None, 0

    def clear(self, now: float) -> None:
        """Show nothing; the next instrument's columns start anew."""
        self._columns, self._price_width = None, 0
        super().clear(now)

    def show(self, panel: PanelFrame, made: float, wall: int) -> None:
        """Take a frame; another instrument's columns start anew."""
        new, old = panel.frame, self.frame
        if (
            isinstance(new, DerivativesFrame)
            and isinstance(old, DerivativesFrame)
            and new.address != old.address
        ):
            self._columns, self._price_width = None, 0
        super().show(panel, made, wall)

    def paint_body(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return figures and liquidations, and the profile beside or below them."""
        frame = self.frame
        assert isinstance(frame, DerivativesFrame)
        if width >= BESIDE and height >= 4 and frame.profile is not None:
            left = max(min(width // 2, _FIGURES), _LEAST_FIGURES)
            figures = self._figures(frame, palette, left - 1, height)
            profile = self._profile(frame.profile, palette, width - left, height)
            return beside(figures, profile, left)
        rows = share_rows(frame, height)
        painted = self._figures(frame, palette, width, height - rows)
        if rows and frame.profile is not None:
            painted += self._profile(frame.profile, palette, width, rows)
        return painted

    def _figures(self, frame: DerivativesFrame, palette: Palette, width: int, height: int) -> list[Row]:
        """Return funding, open interest, and liquidations: sums, then as many as there is room for."""
        rows = [paint_funding(frame, palette, width), paint_interest(frame, palette, width)]
        sums = paint_liquidated(frame, palette, width)
        if len(rows) + len(sums) > height:
            return [*rows, paint_liquidated_briefly(frame, palette, width)][:height]
        rows += sums
        room = height - len(rows)
        if "liquidation" in frame.missing or room <= 0:
            return rows + [()] * room
        if not frame.liquidations:
            return [*rows, ((fit("   none received yet", width), palette.muted),), *[()] * (room - 1)]
        columns = self._columns = choose_columns(frame, width, self._columns)
        if room > 2:
            rows.append(paint_heads(columns, palette))
        rows += [
            paint_liquidation(row, frame, columns, palette, self.offset_ns)
            for row in frame.liquidations[: height - len(rows)]
        ]
        return rows + [()] * (height - len(rows))

    def _profile(self, profile: ProfileFrame, palette: Palette, width: int, height: int) -> list[Row]:
        """Return the profile: its head, and bars from the highest price down."""
        rows = paint_profile_heads(profile, palette, width, self._wall, self.offset_ns)
        bins = bin_profile(profile, height - len(rows))
        highest = max((price for price, *_ in bins.rows), default=0.0)
        self._price_width = max(self._price_width, len(format_price(highest, profile.digits)))
        rows += [
            paint_bin(bins, at, self._price_width, profile.digits, palette, width)
            for at in range(len(bins.rows))
        ]
        return rows[:height]


def share_rows(frame: DerivativesFrame, height: int) -> int:
    """Return how many of the rows the profile gets: none before funding, interest and sums have theirs.

    Liquidations have the half of what remains; before the first one a line is enough.
    """
    if frame.profile is None:
        return 0
    if "liquidation" in frame.missing:
        return max(0, height - 3)
    rest = height - 5
    rows = max(_LEAST_PROFILE, rest // 2) if frame.liquidation_count else rest - 1
    return rows if rest >= _LEAST_PROFILE + 2 else 0


def beside(left: Sequence[Row], right: Sequence[Row], width: int) -> list[Row]:
    """Return two columns of rows as one; the left one takes ``width`` cells."""
    rows: list[Row] = []
    for at in range(max(len(left), len(right))):
        first: Row = left[at] if at < len(left) else ()
        second: Row = right[at] if at < len(right) else ()
        rows.append(merge([*first, (" " * max(0, width - width_of(first)), NO_STYLE), *second]))
    return rows
