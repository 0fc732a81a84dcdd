"""Derivatives: funding, open interest, liquidations and the volume profile of one instrument."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.style import Style

from mdterm.feeds.frames import (
    DerivativesFrame,
    DerivativesSpec,
    LiquidationRow,
    PanelFrame,
    ProfileFrame,
)
from mdterm.widgets.figures import (
    UNKNOWN,
    cell,
    fit,
    format_price,
    format_signed,
    format_since,
    format_size,
    format_time_ms,
)
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Panel
from mdterm.widgets.rows import NO_STYLE, Part, Row, merge, width_of
from mdterm.widgets.state import format_state

CANNOT: Final = "n/a"
"""For what this instrument cannot have; what it has but is not known is ``—``."""
BESIDE: Final = 76
"""Cells from which on the profile stands beside the figures."""
_TWO_HEADS: Final = 6
"""Rows from which on a narrow profile has two heads."""
_LEAST_FIGURES: Final = 42
_FIGURES: Final = 52
"""Cells that the figures take at most where the profile stands beside them."""
GAP: Final = "  "
_BOLD: Final = Style(bold=True)
_RATE_DIGITS: Final = 4
_POSITIONS: Final = {"long": "L", "short": "S", None: "?"}
_BUYS: Final = "━"
_SELLS: Final = "─"
"""Heavy and light, so that the two sides of a bar differ without colour."""
_HALF: Final = "╴"


def paint_funding(frame: DerivativesFrame, palette: Palette, width: int) -> Row:
    """Return the funding rate and the predicted one, in percent."""
    if "funding" in frame.missing:
        return _figure("funding", CANNOT, [], palette, width)
    more: list[Part] = [(f"{GAP}pred {_percent(frame.predicted)}", palette.muted)]
    if frame.funding_shown is not None and not frame.funding_shown.is_current:
        more = [(f"{GAP}{format_state(frame.funding_shown)}", palette.warn)]
    return _figure("funding", _percent(frame.funding), more, palette, width)


def paint_interest(frame: DerivativesFrame, palette: Palette, width: int) -> Row:
    """Return the open interest and its change over five minutes."""
    if "open_interest" in frame.missing:
        return _figure("open int", CANNOT, [], palette, width)
    value = frame.open_interest
    text = UNKNOWN if value is None else format_price(value, _interest_digits(frame))
    change, share = frame.open_interest_change, frame.open_interest_share
    if change is None:
        return _figure("open int", text, [(f"{GAP}{UNKNOWN} 5m", palette.muted)], palette, width)
    way = (change > 0) - (change < 0)
    told = format_signed(change, _interest_digits(frame)) if share is None else f"{share * 100:+.2f} %"
    more: list[Part] = [(f"{GAP}{'▼ ▲'[way + 1]} {told}", palette.moved(way)), (" 5m", palette.muted)]
    return _figure("open int", text, more, palette, width)


def _interest_digits(frame: DerivativesFrame) -> int:
    value = frame.open_interest or 0.0
    return 0 if abs(value) >= 1e6 else min(frame.size_digits, 1 if abs(value) >= 1e4 else 3)


def _figure(name: str, text: str, more: Sequence[Part], palette: Palette, width: int) -> Row:
    """Return a named figure with what belongs to it as far as there is room."""
    parts: list[Part] = [(f" {name:<8}{GAP}", palette.muted), (text.rjust(10), palette.text + _BOLD)]
    if width_of([*parts, *more]) <= width:
        parts += more
    return merge(parts)


def _percent(rate: float | None) -> str:
    return UNKNOWN if rate is None else f"{rate * 100:+.{_RATE_DIGITS}f} %"


# Liquidations


def paint_liquidated(frame: DerivativesFrame, palette: Palette, width: int) -> list[Row]:
    """Return what was liquidated in each window, in quote notional, longs and shorts apart."""
    if "liquidation" in frame.missing:
        return [_figure("liquid.", CANNOT, [], palette, width)]
    windows = list(frame.liquidated)
    room = width - len(" LIQUIDATIONS")
    while windows and 9 * len(windows) > room:
        windows.pop()
    head: list[Part] = [(" LIQUIDATIONS", palette.muted)]
    head += [(cell(name, 9), palette.muted) for name in windows]
    rows = [merge(head)]
    sides = [("longs", 0, palette.liq_long), ("shorts", 1, palette.liq_short)]
    if any(frame.liquidated[name][2] for name in windows):
        sides.append(("unknown", 2, palette.flat))
    for side, at, style in sides:
        parts: list[Part] = [(f"   {side:<10}", style)]
        parts += [(cell(format_size(frame.liquidated[name][at], 0) or "0", 9), style) for name in windows]
        rows.append(merge(parts))
    return rows


def paint_liquidated_briefly(frame: DerivativesFrame, palette: Palette, width: int) -> Row:
    """Return the sums of the shortest window in one line."""
    if "liquidation" in frame.missing or not frame.liquidated:
        return _figure("liquid.", CANNOT if "liquidation" in frame.missing else UNKNOWN, [], palette, width)
    name, (longs, shorts, _) = next(iter(frame.liquidated.items()))
    more: list[Part] = [
        (f"{GAP}S {format_size(shorts, 0) or '0'}", palette.liq_short),
        (f" {name}", palette.muted),
    ]
    parts = [
        (" liquid.   ", palette.muted),
        (f"L {format_size(longs, 0) or '0'}".rjust(10), palette.liq_long),
    ]
    return merge([*parts, *more])


@dataclass(frozen=True)
class Columns:
    """Widths of the liquidations' columns in cells; 0 for one that there is no room for."""

    time: int
    price: int
    size: int
    raw: int

    @property
    def width(self) -> int:
        """Cells from edge to edge."""
        return 1 + self.time + 2 + 1 + 2 + self.price + 2 + self.size + (2 + self.raw if self.raw else 0)


