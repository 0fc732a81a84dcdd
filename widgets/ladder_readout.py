"""The lines under a ladder: spread, mid and microprice, how heavy each side is, and one row in full. Pure."""

from collections.abc import Iterable

from mdterm.feeds.frames import CursorRow, LadderFrame
from mdterm.widgets.figures import UNKNOWN, format_price, format_size
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import Part, Row, merge, width_of

_SPREAD = 6
"""Cells that a spread has at least, so that what stands behind it stays where it is."""
_MIDS = 1
"""Decimals that a mid has more than a price."""


def paint_readout(frame: LadderFrame, palette: Palette, width: int) -> Row:
    """Return spread and imbalance in one line."""
    muted, text = palette.muted, palette.text
    parts: list[Part] = []
    if frame.bucketed:
        parts += [(" bucket gap ", muted), (format_price(_bucket_gap(frame), frame.digits), text)]
    else:
        parts += [(" spread ", muted), (format_price(frame.spread, frame.digits), text)]
        if frame.spread_bps is not None and width >= 40:
            parts += [(f"  {frame.spread_bps:.1f} bps", muted)]
    return merge([*parts, *_imbalance(frame, palette, width - width_of(parts))])


def _bucket_gap(frame: LadderFrame) -> float | None:
    if frame.best_bid is None or frame.best_ask is None:
        return None
    return (frame.best_ask - frame.best_bid) * frame.step


def paint_touch(frame: LadderFrame, palette: Palette, width: int) -> Row:
    """Return spread, mid and microprice, as many as there is room for; every figure keeps its place."""
    muted, text = palette.muted, palette.text
    if frame.bucketed:
        gap = format_price(_bucket_gap(frame), frame.digits).rjust(_SPREAD)
        # Between buckets nothing is known of the touch.
        return merge(_fitting([[(" bucket gap ", muted), (gap, text)], [("  no true levels", muted)]], width))
    spread = format_price(frame.spread, frame.digits).rjust(_SPREAD)
    bps = UNKNOWN if frame.spread_bps is None else f"{frame.spread_bps:.2f}"
    digits = frame.digits + _MIDS
    told: list[list[Part]] = [
        [(" spread ", muted), (spread, text)],
        [(f" {bps:>6} bps", muted)],
        [("  mid ", muted), (format_price(frame.mid, digits), text)],
        [("  micro ", muted), (format_price(frame.micro, digits), text)],
    ]
    return merge(_fitting(told, width))


def _fitting(groups: Iterable[list[Part]], width: int) -> list[Part]:
    """Return the groups that fit one behind the other; what matters most comes first."""
    parts: list[Part] = []
    for group in groups:
        if width_of(parts) + width_of(group) > width:
            break
        parts += group
    return parts


def paint_weight(frame: LadderFrame, palette: Palette, width: int) -> Row:
    """Return how heavy bids and asks are, over how many levels."""
    return merge(_imbalance(frame, palette, width))


def _imbalance(frame: LadderFrame, palette: Palette, room: int) -> list[Part]:
    """Return the share of bids and asks in the best levels, with a bar where there is room for one."""
    if frame.imbalance is None:
        words = f"  imbalance {UNKNOWN}"
        return [(words, palette.muted)] if len(words) <= room else []
    bids = round(50 * (1 + frame.imbalance))
    left, right = f"  bids {bids:2d} % ", f" {100 - bids:2d} % asks"
    depth = f" of {frame.imbalance_levels} "
    bar = min(20, room - len(left) - len(right) - len(depth))
    if bar >= 4:
        filled = round(bar * bids / 100)
        parts = [(left + "━" * filled, palette.bid), ("─" * (bar - filled) + right, palette.ask)]
        return [*parts, (depth, palette.muted)]
    # Narrow: the share of one side still tells which is heavier.
    if len(left) - 1 + len(depth) <= room:
        return [(left[:-1], palette.bid), (depth, palette.muted)]
    return [(left[:-1], palette.bid)] if len(left) - 1 <= room else []


def paint_cursor(frame: LadderFrame, row: int, palette: Palette, width: int, lines: int) -> list[Row]:
    """Return what is known of the row under the cursor, in at most ``lines`` lines; most telling first."""
    had = frame.cursor if frame.cursor is not None and frame.cursor.row == row else None
    price = format_price(row * frame.step, frame.digits)
    told: list[list[Part]] = [[(f" ▶{price}", palette.key)]]
    told += [_resting(had, frame, palette)] if had is not None else [[(f" {UNKNOWN}", palette.muted)]]
    if had is not None:
        told += _distances(had, palette) + _depth(had, frame, palette)
    rows: list[list[Part]] = [[]]
    for group in told:
        if width_of(rows[-1]) + width_of(group) > width:
            if len(rows) == lines:
                continue
            rows.append([])
        rows[-1] += group
    return [merge(parts) for parts in rows]


def _resting(one: CursorRow, frame: LadderFrame, palette: Palette) -> list[Part]:
    """Return what rests in a row."""
    if one.side is None:
        return [("  no side", palette.muted)]
    style = palette.bid if one.side == "bid" else palette.ask
    size = format_size(one.size, frame.size_digits if not frame.in_quote else _BASE_DIGITS)
    count = f" ×{one.count}" if one.count else ""
    return [(f" {one.side} ", palette.muted), (f"{size or '0'}{count}", style)]


_BASE_DIGITS = 4
"""Decimals of a base size where the columns tell the quote currency."""


def _distances(one: CursorRow, palette: Palette) -> list[list[Part]]:
    """Return how far a row is from the mid."""
    if one.ticks is None or one.bps is None:
        return []
    ticks = f"{one.ticks:+,.1f}".replace(",", " ")
    return [[(f"  {ticks} ticks", palette.text)], [(f" {one.bps:+.2f} bps", palette.text)]]


def _depth(one: CursorRow, frame: LadderFrame, palette: Palette) -> list[list[Part]]:
    """Return what adds up from the touch to a row, in size and in the quote currency."""
    if one.side is None:
        return []
    digits = min(frame.size_digits, 3) if not frame.in_quote else _BASE_DIGITS
    total, notional = format_size(one.cumulative, digits), format_size(one.notional, 0)
    return [
        [("  Σ ", palette.muted), (total or "0", palette.text)],
        [("  value ", palette.muted), (notional or "0", palette.text)],
    ]
