"""The canvas: what is written makes the terminal show what was painted, and nothing is written twice."""

import re

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from mdterm.app.canvas import Canvas

WIDTH, HEIGHT = 24, 4
STYLES = [
    Style(),
    Style(color="#ff0000"),
    Style(color="#ff0000", bgcolor="#000080"),
    Style(bgcolor="#000080"),
    Style(color="#00ff00", bold=True),
    Style(color="#00ff00", bold=True, dim=True),
    Style(color="#00ff00", underline=True, bgcolor="#000080"),
    Style(reverse=True),
]


def whole(*rows: Strip) -> LayoutUpdate:
    """Return a paint of the whole screen."""
    padded = [row.adjust_cell_length(WIDTH) for row in rows]
    padded += [Strip.blank(WIDTH)] * (HEIGHT - len(rows))
    return LayoutUpdate([[row] for row in padded], Region(0, 0, WIDTH, HEIGHT))


def strip(*parts: tuple[str, Style]) -> Strip:
    return Strip([Segment(text, style) for text, style in parts if text])


def make_canvas(colours: ColorSystem = ColorSystem.TRUECOLOR) -> Canvas:
    canvas = Canvas(colours)
    canvas.resize(WIDTH, HEIGHT)
    return canvas


def looks(screen: pyte.Screen) -> list[list[tuple[object, ...]]]:
    """Return what can be seen of each cell: a blank shows no foreground and no weight."""
    seen = []
    for y in range(HEIGHT):
        row: list[tuple[object, ...]] = []
        for x in range(WIDTH):
            cell = screen.buffer[y][x]
            is_blank = cell.data == " " and not (cell.reverse or cell.underscore)
            row.append(
                (cell.data, cell.bg)
                if is_blank
                else (cell.data, cell.fg, cell.bg, cell.bold, cell.underscore, cell.reverse)
            )
        seen.append(row)
    return seen


def shown(*texts: str) -> tuple[pyte.Screen, pyte.Stream]:
    screen = pyte.Screen(WIDTH, HEIGHT)
    stream = pyte.Stream(screen)
    for text in texts:
        stream.feed(text)
    return screen, stream


@st.composite
def strips(draw: st.DrawFn) -> Strip:
    parts = draw(
        st.lists(st.tuples(st.text("ab1  ▲━中", max_size=9), st.sampled_from(STYLES)), min_size=1, max_size=6)
    )
    return strip(*parts).adjust_cell_length(WIDTH)


@settings(max_examples=150, deadline=None)
@given(
    frames=st.lists(st.lists(strips(), min_size=HEIGHT, max_size=HEIGHT), min_size=2, max_size=5),
    colours=st.sampled_from([ColorSystem.TRUECOLOR, ColorSystem.STANDARD]),
)
def test_differences_add_up_to_what_a_full_paint_shows(
    frames: list[list[Strip]], colours: ColorSystem
) -> None:
    canvas = make_canvas(colours)
    screen, stream = shown()
    for rows in frames:
        canvas.apply(whole(*rows))
        stream.feed(canvas.difference())
        anew = make_canvas(colours)
        anew.apply(whole(*rows))
        assert looks(screen) == looks(shown(anew.difference())[0])


def test_the_same_paint_twice_writes_nothing() -> None:
    canvas = make_canvas()
    rows = [strip(("BID 8.184", STYLES[1])), strip(("▲ 61 722.4", STYLES[6]))]
    canvas.apply(whole(*rows))
    assert canvas.difference()
    canvas.apply(whole(*rows))
    assert canvas.is_dirty
    assert canvas.difference() == ""
    assert not canvas.is_dirty


def test_one_changed_cell_costs_a_move_a_colour_and_the_cell() -> None:
    canvas = make_canvas()
    canvas.apply(whole(strip(("61 722.4", STYLES[1]), ("  0.145", STYLES[4]))))
    canvas.difference()
    canvas.apply(whole(strip(("61 722.5", STYLES[1]), ("  0.145", STYLES[4]))))
    assert canvas.difference() == "\x1b[1;8H\x1b[0;38;2;255;0;0m5"


def test_a_colour_that_only_blanks_would_show_in_is_not_written() -> None:
    canvas = make_canvas()
    canvas.apply(whole(strip(("    ", STYLES[1]))))
    canvas.difference()
    canvas.apply(whole(strip(("    ", STYLES[4]))))
    assert canvas.difference() == ""


def test_colours_are_switched_once_per_frame_not_once_per_row() -> None:
    canvas = make_canvas()
    canvas.apply(whole(*[strip(("11", STYLES[1]), ("22", STYLES[2]))] * HEIGHT))
    canvas.difference()
    canvas.apply(whole(*[strip(("33", STYLES[1]), ("44", STYLES[2]))] * HEIGHT))
    assert canvas.difference().count("m") == 2


def test_a_partial_update_sets_only_its_span() -> None:
    canvas = make_canvas()
    canvas.apply(whole(strip(("aaaaaaaa", STYLES[0]))))
    canvas.difference()
    chops = [{0: strip(("bbbbbbbb", STYLES[0]))}, {}, {}, {}]
    canvas.apply(ChopsUpdate(chops, [(0, 2, 5)], [[8], [], [], []]))
    screen, _ = shown("\x1b[1Haaaaaaaa", canvas.difference())
    # Textual paints a chop from its left edge up to the span's end.
    assert screen.display[0].startswith("bbbbbaaa")


def test_forgetting_writes_everything_again() -> None:
    canvas = make_canvas()
    canvas.apply(whole(strip(("abc", STYLES[1]))))
    first = canvas.difference()
    canvas.forget()
    assert canvas.difference() == first


def test_another_size_is_written_whole() -> None:
    canvas = make_canvas()
    canvas.apply(whole(strip(("abc", STYLES[1]))))
    canvas.difference()
    canvas.resize(WIDTH, HEIGHT)
    assert canvas.difference() == ""
    canvas.resize(WIDTH + 1, HEIGHT)
    assert canvas.is_dirty


@pytest.mark.parametrize(("have", "want"), [(a, b) for a in STYLES for b in STYLES])
def test_every_change_of_style_arrives(have: Style, want: Style) -> None:
    canvas = make_canvas()
    canvas.apply(whole(strip(("x", have), ("y", want))))
    screen, _ = shown(canvas.difference())
    anew = make_canvas()
    anew.apply(whole(strip((" ", STYLES[0]), ("y", want))))
    alone, _ = shown(anew.difference())
    assert screen.buffer[0][1] == alone.buffer[0][1]


def test_what_something_else_wrote_heals_row_by_row() -> None:
    canvas = make_canvas()
    rows = [strip((f"row {y}", STYLES[1]), ("  9.5", STYLES[6])) for y in range(HEIGHT)]
    canvas.apply(whole(*rows))
    screen, stream = shown(canvas.difference())
    healthy = looks(screen)
    stream.feed("\x1b[2J\x1b[1;1H\x1b[44mBroadcast message from root\x1b[7m")
    assert looks(screen) != healthy
    for y in range(HEIGHT):
        assert canvas.difference() == ""
        canvas.doubt()
        written = canvas.difference()
        assert set(re.findall(r"\x1b\[(\d+)(?:;\d+)?H", written)) == {str(y + 1)}, "one row at a time"
        stream.feed(written)
        assert looks(screen)[: y + 1] == healthy[: y + 1]
    assert looks(screen) == healthy


def test_a_canvas_without_a_size_doubts_nothing() -> None:
    canvas = Canvas()
    canvas.doubt()
    assert canvas.difference() == ""