def choose_columns(frame: DerivativesFrame, width: int, before: Columns | None) -> Columns:
    """Return the columns for the liquidations: prices and sizes never become narrower than ``before``."""
    prices = (len(format_price(row.price, frame.digits)) for row in frame.liquidations)
    sizes = (len(_size(row, frame)) for row in frame.liquidations)
    price = max(*prices, len("PRICE"), before.price if before else 0, 0)
    size = max(*sizes, len("SIZE"), before.size if before else 0, 0)
    for time, raw in ((12, 6), (12, 4), (12, 0), (8, 0), (5, 0)):
        found = Columns(time, price, size, raw)
        if found.width <= width:
            break
    return found


def _size(row: LiquidationRow, frame: DerivativesFrame) -> str:
    return format_size(row.size, min(frame.size_digits, 3))


def paint_liquidation(
    row: LiquidationRow, frame: DerivativesFrame, columns: Columns, palette: Palette, offset_ns: int = 0
) -> Row:
    """Return one liquidation: whose position it was, and the provider's own word for the side."""
    style = palette.flat
    if row.position is not None:
        style = palette.liq_long if row.position == "long" else palette.liq_short
    parts: list[Part] = [(f" {format_time_ms(row.ts + offset_ns)[: columns.time]}{GAP}", palette.muted)]
    price = cell(format_price(row.price, frame.digits), columns.price)
    parts += [(f"{_POSITIONS[row.position]}{GAP}{price}{GAP}{cell(_size(row, frame), columns.size)}", style)]
    if columns.raw:
        parts += [(GAP + fit(row.raw_side or UNKNOWN, columns.raw), palette.muted)]
    return merge(parts)


def paint_heads(columns: Columns, palette: Palette) -> Row:
    """Return the row of the liquidations' column names."""
    text = f" {'TIME':<{columns.time}}{GAP}P{GAP}{'PRICE':>{columns.price}}{GAP}{'SIZE':>{columns.size}}"
    return ((text + (f"{GAP}{'RAW':<{columns.raw}}" if columns.raw else ""), palette.muted),)


# The profile


@dataclass(frozen=True)
class Bins:
    """A profile by rows of the screen, highest price first: ``(lowest price, buys, others, sells)``.

    ``poc`` is the row of the point of control; the value area reaches from row ``top`` to ``bottom``.
    """

    rows: list[tuple[float, float, float, float]]
    poc: int
    top: int
    bottom: int
    largest: float


