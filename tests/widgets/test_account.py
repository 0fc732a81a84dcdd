"""The account: exact money, whose it is, what its orders wait for, and what is missing."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from mdterm.feeds.frames import AccountFrame, BalanceRow, ChangeRow, OrderRow, PanelFrame
from mdterm.feeds.specs import AccountSpec
from mdterm.feeds.status import Shown
from mdterm.widgets.account import KEPT, Account, share_rows
from mdterm.widgets.changes import fit_change
from mdterm.widgets.orders import format_bps, format_distance, format_ticks, short_symbol
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import text_of, width_of

WALL = 1_763_682_461_997_000_000
"""2025-11-20 23:47:41.997 UTC."""
SECOND = 1_000_000_000
LIVE = Shown("LIVE", age=0.1)
Show = Callable[..., list[str]]


def order(**changes: Any) -> OrderRow:
    """Return a buy of one bitcoin at 61 000.00, 117 points below the market, of an hour ago."""
    row = OrderRow(
        address="jayx:BTCUSDT",
        symbol="BTCUSDT",
        id="19471623",
        side="buy",
        type="LIMIT",
        state="open",
        price="61000.00",
        size="1.0000",
        remaining="1.0000",
        filled=0.0,
        average=None,
        ticks=72_240,
        bps=117.0,
        created=WALL - 3600 * SECOND,
    )
    return msgspec.structs.replace(row, **changes)


SELL = order(
    id="2",
    side="sell",
    state="partly filled",
    price="61730.55",
    size="0.025",
    remaining="0.015",
    filled=0.4,
    average=61730.55,
    ticks=8,
    bps=1.3,
)
PENDING = order(
    symbol="ETHUSDT", state="pending", price="2500", size="2", remaining="2", ticks=None, bps=677.0
)

FRAME = AccountFrame(
    provider="jayx",
    quote="USDT",
    balances=[
        BalanceRow("USDT", "9932.44065", "8932.44065", "1000", 9932.44065, 0.9938),
        BalanceRow("BTC", "0.000998", "0.000998", "0", 61.60, 0.0062),
    ],
    value=9994.04,
    unpriced=[],
    orders=[order(), SELL, PENDING],
    open_orders=3,
    log=[
        ChangeRow(WALL - SECOND, "filled", "BTCUSDT sell 2", "filled", "0.005", "0.01", "61730.55"),
        ChangeRow(WALL - SECOND, "balance", "BTC", "total", "0.001998", "0.000998"),
        ChangeRow(WALL - 60 * SECOND, "placed", "BTCUSDT buy 19471623", "size", None, "1.0000", "61000"),
        ChangeRow(WALL - 61 * SECOND, "left", "ETHUSDT sell 9", "state", "open", "cancelled"),
    ],
)


def make(**changes: Any) -> AccountFrame:
    return msgspec.structs.replace(FRAME, **changes)


@pytest.fixture
def show(palette: Palette) -> Show:
    """Return what shows a frame and returns the panel's rows as text; all of them must fit."""

    def show(
        frame: AccountFrame | None,
        width: int,
        height: int = 20,
        shown: Shown = LIVE,
        panel: Account | None = None,
    ) -> list[str]:
        panel = panel or Account()
        panel.palette = palette
        panel.show(PanelFrame(shown, frame), 0.0, WALL)
        rows = panel.paint_rows(palette, width, height)
        assert len(rows) <= height
        assert all(width_of(row) <= width for row in rows), [text_of(row) for row in rows]
        return [text_of(row).rstrip() for row in rows]

    return show


def test_at_thirty_eight_columns(show: Show) -> None:
    assert show(FRAME, 38) == [
        "─ ACCOUNT jayx ─────────── LIVE 0.1s ─",
        " ASSET      TOTAL  AVAILABLE     VALUE",
        " USDT   9 932.441  8 932.441  9 932.44",
        " BTC     0.000998   0.000998     61.60",
        " all in USDT                  9 994.04",
        "",
        " ORDERS      PRICE   SIZE  FILL   DIST",
        " ▲B BTC  61 000.00  1.000   0 %  -117b",
        " ▼S BTC  61 730.55  0.025  40 %    +8t",
        " ▲B ETH   2 500     2       0 %  -677b",
        "",
        " CHANGES",
        " 23:47:40 ▼S BTC   filled  → 0.01",
        " 23:47:40 BTC      total  → 0.000998",
        " 23:46:41 ▲B BTC   placed  1",
        " 23:46:40 ▼S ETH   cancelled",
    ]


