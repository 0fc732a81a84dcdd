"""The volume profile lying on its side: prices from the top down, buys then sells as one bar. Pure."""

from typing import Final

from msgspec import Struct
from rich.style import Style

from mdterm.feeds.frames import ProfileFrame
from mdterm.widgets.figures import cell, format_price, format_since
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import NO_STYLE, Part, Row, merge, width_of

GAP: Final = "  "
_BOLD: Final = Style(bold=True)
_BUYS: Final = "━"
_SELLS: Final = "─"
"""Heavy and light, so that the two sides of a bar differ without colour."""
_HALF: Final = "╴"


class Bins(Struct, frozen=True):
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
    profile: ProfileFrame, palette: Palette, width: int, wall: int | None, offset_ns: int = 0
) -> list[Row]:
    """Return whose profile it is, since when, its point of control and value area: in as few rows as fit."""
    poc, val, vah = (profile_price(profile, row) for row in (profile.poc, profile.val, profile.vah))
    name: Part = (" PROFILE", palette.muted)
    figures: list[Part] = [(f"{GAP}POC {poc}", palette.text + _BOLD), (f"{GAP}VA {val}–{vah}", palette.text)]
    origins = [(GAP + words, palette.muted) for words in _origins(profile, wall, offset_ns)]
    if width_of([name, *figures, origins[0]]) <= width:
        return [merge([name, *figures, origins[0]])]
    told = next((one for one in origins if width_of([name, one]) <= width), origins[-1])
    rows = [merge([name, told])]
    return [*rows, merge(figures)] if width_of(figures) <= width else [*rows, *((one,) for one in figures)]


def _origins(profile: ProfileFrame, wall: int | None, offset_ns: int) -> list[str]:
    """Return whose profile it is in words, the longest first; whose it is is told in any room."""
    if profile.source == "provider":
        return ["from the provider", "provider"]
    if profile.since is None:
        return ["session"]
    since = format_since(profile.since + offset_ns, None if wall is None else wall + offset_ns)
    return [f"session since {since}", f"since {since}", "session"]


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
