"""The connections: state, figures while they live, the reason when they do not."""

from mdterm.feeds.frames import LinkLine
from mdterm.feeds.status import Shown
from mdterm.widgets.connections import Connections, choose_columns, format_delay, paint_link
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import text_of, width_of

BOOK = LinkLine("kiyotaka/book", "kiyotaka", Shown("LIVE", age=0.1), 38.2, 412.0)
REFUSED = LinkLine("alltick/stock", "alltick", Shown("REFUSED", detail="the token is not valid"), None, 0.0)
LOST = LinkLine(
    "jayx/BTCUSDT",
    "jayx",
    Shown("RECONNECTING", age=3.2, attempt=2, detail="it closed: try later"),
    None,
    0.0,
)
LINKS = [BOOK, REFUSED, LOST]


def lines(width: int, palette: Palette, height: int = 9) -> list[str]:
    panel = Connections()
    panel.links = LINKS
    return [text_of(row) for row in panel.paint_rows(palette, width, height)]


def test_those_in_trouble_come_first_with_their_reason(palette: Palette) -> None:
    assert lines(66, palette) == [
        "─ LINKS ────────────────────────────────────── 2 of 3 in trouble ─",
        " alltick/stock  REFUSED  the token is not valid",
        " jayx/BTCUSDT   RECONNECTING 3s (try 2)  it closed: try later",
        " kiyotaka/book  LIVE 0.1s    38 ms   412 msg/s",
    ]


def test_a_reason_that_does_not_fit_has_a_row_of_its_own(palette: Palette) -> None:
    assert lines(40, palette)[1:] == [
        " alltick/stock  REFUSED",
        "   the token is not valid               ",
        " jayx/BTCUSDT   RECONNECTING 3s (try 2)",
        "   it closed: try later                 ",
        " kiyotaka/book  LIVE 0.1s    38 ms",
    ]


def test_names_give_way_to_states(palette: Palette) -> None:
    assert lines(34, palette)[3] == " jayx/BT…  RECONNECTING 3s (try 2)"


def test_nothing_is_wider_or_taller_than_the_panel(palette: Palette) -> None:
    for width in range(36, 120, 7):
        for height in range(1, 8):
            panel = Connections()
            panel.links = LINKS
            rows = panel.paint_rows(palette, width, height)
            assert len(rows) <= height
            assert all(width_of(row) <= width for row in rows)


def test_all_is_well(palette: Palette) -> None:
    panel = Connections()
    panel.links = [BOOK]
    assert text_of(panel.paint_rows(palette, 30, 4)[0]) == "─ LINKS ───────────── 1 live ─"


def test_a_feed_that_stopped_makes_links_stale(palette: Palette) -> None:
    panel = Connections()
    panel.set_links([BOOK], made=100.0)
    panel.tick(130.0)
    text = [text_of(row) for row in panel.paint_rows(palette, 60, 4)]
    assert text[1] == " kiyotaka/book  STALE 30s  the feed says nothing"


def test_reasons_are_made_safe(palette: Palette) -> None:
    odd = LinkLine("a", "a", Shown("REFUSED", detail="\x1b[2J\u202enope"), None, 0.0)
    row = paint_link(odd, odd.shown, choose_columns([odd], 60, None), palette, 60)[0]
    assert text_of(row).endswith("·[2J·nope")


def test_delays() -> None:
    told = [format_delay(delay) for delay in (None, 38.2, -3.0, 1200.0, 250_000.0)]
    assert told == ["—", "38 ms", "-3 ms", "1.2 s", "250 s"]


def test_how_a_connection_talks_is_told_once(palette: Palette) -> None:
    market, account = (
        LinkLine(f"jayx/{name}", "jayx", Shown("LIVE", age=0.1), None, 3.0, note="framing: flat (auto)")
        for name in ("BTCUSDT", "account")
    )
    panel = Connections()
    panel.links = [market, account]
    assert [text_of(row).rstrip() for row in panel.paint_rows(palette, 38, 6)][3:] == [
        " framing: flat (auto)"
    ]
    assert panel.get_content_height(panel.size, panel.size, 0) == 4
    other = LinkLine("other/X", "other", Shown("LIVE", age=0.1), None, 3.0, note="framing: \x1b[2J")
    panel.links = [market, other]
    assert [text_of(row).rstrip() for row in panel.paint_rows(palette, 38, 6)][3:] == [
        " jayx: framing: flat (auto)",
        " other: framing: ·[2J",
    ]
