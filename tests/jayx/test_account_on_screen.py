"""The account as a screen gets it through the port: a fill everywhere at once, and figures that add up."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial

import msgspec
import pytest

from mdterm.feeds.account import Change
from mdterm.feeds.address import Instrument
from mdterm.feeds.events import Book
from mdterm.feeds.frames import AccountFrame, ChangeRow, FrameSet, LadderFrame, TapeFrame
from mdterm.feeds.specs import AccountSpec, LadderSpec, TapeSpec
from tests.jayx.support import Run, Viewer, running

ADDRESS, OTHER = "jayx:BTCUSDT", "jayx:ETHUSDT"
TAPE_ROWS = 2_000
"""More than are printed between two frames, however slow the machine."""


def open_panels(run: Run, address: str = ADDRESS) -> Viewer:
    viewer = Viewer(run.feed)
    run.feed.watch([run.feed.resolve(ADDRESS)])
    run.feed.bind("account", address, AccountSpec())
    run.feed.bind("ladder", address, LadderSpec(20, margin=4000))
    run.feed.bind("tape", address, TapeSpec(TAPE_ROWS))
    return viewer


def account_in(frames: FrameSet) -> AccountFrame | None:
    panel = frames.panels.get("account")
    return panel.frame if panel is not None and isinstance(panel.frame, AccountFrame) else None


def check(frame: AccountFrame) -> None:
    """Hold the two equations of an account, exactly, as they are told."""
    for one in frame.balances:
        assert Decimal(one.total) == Decimal(one.available) + Decimal(one.locked), one
        assert Decimal(one.available) >= 0 <= Decimal(one.locked), one
    for order in frame.orders:
        assert order.size is not None
        assert order.filled is not None
        assert order.remaining is not None
        done = Decimal(order.size) - Decimal(order.remaining)
        assert 0 <= done <= Decimal(order.size), order
        assert float(done / Decimal(order.size)) == pytest.approx(order.filled, abs=1e-12)


def first_with(sets: list[FrameSet], is_in: Callable[[FrameSet], bool]) -> int | None:
    """Return the number of the first frame set in which something is told."""
    return next((at for at, one in enumerate(sets) if is_in(one)), None)


async def test_a_fill_moves_order_balance_and_tape_within_one_frame_set_of_each_other() -> None:
    async with running("socketio", rate=40) as run:
        viewer = open_panels(run)
        await viewer.until(lambda: len(run.feed.accounts.of["jayx"].fills) > 8)
        account = run.feed.accounts.of["jayx"]
        lines = [one for one in account.log if one.kind == "filled"]
        assert len(lines) == len(account.fills)
        checked = 0
        for line, fill in zip(lines, account.fills, strict=True):
            row, price = row_of(line), float(fill.price or 0)
            told = first_with(viewer.sets, partial(_tells, row))
            printed = first_with(viewer.sets, partial(_prints, fill.ts // 1_000_000, price))
            paid = first_with(viewer.sets, partial(_pays, line.at))
            if told is None or told < 3:
                continue  # of before the panels were there, or not drawn yet
            assert printed is not None
            assert paid is not None
            assert max(told, printed, paid) - min(told, printed, paid) <= 1
            checked += 1
        assert checked >= 3
        for frames in viewer.sets:
            if (frame := account_in(frames)) is not None:
                check(frame)


def row_of(line: Change) -> ChangeRow:
    return ChangeRow(line.at, line.kind, line.subject, line.what, line.before, line.after, line.price)


def log_of(frames: FrameSet) -> list[ChangeRow]:
    frame = account_in(frames)
    return [] if frame is None else frame.log


def _tells(row: ChangeRow, frames: FrameSet) -> bool:
    return row in log_of(frames)


def _pays(at: int, frames: FrameSet) -> bool:
    """Return whether coins changed hands in the half second after."""
    return any(
        one.kind == "balance" and one.subject == "BTC" and 0 <= one.at - at < 500_000_000
        for one in log_of(frames)
    )


def _prints(ms: int, price: float, frames: FrameSet) -> bool:
    panel = frames.panels.get("tape")
    tape = panel.frame if panel is not None else None
    return isinstance(tape, TapeFrame) and any(
        row.ts // 1_000_000 == ms
        and row.own
        and min(row.price, row.first_price or row.price)
        <= price
        <= max(row.price, row.first_price or row.price)
        for row in tape.rows
    )


async def test_own_orders_stand_on_the_ladder_of_their_provider_and_symbol_alone() -> None:
    async with running("socketio", rate=20) as run:
        viewer = open_panels(run)

        def marked() -> bool:
            account, ladder = viewer.frame("account", AccountFrame), viewer.frame("ladder", LadderFrame)
            return account is not None and ladder is not None and bool(ladder.own) and bool(account.orders)

        await viewer.until(marked)
        ladder, orders = (
            viewer.frame("ladder", LadderFrame),
            run.feed.accounts.of["jayx"].open_orders(ADDRESS),
        )
        assert ladder is not None
        prices = {(one.order.side, float(one.price or 0)) for one in orders}
        assert {(one.side, round(one.row * ladder.step, 2)) for one in ladder.own} <= prices
        other = run.feed.resolve(OTHER)
        assert run.feed.accounts.orders_on(other) == run.feed.accounts.of["jayx"].open_orders(OTHER) == []


async def test_the_account_stays_when_a_symbol_of_another_provider_is_shown() -> None:
    async with running("socketio") as run:
        elsewhere = Instrument("elsewhere:X", "elsewhere", "kiyotaka", "X")
        accounts = run.feed.accounts
        open_panels(run)
        assert accounts.show(run.feed.resolve(ADDRESS)) == "jayx"
        assert accounts.open(elsewhere) == []
        assert accounts.show(elsewhere) == "jayx"
        assert accounts.orders_on(elsewhere) == []
        assert accounts.fills_on(elsewhere) == {}


async def test_raw_counts_bear_a_badge_and_no_own_orders() -> None:
    async with running("socketio") as run:
        viewer = open_panels(run, OTHER)

        def has_traded() -> bool:
            ladder = viewer.frame("ladder", LadderFrame)
            return ladder is not None and ladder.best_bid is not None and ladder.last_price is not None

        await viewer.until(lambda: has_traded() and viewer.frame("account", AccountFrame) is not None)
        caution = viewer.panels["ladder"].caution
        assert caution is not None
        assert caution.badge == "raw"
        assert "providers.jayx.symbols.ETHUSDT.tick" in caution.words
        assert viewer.panels["account"].caution == caution
        ladder = viewer.frame("ladder", LadderFrame)
        assert ladder is not None
        assert (ladder.step, ladder.digits, ladder.own) == (1.0, 0, [])
        assert ladder.last_price is not None
        assert ladder.last_price == int(ladder.last_price) > 100_000, "ticks, not a price"
        account = viewer.frame("account", AccountFrame)
        assert account is not None
        assert {one.value for one in account.balances if one.asset == "ETH"} <= {None}


async def test_units_told_over_http_end_the_badge() -> None:
    async with running("socketio") as run:
        options = run.provider._options
        run.provider._options = msgspec.structs.replace(
            options, rest_url=run.venue.endpoints["providers.jayx.rest_url"]
        )
        run.provider._knows_units = False
        viewer = open_panels(run, OTHER)
        await viewer.until(lambda: viewer.frame("ladder", LadderFrame) is not None)
        assert viewer.panels["ladder"].caution is None
        ladder = viewer.frame("ladder", LadderFrame)
        assert ladder is not None
        assert ladder.step == run.feed.resolve(OTHER).tick


async def test_a_doubt_about_the_units_is_a_hint() -> None:
    async with running("socketio") as run:
        run.provider._doubt("BTCUSDT", "is the lot right?")
        viewer = open_panels(run)
        await viewer.until(lambda: viewer.frame("ladder", LadderFrame) is not None)
        caution = viewer.panels["ladder"].caution
        assert caution is not None
        assert (caution.badge, caution.words, caution.is_raw) == ("lot?", "is the lot right?", False)


async def test_without_a_key_the_panel_says_what_is_missing_and_how_to_set_it() -> None:
    async with running("socketio", api_key=None) as run:
        viewer = open_panels(run)
        await viewer.until(
            lambda: viewer.panels["account"].shown.word == "REFUSED" if "account" in viewer.panels else False
        )
        words = viewer.panels["account"].shown.detail or ""
        assert (
            words == "no API key: set providers.jayx.api_key or the environment variable MDTERM_JAYX_API_KEY"
        )
        await viewer.until(lambda: viewer.panels["tape"].shown.word == "LIVE")


async def test_orders_per_level_ride_in_the_book() -> None:
    async with running("socketio") as run:
        open_panels(run)
        run.listen("book")
        await run.heard.until(lambda: bool(run.heard.of(Book)))
        book = run.heard.of(Book)[0]
        assert isinstance(book, Book)
        assert book.bid_counts is not None
        assert len(book.bid_counts) == len(book.bid_prices)
        assert min(book.bid_counts) >= 1
