"""Pairs of instruments side by side: prices, how far apart they are, and which of them moves first."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from textual import events

from mdterm.feeds.frames import CompareFrame, LegRow, PairRow
from mdterm.feeds.specs import CompareSpec
from mdterm.feeds.text import clean
from mdterm.widgets.figures import UNKNOWN, cell, fit, format_price
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Panel
from mdterm.widgets.rows import NO_STYLE, Part, Row, merge, width_of
from mdterm.widgets.state import format_state, state_style

GAP: Final = "  "
ROWS_A_PAIR: Final = 4
"""Two legs, what is between them, and a blank row."""
_NAME: Final = 12
_STATE: Final = len("STALE 1m12s")
_LAG: Final = len("12345 ms behind (100%)")


class Columns(Struct, frozen=True):
    """Widths in cells; 0 for a column that there is no room for."""

    name: int
    price: int
    has_touch: bool


def choose_columns(frame: CompareFrame, width: int, before: Columns | None) -> Columns:
    """Return the columns that fit; names give way before prices do."""
    legs = [leg for pair in frame.rows for leg in (pair.first, pair.second)]
    price = max(
        [len("LAST"), *(len(_price(leg, one)) for leg in legs for one in (leg.last, leg.bid, leg.ask))]
    )
    price = max(price, before.price if before else 0)
    name = max([_NAME, *(len(_name(leg)) for leg in legs)])
    fixed = 1 + len(GAP) + _STATE
    has_touch = fixed + _NAME + 3 * (len(GAP) + price) <= width
    prices = 3 if has_touch else 1
    return Columns(max(4, min(name, width - fixed - prices * (len(GAP) + price))), price, has_touch)


def _name(leg: LegRow) -> str:
    return clean(f"{leg.symbol} {leg.provider}", 60)


def _price(leg: LegRow, price: float | None) -> str:
    return UNKNOWN if price is None else format_price(price, leg.digits)


def paint_heads(columns: Columns, palette: Palette) -> Row:
    """Return the row of column names."""
    names = ["LAST", "BID", "ASK"] if columns.has_touch else ["LAST"]
    text = " " + "PAIR".ljust(columns.name)
    return ((text + "".join(GAP + cell(one, columns.price) for one in names) + GAP + "STATE", palette.muted),)


def paint_leg(leg: LegRow, columns: Columns, palette: Palette) -> Row:
    """Return an instrument's row."""
    text, muted = (palette.text, palette.muted) if leg.shown.is_current else (palette.muted, palette.muted)
    parts: list[Part] = [(" " + fit(_name(leg), columns.name), text)]
    parts += [(GAP + cell(_price(leg, leg.last), columns.price), text)]
    if columns.has_touch:
        bid, ask = (palette.bid, palette.ask) if leg.shown.is_current else (muted, muted)
        parts += [(GAP + cell(_price(leg, leg.bid), columns.price), bid)]
        parts += [(GAP + cell(_price(leg, leg.ask), columns.price), ask)]
    parts += [(GAP + format_state(leg.shown), state_style(leg.shown, palette))]
    return merge(parts)


def paint_between(pair: PairRow, palette: Palette, width: int) -> Row:
    """Return drift and lag of the second against the first, and a mark where they part."""
    # What is unknown takes the room of what is known: nothing behind it moves.
    drift = UNKNOWN.rjust(8) + "    " if pair.drift_bps is None else f"{pair.drift_bps:+8.2f} bps"
    style = palette.warn if pair.is_parted else palette.text
    of = "mids" if pair.of_mids else "last"
    parts: list[Part] = [("   └ ", palette.grid), (f"drift {drift}", style), (f" of {of}", palette.muted)]
    lag = f"{GAP}{GAP}{'lag —':<{_LAG}}"
    if pair.lag_ms is not None and pair.agreement is not None:
        way = "behind" if pair.lag_ms >= 0 else "ahead"
        lag = f"{GAP}{GAP}{f'{abs(pair.lag_ms):5.0f} ms {way:<6} ({pair.agreement:.0%})':<{_LAG}}"
    mark: list[Part] = [(f"{GAP}PARTED", palette.warn)] if pair.is_parted else []
    if width_of(parts) + len(lag) + width_of(mark) <= width:
        parts.append((lag, palette.text))
    return merge([*parts, *mark])


class Compare(Panel):
    """The pairs that the configuration declares."""

    NAME = "COMPARE"

    def __init__(self, *, id: str = "compare", parted_bps: float = 10.0) -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id)
        self.parted_bps = parted_bps
        self._columns: Columns | None = None
        self._first = 0

    def spec(self) -> CompareSpec:
        """Return all pairs."""
        return CompareSpec(self.parted_bps)

    def details(self) -> list[str]:
        """Return how many there are, how many of them are apart, and from where on that is said."""
        frame = self.frame
        if not isinstance(frame, CompareFrame):
            return []
        parted = sum(pair.is_parted for pair in frame.rows)
        told = [f"{len(frame.rows)} pairs" if len(frame.rows) != 1 else "1 pair"]
        return [*told, f"{parted} parted (≥{frame.parted_bps:g} bps)"] if parted else told

    def clear(self, now: float) -> None:
        """Keep what is shown: the pairs do not follow the shown instrument."""

    def fit(self) -> None:
        """Let columns and scales be those of what is shown now."""
        self._columns = None

    def paint_body(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return heads and pairs."""
        frame = self.frame
        assert isinstance(frame, CompareFrame)
        if not frame.rows:
            return _undeclared(palette, width, height)
        columns = self._columns = choose_columns(frame, width, self._columns)
        rows: list[Row] = []
        for pair in frame.rows:
            rows += [paint_leg(leg, columns, palette) for leg in (pair.first, pair.second)]
            rows += [paint_between(pair, palette, width), ((" ", NO_STYLE),)]
        room = max(1, height - 1)
        self._first = max(0, min(self._first, len(rows) - room))
        return [paint_heads(columns, palette), *rows[self._first : self._first + room]]

    def scroll_rows(self, rows: int) -> None:
        """Show pairs above (positive) or below."""
        self._first = max(0, self._first - rows)
        self.repaint()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Show the pairs above."""
        event.stop()
        self.scroll_rows(1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Show the pairs below."""
        event.stop()
        self.scroll_rows(-1)


def _undeclared(palette: Palette, width: int, height: int) -> list[Row]:
    """Return what to do where nothing is declared."""
    words: Sequence[str] = (
        "no pairs are declared; in the configuration, for example:",
        'pairs = [["kiyotaka:BINANCE_FUTURES:BTCUSDT", "alltick:BTCUSDT"]]',
    )
    rows: list[Row] = [((fit(f" {line}", width), palette.muted),) for line in words]
    return rows[:height]