def test_at_sixty_columns_and_ten_rows(show: Show) -> None:
    assert show(FRAME, 60, 10) == [
        "─ ACCOUNT jayx 9 994.04 USDT ─────────────────── LIVE 0.1s ─",
        " ASSET         TOTAL     AVAILABLE     VALUE    SHARE",
        " USDT   9 932.44065   8 932.44065   9 932.44   99.4 %",
        " BTC        0.000998      0.000998     61.60    0.6 %",
        " ORDERS          PRICE   SIZE  FILLED   DIST  STATE",
        " ▲B BTCUSDT  61 000.00  1.000     0 %  -117b  open",
        " ▼S BTCUSDT  61 730.55  0.025    40 %    +8t  partly filled",
        " ▲B ETHUSDT   2 500     2         0 %  -677b  pending",
        " CHANGES",
        " 23:47:40 ▼S BTCUSDT filled     0.005 → 0.01",
    ]


def test_at_a_hundred_columns(show: Show) -> None:
    assert show(FRAME, 100) == [
        f"─ ACCOUNT jayx 9 994.04 USDT {'─' * 59} LIVE 0.1s ─",
        " ASSET         TOTAL     AVAILABLE  LOCKED     VALUE    SHARE",
        " USDT   9 932.44065   8 932.44065    1 000  9 932.44   99.4 %",
        " BTC        0.000998      0.000998       0     61.60    0.6 %",
        "",
        " ORDERS                          PRICE   SIZE  FILLED  REMAINING    TICKS      BPS  STATE",
        " 22:47:41  ▲B BTCUSDT LIMIT  61 000.00  1.000     0 %      1.000  -72240t  -117.0b  open",
        " 22:47:41  ▼S BTCUSDT LIMIT  61 730.55  0.025    40 %      0.015      +8t    +1.3b  partly filled",
        " 22:47:41  ▲B ETHUSDT LIMIT   2 500     2         0 %      2            —  -677.0b  pending",
        "",
        " CHANGES",
        " 23:47:40 ▼S BTCUSDT filled     0.005 → 0.01                   at 61 730.55  2",
        " 23:47:40 BTC        total      0.001998 → 0.000998",
        " 23:46:41 ▲B BTCUSDT placed     1                              at 61 000     19471623",
        " 23:46:40 ▼S ETHUSDT left       open → cancelled                             9",
    ]


@pytest.mark.parametrize("height", range(1, 24))
@pytest.mark.parametrize("width", [12, 20, 30, 37, 38, 39, 45, 60, 80, 100, 160])
def test_nothing_outgrows_the_panel(show: Show, width: int, height: int) -> None:
    balances = [
        BalanceRow(f"ASSET{at}", "123456789.12345678", "0.5", "123456788.6", 1e7, 0.1) for at in range(9)
    ]
    orders = [order(symbol=f"1000LONGNAME{at}USDT", price="0.00001234") for at in range(9)]
    for frame in (
        FRAME,
        make(balances=balances, orders=orders, open_orders=30),
        make(orders=[], open_orders=0),
    ):
        rows = show(frame, width, height)
        assert not any("#" in row for row in rows) or width < 20


@pytest.mark.parametrize("width", [30, 38, 60, 100])
def test_figures_are_two_blanks_apart_and_thousands_one(show: Show, width: int) -> None:
    """A figure that is not parted from its neighbour reads as its thousands."""
    rows = show(FRAME, width)
    for row in rows[2:4]:
        for figure in re.split(r" {2,}", row.partition(" ")[2].partition(" ")[2].strip()):
            assert re.fullmatch(r"\d{1,3}( \d{3})*(\.\d+)?( %)?", figure), row


def test_balances_and_orders_come_before_what_changed(show: Show) -> None:
    assert [row[:7] for row in show(FRAME, 60, 10)[1:]] == [
        " ASSET ",
        " USDT  ",
        " BTC   ",
        " ORDERS",
        " ▲B BTC",
        " ▼S BTC",
        " ▲B ETH",
        " CHANGE",
        " 23:47:",
    ]
    assert [row[:7] for row in show(FRAME, 60, 8)[4:]] == [" ORDERS", " ▲B BTC", " ▼S BTC", " ▲B ETH"]
    assert show(FRAME, 60, 7)[5][:7] == " ▲B BTC"
    assert show(FRAME, 60, 7)[6] == " + 2 more orders"
    assert show(FRAME, 60, 5)[2:] == [
        " 2 assets",
        " ORDERS          PRICE   SIZE  FILLED   DIST  STATE",
        " 3 orders",
    ]


