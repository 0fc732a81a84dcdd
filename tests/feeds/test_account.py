"""The state of an account: exact, bounded, and with a history."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mdterm.feeds.account import FILLS_KEPT, LEFT_KEPT, LOG_KEPT, Account
from mdterm.feeds.events import Balance, Event, Order, Trade

NOW = 1_716_136_436_800_000_000


def balance(asset: str, total: str, available: str, at: int = NOW) -> Balance:
    return Balance("jayx", None, at, asset, total, available)


def order(id_: str = "1", filled: str = "0", remaining: str = "1", **fields: object) -> Order:
    size = format(Decimal(filled) + Decimal(remaining), "f")
    made = Order(
        "jayx:BTCUSDT",
        NOW,
        NOW,
        id_,
        "buy",
        "LIMIT",
        "open",
        "100",
        size,
        filled,
        remaining,
        "0",
        NOW,
        NOW,
        False,
    )
    return replace(made, **fields)


def account(events: Sequence[Event] = ()) -> Account:
    made = Account("jayx")
    made.apply(events)
    return made


def lines(made: Account) -> list[tuple[str, str, str, str | None, str | None]]:
    return [(one.kind, one.subject, one.what, one.before, one.after) for one in made.log]


def test_locked_is_what_is_not_available() -> None:
    made = account([balance("USDT", "9932.44065", "9000.0000001")])
    assert made.holdings["USDT"].locked == Decimal("932.4406499")


def test_value_and_share_at_a_price() -> None:
    made = account([balance("USDT", "1000", "1000"), balance("BTC", "0.1", "0.05"), balance("XYZ", "5", "5")])
    portfolio = made.portfolio("USDT", lambda asset, quote: 30_000.0 if asset == "BTC" else None)
    assert [(row.asset, row.value, row.share) for row in portfolio.rows] == [
        ("BTC", Decimal("3000.00"), Decimal("0.75")),
        ("USDT", Decimal("1000"), Decimal("0.25")),
        ("XYZ", None, None),
    ]
    assert (portfolio.value, portfolio.unpriced) == (Decimal(4000), ["XYZ"])
    assert portfolio.rows[0].locked == Decimal("0.05")


def test_an_account_worth_nothing_has_no_shares() -> None:
    assert account().portfolio("USDT", lambda asset, quote: None).rows == []
    made = account([balance("BTC", "1", "1")])
    assert made.portfolio("USDT", lambda asset, quote: 0.0).rows[0].share is None


def test_an_asset_at_zero_leaves() -> None:
    made = account([balance("BTC", "1", "1"), balance("ETH", "0", "0.0")])
    assert set(made.holdings) == {"BTC"}
    made.apply([balance("BTC", "0", "0")])
    assert made.holdings == {}
    assert lines(made)[-2:] == [
        ("balance", "BTC", "total", "1", "0"),
        ("balance", "BTC", "available", "1", "0"),
    ]


def test_nothing_new_is_no_line() -> None:
    made = account([balance("BTC", "1", "1"), order()])
    version, kept = made.version, len(made.log)
    made.apply([balance("BTC", "1.0", "1"), order()])
    assert (made.version, len(made.log)) == (version, kept)


def test_the_history_of_an_order() -> None:
    made = account([order()])
    made.apply([order(filled="0.25", remaining="0.75", cost="25", state="partly filled")])
    made.apply([order(filled="0.25", remaining="0.75", cost="25", price="101", state="partly filled")])
    made.apply([order(filled="0.25", remaining="0.75", cost="25", state="cancelled", removed=True)])
    subject = "BTCUSDT buy 1"
    assert lines(made) == [
        ("placed", subject, "size", None, "1"),
        ("filled", subject, "filled", "0", "0.25"),
        ("changed", subject, "state", "open", "partly filled"),
        ("changed", subject, "price", "100", "101"),
        ("left", subject, "state", "partly filled", "cancelled"),
    ]
    assert made.orders == {}
    assert [one.state for one in made.left] == ["cancelled"]
    assert [one.at for one in made.log] == [NOW] * 5


def test_a_fill_has_its_own_exact_price() -> None:
    made = account([order(filled="1", remaining="2", cost="100")])
    made.apply([order(filled="2", remaining="1", cost="203", ts=NOW + 5)])
    made.apply([order(filled="3", remaining="0", cost="303.5", removed=True, state="filled")])
    assert [fill.size for fill in made.fills] == [1, 1]
    assert [fill.price for fill in made.fills] == [103, Decimal("100.5")]
    assert made.fills[0].ts == NOW + 5


def test_an_order_filled_at_once_is_a_fill() -> None:
    made = account([order(filled="2", remaining="0", cost="198", removed=True, state="filled")])
    (fill,) = made.fills
    assert (str(fill.size), str(fill.price), fill.side) == ("2", "99", "buy")
    assert [one.kind for one in made.log] == ["filled", "left"]


def test_without_a_cost_the_limit_stands_for_the_price() -> None:
    made = account([order(cost=None), order(filled="1", remaining="0", cost=None, removed=True)])
    assert made.fills[0].price == 100


def test_share_average_and_distance() -> None:
    (working,) = account([order(filled="1", remaining="3", cost="99.5", price="100")]).open_orders()
    assert working.share_filled == Decimal("0.25")
    assert working.average == Decimal("99.5")
    assert working.distance(Decimal("125"), Decimal("0.01")) == (2500, Decimal(2000))
    assert working.distance(Decimal("125"), None) == (None, Decimal(2000))
    (sell,) = account([order(side="sell")]).open_orders()
    assert sell.distance(Decimal(99), Decimal("0.5"))[0] == 2  # type: ignore[index]
    assert sell.distance(Decimal(101), Decimal("0.5"))[0] == -2  # type: ignore[index]
    (market,) = account([order(price=None)]).open_orders()
    assert market.distance(Decimal(99), Decimal(1)) is None
    assert market.share_filled == 0
    assert market.average is None


def test_orders_of_one_instrument_the_newest_first() -> None:
    made = account(
        [
            order("1", created=5),
            order("2", created=9),
            order("3", address="jayx:ETHUSDT"),
            order("4", created=None),
        ]
    )
    assert [one.order.id for one in made.open_orders("jayx:BTCUSDT")] == ["2", "1", "4"]
    assert len(made.open_orders()) == 4


def test_what_does_not_add_up_is_said() -> None:
    made = account([balance("BTC", "1", "2"), order(size="5"), order("2", remaining="1", size=None)])
    assert made.broken() == [
        "BTC: available 2 is more than the total 1",
        "BTCUSDT buy 1: size 5 is not filled 0 + 1",
    ]


def test_figures_that_are_none_change_nothing() -> None:
    made = account([balance("BTC", "1", "NaN"), balance("BTC", "x", "1")])
    assert made.holdings == {}
    (working,) = account([order(price="x", cost="Infinity")]).open_orders()
    assert (working.price, working.cost) == (None, None)


def test_what_is_not_the_accounts_is_passed_over() -> None:
    made = account([Trade("jayx:BTCUSDT", NOW, NOW, None, 1.0, 1.0, "buy")])
    assert (made.version, made.changed_at) == (0, None)


def test_everything_is_bounded() -> None:
    made = account()
    for at in range(LOG_KEPT):
        made.apply([order(str(at), filled="1", remaining="0", removed=True, state="filled")])
    assert (len(made.log), len(made.left), len(made.fills)) == (LOG_KEPT, LEFT_KEPT, FILLS_KEPT)
    assert made.orders == {}


AMOUNTS = st.integers(0, 10**24).map(lambda count: Decimal(count).scaleb(-12))


@given(st.lists(st.tuples(st.sampled_from("ABC"), AMOUNTS, AMOUNTS), max_size=20))
def test_total_is_available_and_locked_at_any_time(rows: list[tuple[str, Decimal, Decimal]]) -> None:
    made = account()
    for asset, available, locked in rows:
        total = Decimal(available + locked)
        made.apply([balance(asset, format(total, "f"), format(available, "f"))])
        for holding in made.holdings.values():
            assert holding.total == holding.available + holding.locked
        assert made.broken() == []


@pytest.mark.parametrize("state", ["filled", "cancelled"])
@given(parts=st.lists(st.integers(1, 10**12), min_size=1, max_size=12))
def test_fills_add_up_to_what_was_filled(state: str, parts: list[int]) -> None:
    lot = Decimal("0.00000001")
    whole, made, done = sum(parts) * lot, account(), Decimal(0)
    made.apply([order(remaining=format(whole, "f"))])
    for part in parts:
        done += part * lot
        made.apply([order(filled=format(done, "f"), remaining=format(whole - done, "f"), cost=None)])
        assert made.broken() == []
    made.apply([order(filled=format(done, "f"), remaining="0", removed=True, state=state, cost=None)])
    assert sum((fill.size for fill in made.fills), Decimal(0)) == whole