def bin_profile(profile: ProfileFrame, rows: int) -> Bins:
    """Return a profile in at most ``rows`` rows. Where it is taller, neighbours are joined.

    Rows begin at multiples of their height, so that they stay what they are while the profile grows.
    """
    height, count = 1, len(profile.buys)
    highest = profile.low + count - 1
    while highest // height - profile.low // height + 1 > max(1, rows):
        height += 1
    first, last = profile.low // height, highest // height
    sums = [[0.0, 0.0, 0.0] for _ in range(last - first + 1)]
    for at in range(count):
        bin_ = sums[(profile.low + at) // height - first]
        bin_[0] += profile.buys[at]
        bin_[1] += profile.neutral[at]
        bin_[2] += profile.sells[at]

    def row(at: int) -> int:
        return last - (profile.low + at) // height

    binned = [
        (round((first + at) * height * profile.step, 10), buys, others, sells)
        for at, (buys, others, sells) in reversed(list(enumerate(sums)))
    ]
    totals = [buys + others + sells for _, buys, others, sells in binned]
    return Bins(binned, row(profile.poc), row(profile.vah), row(profile.val), max(totals, default=0.0))


def profile_price(profile: ProfileFrame, row: int) -> str:
    """Return the price of one of the profile's own rows."""
    return format_price(round((profile.low + row) * profile.step, 10), profile.digits)


def paint_profile_heads(
    profile: ProfileFrame, palette: Palette, width: int, wall: int | None, rows: int, offset_ns: int = 0
) -> list[Row]:
    """Return point of control, value area, and whose profile since when it is: in one row, or in two."""
    poc, val, vah = (profile_price(profile, row) for row in (profile.poc, profile.val, profile.vah))
    source = "from the provider" if profile.source == "provider" else "session"
    if profile.since is not None:
        local = None if wall is None else wall + offset_ns
        source += f" since {format_since(profile.since + offset_ns, local)}"
    name: Part = (" PROFILE", palette.muted)
    figures: list[Part] = [(f"{GAP}POC {poc}", palette.text + _BOLD), (f"{GAP}VA {val}–{vah}", palette.text)]
    origin: Part = (GAP + source, palette.muted)
    if width_of([name, *figures, origin]) > width and rows >= _TWO_HEADS:
        return [fitting([name, origin], width), fitting(figures, width)]
    return [fitting([name, *figures, origin], width)]


def fitting(parts: Sequence[Part], width: int) -> Row:
    """Return as many of the parts as fit, the first ones first."""
    kept = list(parts)
    while width_of(kept) > width and len(kept) > 1:
        kept.pop()
    return merge(kept)


def paint_bin(bins: Bins, at: int, price_width: int, digits: int, palette: Palette, width: int) -> Row:
    """Return a row of the profile: its price, a mark inside the value area, buys then sells as one bar."""
    price, buys, others, sells = bins.rows[at]
    inside = bins.top <= at <= bins.bottom
    label = cell(format_price(price, digits), price_width)
    is_poc = at == bins.poc
    parts: list[Part] = [(f" {label} ", palette.text + _BOLD if is_poc else palette.muted)]
    parts += [("┃" if inside else " ", palette.text if inside else NO_STYLE)]
    room = width - width_of(parts) - 1
    scale = bins.largest or 1.0
    total = buys + others + sells
    halves = max(1, round(total / scale * room * 2)) if total > 0 else 0
    # What has no aggressor is shared out evenly.
    bought = round(halves * (buys + others / 2) / total / 2) if total > 0 else 0
    sold, half = divmod(max(0, halves - 2 * bought), 2)
    bid, ask = (palette.bid, palette.ask) if inside else (palette.muted, palette.stale)
    parts += [(_BUYS * bought, bid), (_SELLS * sold + _HALF * half, ask)]
    if is_poc:
        parts += [("◀", palette.text + _BOLD)]
    return merge(parts)


class Derivatives(Panel):
    """What is known of an instrument beside its book and its trades."""

    NAME = "DERIVATIVES"

    def __init__(self, *, id: str = "derivatives") -> None:  # noqa: A002  # Textual's own name for it
        super().__init__(id=id)
        self._columns: Columns | None = None
        self._price_width = 0

    def spec(self) -> DerivativesSpec:
        """Return as many liquidations and rows of the profile as there may be room for."""
        height = max(1, self.size.height - 1)
        return DerivativesSpec(liquidations=height, profile=height)

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
        rows = paint_profile_heads(profile, palette, width, self._wall, height, self.offset_ns)
        bins = bin_profile(profile, height - len(rows))
        highest = max((price for price, *_ in bins.rows), default=0.0)
        self._price_width = max(self._price_width, len(format_price(highest, profile.digits)))
        rows += [
            paint_bin(bins, at, self._price_width, profile.digits, palette, width)
            for at in range(len(bins.rows))
        ]
        return rows[:height]


def share_rows(frame: DerivativesFrame, height: int) -> int:
    """Return how many of the rows the profile gets: none before funding, interest and sums have theirs."""
    if frame.profile is None:
        return 0
    if "liquidation" in frame.missing:
        return max(0, height - 3)
    rest = height - 5
    return rest // 2 if rest >= 8 else 0


def beside(left: Sequence[Row], right: Sequence[Row], width: int) -> list[Row]:
    """Return two columns of rows as one; the left one takes ``width`` cells."""
    rows: list[Row] = []
    for at in range(max(len(left), len(right))):
        first: Row = left[at] if at < len(left) else ()
        second: Row = right[at] if at < len(right) else ()
        rows.append(merge([*first, (" " * max(0, width - width_of(first)), NO_STYLE), *second]))
    return rows