@pytest.mark.parametrize("height", range(3, 40))
@pytest.mark.parametrize(
    ("balances", "orders", "changes"), [(0, 0, 0), (2, 3, 9), (30, 2, 5), (2, 30, 5), (30, 30, 0)]
)
def test_rows_are_shared_out_to_the_last(height: int, balances: int, orders: int, changes: int) -> None:
    rows = share_rows(height, balances, orders, changes, worth=True)
    used = 2 + rows.balances + rows.worth + rows.orders + 2 * rows.gaps
    used += 1 + rows.changes if rows.changes else 0
    assert used <= height
    if rows.changes < changes:
        assert height - used <= 1
    if balances + orders > height - 2:
        room = height - 2 - rows.worth
        assert rows.balances + rows.orders == room
        assert min(balances, orders, room // 2) <= min(rows.balances, rows.orders), "neither starves"
        assert rows.worth == (height >= 8), "the sum stays while there are rows to give"


def test_where_there_is_no_room_one_row_tells_all(show: Show) -> None:
    assert show(FRAME, 60, 2)[1] == " 9 994.04 USDT  3 orders"


def test_what_has_no_price_is_not_nothing(show: Show) -> None:
    unpriced = BalanceRow("XYZ", "5", "5", "0", None, None)
    rows = show(make(balances=[*FRAME.balances, unpriced], unpriced=["XYZ"]), 60)
    assert rows[0].startswith("─ ACCOUNT jayx ≥9 994.04 USDT ─")
    assert rows[4].split() == ["XYZ", "5", "5", "—", "—"]
    rows = show(make(balances=[unpriced], value=None, unpriced=["XYZ"]), 60)
    assert rows[0].startswith("─ ACCOUNT jayx — USDT ─")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "-117b"),
        ({"side": "sell"}, "+117b"),
        ({"ticks": 12}, "-12t"),
        ({"ticks": 0}, "+0t"),
        ({"ticks": -3, "bps": -0.4}, "+3t"),
        ({"ticks": None, "bps": 1.26}, "-1.3b"),
        ({"ticks": None, "bps": 2_345.0}, "-23%"),
        ({"ticks": None, "bps": 999.7, "side": "sell"}, "+10%"),
        ({"ticks": None, "bps": None}, "—"),
        ({"side": None}, "—"),
    ],
)
def test_the_distance_says_where_the_market_has_to_go(changes: dict[str, Any], words: str) -> None:
    assert format_distance(order(**changes)) == words
    assert len(words) <= 5


def test_what_an_order_does_not_tell_is_unknown(show: Show) -> None:
    bare = order(
        side=None, type=None, state=None, price=None, size=None, remaining=None, filled=None, created=None
    )
    rows = show(make(orders=[bare], open_orders=1), 120)
    assert rows[6].split() == ["—", "·", "BTCUSDT", *["—"] * 9]


def test_where_it_is_widest_an_order_tells_its_average_too(show: Show) -> None:
    heads, _, sell, *_ = show(FRAME, 120)[5:]
    assert heads.split()[4:] == ["REMAINING", "AVERAGE", "TICKS", "BPS", "STATE"]
    assert sell.split()[-8:] == ["%", "0.015", "61", "730.55", "+8t", "+1.3b", "partly", "filled"]


@pytest.mark.parametrize(
    ("changes", "ticks", "bps"),
    [
        ({}, "-72240t", "-117.0b"),
        ({"side": "sell"}, "+72240t", "+117.0b"),
        ({"ticks": 1_234_567, "bps": 2500.0}, "-1235kt", "-25%"),
        ({"ticks": -3, "bps": -0.04}, "+3t", "+0.0b"),
        ({"ticks": 98_765_432_109, "bps": None}, "-99Gt", "—"),
        ({"side": None}, "—", "—"),
    ],
)
def test_ticks_and_points_keep_their_columns(changes: dict[str, Any], ticks: str, bps: str) -> None:
    assert (format_ticks(order(**changes)), format_bps(order(**changes))) == (ticks, bps)


def test_a_fill_is_never_rounded_up_to_full(show: Show) -> None:
    rows = show(make(orders=[order(filled=0.9999), order(filled=0.29)], open_orders=2), 60, 7)
    assert [re.search(r"\d+ %", row)[0] for row in rows[5:7]] == ["99 %", "29 %"]  # type: ignore[index]


