"""Bytes: what is written stays close to the least that any cell diff could write."""

from typing import Any

from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual._compositor import LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from mdterm.app.canvas import Canvas

WIDTH, HEIGHT, FRAMES = 80, 40, 60
GREEN, RED = Style(color="#46c28e", bgcolor="#0f1318"), Style(color="#f27182", bgcolor="#0f1318")
GREY, WHITE = Style(color="#8c99a8", bgcolor="#0f1318"), Style(color="#d5dce4", bgcolor="#0f1318")

Cell = tuple[str, Style]


def frame(step: int) -> list[list[tuple[str, Style]]]:
    """Return rows of a ladder beside a tape: every third size changes, and the tape scrolls by two."""
    rows = []
    for y in range(HEIGHT):
        bid = f"{(y * 37 + (step // 3 if y % 3 else step) * 11) % 9000 / 1000:.3f}"
        at = 2 * step + y
        side = GREEN if at % 3 else RED
        time = f"23:47:{at // 20 % 60:02d}.{at * 37 % 1000:03d}"
        rows.append(
            [
                (f"{bid:>12}  ", GREEN),
                (f"61 {700 + y}.{y % 10}  ", WHITE),
                (f"{'':>12}   {time}  ", GREY),
                (f"▲ 61 {700 + at % 30}.{at % 10}  {at * 13 % 4000 / 1000:.3f}", side),
            ]
        )
    return rows


def cells(rows: list[list[tuple[str, Style]]]) -> list[list[Cell]]:
    """Return rows as cells; a blank has the ground's look whatever its colour."""
    out = []
    for row in rows:
        line = [(char, style if char != " " else GREY) for text, style in row for char in text]
        out.append(line + [(" ", GREY)] * (WIDTH - len(line)))
    return out


def least(before: list[list[Cell]], after: list[list[Cell]]) -> int:
    """Return the bytes of a plain cell diff: a move per run, a colour per change of colour, the text."""
    count, pen = 0, None
    for y in range(HEIGHT):
        cursor = -1
        for x in range(WIDTH):
            char, style = after[y][x]
            if before[y][x] == after[y][x]:
                continue
            if cursor != x:
                gap = x - cursor
                count += len(f"\x1b[{gap}C") if cursor >= 0 else len(f"\x1b[{y + 1};{x + 1}H")
            if char != " " and style != pen:
                assert style.color is not None
                count += len(f"\x1b[{';'.join(style.color.get_ansi_codes())}m")
                pen = style
            count += len(char.encode())
            cursor = x + 1
    return count


def paint(rows: list[list[tuple[str, Style]]]) -> LayoutUpdate:
    strips: list[Any] = []
    for row in rows:
        strip = Strip([Segment(text, style) for text, style in row])
        strips.append([strip.adjust_cell_length(WIDTH, GREY)])
    return LayoutUpdate(strips, Region(0, 0, WIDTH, HEIGHT))


def test_a_moving_ladder_and_tape_cost_less_than_a_plain_cell_diff() -> None:
    canvas = Canvas(ColorSystem.TRUECOLOR)
    canvas.resize(WIDTH, HEIGHT)
    canvas.apply(paint(frame(0)))
    canvas.difference()
    written = plain = 0
    for step in range(1, FRAMES):
        canvas.apply(paint(frame(step)))
        written += len(canvas.difference().encode())
        plain += least(cells(frame(step - 1)), cells(frame(step)))
    assert written <= plain