def test_a_symbol_is_short_only_where_it_must_be(show: Show) -> None:
    assert short_symbol("BTCUSDT", "USDT") == "BTC"
    assert short_symbol("BTC-USDT", "USDT") == "BTC"
    assert short_symbol("USDT", "USDT") == "USDT"
    assert short_symbol("ETHBTC", "USDT") == "ETHBTC"
    assert "▲B BTC " in show(FRAME, 38)[7]
    assert "▲B BTCUSDT " in show(FRAME, 60)[6]


@pytest.mark.parametrize(
    ("before", "after", "room", "words"),
    [
        ("9932.44065", "8932.44065", 30, "9 932.44065 → 8 932.44065"),
        ("9932.44065", "8932.44065", 22, "9 932.441 → 8 932.441"),
        ("9932.44065", "9932.44061", 23, "→ 9 932.44061"),
        ("9932.44065", "8932.44065", 9, "→ 8 932.4"),
        (None, "1.0000", 10, "1"),
        ("open", "cancelled", 20, "open → cancelled"),
        ("open", None, 20, "open → —"),
        ("open", "cancelled\x1b[2J", 8, "→ cance…"),
    ],
)
def test_a_change_is_told_as_long_as_it_shows(
    before: str | None, after: str | None, room: int, words: str
) -> None:
    assert fit_change(ChangeRow(WALL, "changed", "X", "size", before, after), room) == words


# States


def test_without_a_key_the_panel_says_what_is_missing(show: Show) -> None:
    refused = Shown("REFUSED", detail="no API key: set providers.jayx.api_key")
    for frame in (None, make(balances=[], value=None, orders=[], open_orders=0, log=[])):
        rows = show(frame, 38, 8, shown=refused)
        assert rows[0].endswith("─ REFUSED ─")
        assert " ".join(" ".join(rows[1:]).split()) == "no API key: set providers.jayx.api_key"


def test_what_was_known_before_it_was_refused_stays_with_the_reason(show: Show, palette: Palette) -> None:
    panel = Account()
    rows = show(FRAME, 60, 12, shown=Shown("REFUSED", detail="the key was revoked"), panel=panel)
    assert rows[1] == " the key was revoked"
    assert rows[3].startswith(" USDT   9 932.44065")
    styles = {style for row in panel.paint_rows(palette, 60, 12)[3:] for _, style in row}
    assert all(style.color == palette.stale.color for style in styles if style.color is not None)


def test_before_the_first_data_it_waits(show: Show) -> None:
    empty = make(balances=[], value=None, orders=[], open_orders=0, log=[])
    assert show(empty, 38, 6, shown=Shown("WARMING"))[3].strip() == "waiting for the first data"
    assert show(empty, 38, 6, shown=Shown("QUIET", age=9.0))[1:] == [
        " no balances known",
        " ORDERS  none known",
    ]


def test_the_title_tells_whose_account_it_is_and_how_old(show: Show) -> None:
    assert show(FRAME, 60, 6, shown=Shown("STALE", age=4.2))[0].endswith("─ STALE 4.2s ─")
    assert show(make(provider="second\x1b"), 60, 6)[0].startswith("─ ACCOUNT second· ")


def test_text_from_outside_is_made_safe(show: Show) -> None:
    wild = "X\x1b[2J\u202e"
    frame = make(
        balances=[BalanceRow(wild, "1", "1", "0", 1.0, 1.0)],
        orders=[order(symbol=wild, type=wild, state=wild, price=wild, size=wild)],
        open_orders=1,
        log=[ChangeRow(WALL, "changed", f"{wild} buy {wild}", wild, wild, wild)],
    )
    for width in (38, 60, 100, 200):
        assert all(row.isprintable() for row in show(frame, width))


# The panel as it lives


def test_columns_do_not_shrink_while_the_account_stays(show: Show) -> None:
    panel = Account()
    before = show(FRAME, 60, panel=panel)
    small = make(
        balances=[BalanceRow("USDT", "1", "1", "0", 1.0, 1.0)],
        orders=[order(price="9", size="1")],
        open_orders=1,
    )
    after = show(small, 60, panel=panel)
    assert before[1] == after[1]
    assert show(msgspec.structs.replace(small, provider="other"), 60, panel=panel)[1] != before[1]


def test_it_stays_when_another_instrument_is_shown(show: Show) -> None:
    panel = Account()
    before = show(FRAME, 60, panel=panel)
    panel.clear(1.0)
    assert panel.frame is FRAME
    assert show(FRAME, 60, panel=panel) == before


def test_it_asks_for_its_quote_and_for_enough() -> None:
    assert Account(quote="EUR").spec() == AccountSpec(quote="EUR", orders=KEPT, log=KEPT)
