"""Balances and open orders: snapshots, changes, and how orders leave."""

import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mdterm.feeds.contract import Want
from mdterm.feeds.events import Balance, Event, Order
from mdterm.feeds.jayx import facts
from mdterm.feeds.jayx.framing import Dialect
from mdterm.feeds.jayx.private import PrivateCodec, state_of

SEEN = 1_716_136_436_800_000_000
KEY = "clmsionk21ru"
Make = Callable[..., PrivateCodec]


def order(id_: Any = 1, **fields: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "type": "LIMIT",
        "state": "NEW",
        "side": "BUY",
        "resd": 1_000_000,
        "exec": 0,
        "cost": 0,
        "created": 1_716_135_452_487,
        "modified": 1_716_135_452_487,
        "symbol": "BTCUSDT",
        "price": "1000",
        **fields,
    }


def changes(modify: Sequence[Any] = (), cancel: Sequence[Any] = (), add: Sequence[Any] = ()) -> bytes:
    return json.dumps({"cancel": list(cancel), "modify": list(modify), "add": list(add)}).encode()


def spot(*rows: tuple[str, Any, Any]) -> bytes:
    found = [{"asset": asset, "balance": total, "available": free} for asset, total, free in rows]
    return json.dumps({"spot": found}).encode()


def told(events: Sequence[Event]) -> list[tuple[str, str | None, bool]]:
    return [(one.id, one.state, one.removed) for one in events if isinstance(one, Order)]


def messages(codec: PrivateCodec, now: float) -> list[Any]:
    return [json.loads(one) for one in codec.due(now).messages]


def test_the_documented_balances(private: Make, examples: dict[str, str]) -> None:
    assert private().feed(examples["positions"].encode(), SEEN) == [
        Balance("jayx", None, SEEN, "BTC", "0.000998", "0.000998"),
        Balance("jayx", None, SEEN, "USDT", "9932.44065", "9932.44065"),
    ]


def test_the_documented_order(private: Make, examples: dict[str, str]) -> None:
    doubts: list[str] = []
    codec = private(doubted=lambda symbol, words: doubts.append(words))
    created = 1_716_135_452_487_000_000
    assert codec.feed(examples["openorders"].encode(), SEEN) == [
        Order(
            "jayx:BTCUSDT",
            created,
            SEEN,
            "117805625",
            "buy",
            "LIMIT",
            "open",
            "1000",
            "1",
            "0",
            "1",
            "0",
            created,
            created,
            False,
        )
    ]
    assert doubts == []


# Asking.


def test_symbols_are_asked_one_after_the_other(private: Make) -> None:
    codec = private(symbols=("BTCUSDT", "ETHUSDT"))
    whole = {"apiKey": KEY, "category": "spot"}
    due = codec.due(5.0)
    assert [json.loads(one) for one in due.messages] == [
        {"event": "positions", "data": whole},
        {"event": "openorders", "data": {**whole, "symbol": "BTCUSDT"}},
    ]
    assert due.next_due == 5.0 + facts.SUBSCRIBE_REPLY_S
    assert messages(codec, 5.5) == []
    codec.feed(changes(), SEEN)
    assert messages(codec, 5.6) == [{"event": "openorders", "data": {**whole, "symbol": "ETHUSDT"}}]


def test_a_symbol_that_is_not_answered_holds_up_nothing(private: Make) -> None:
    codec = private(symbols=("BTCUSDT", "ETHUSDT"))
    codec.due(5.0)
    (asked,) = messages(codec, 5.0 + facts.SUBSCRIBE_REPLY_S)
    assert asked["data"]["symbol"] == "ETHUSDT"


def test_what_is_wanted_later_is_asked_later(private: Make) -> None:
    codec = private(symbols=())
    assert [one["event"] for one in messages(codec, 0.0)] == ["positions"]
    codec.want([Want(0, "jayx:ETHUSDT", "order")])
    assert [one["data"]["symbol"] for one in messages(codec, 1.0)] == ["ETHUSDT"]
    codec.opened(2.0)
    assert [one["event"] for one in messages(codec, 2.0)] == ["openorders"]


def test_nothing_is_asked_before_the_namespace(private: Make) -> None:
    codec = private(dialect=Dialect("socketio", rules=4))
    assert codec.due(0.0).messages == []
    codec.feed(b'0{"sid":"x"}', SEEN)
    assert codec.due(0.0).messages == ["40"]
    codec.feed(b'40{"sid":"y"}', SEEN)
    assert codec.due(0.1).messages[0].startswith('42["positions",{"apiKey"')


# Balances.


def test_the_first_list_after_connecting_replaces_all(private: Make) -> None:
    codec = private()
    codec.feed(spot(("BTC", "1", "1"), ("USDT", "5", "5")), SEEN)
    assert codec.feed(spot(("ETH", "2", "1")), SEEN) == [Balance("jayx", None, SEEN, "ETH", "2", "1")]
    codec.opened(9.0)
    assert codec.feed(spot(("USDT", "5", "4")), SEEN) == [
        Balance("jayx", None, SEEN, "USDT", "5", "4"),
        Balance("jayx", None, SEEN, "BTC", "0", "0"),
        Balance("jayx", None, SEEN, "ETH", "0", "0"),
    ]


def test_figures_are_exact_however_they_are_written(private: Make) -> None:
    codec = private()
    frame = (
        b'{"spot":[{"asset":"A","balance":0.1000000000000000055,"available":"1E-7"},'
        b'{"asset":"B","balance":12345678901234567890.123456789,"available":7},'
        b'{"asset":"C","balance":"NaN","available":"1"},{"asset":"D","balance":"1e999999","available":"1"},'
        b'{"asset":5,"balance":"1","available":"1"},{"asset":"E","balance":true,"available":"1"},'
        b'{"asset":"F","balance":"x","available":"1"},{"asset":"","balance":"1","available":"1"}]}'
    )
    assert [(one.asset, one.total, one.available) for one in codec.feed(frame, SEEN)] == [  # type: ignore[attr-defined]
        ("A", "0.1000000000000000055", "0.0000001"),
        ("B", "12345678901234567890.123456789", "7"),
    ]
    assert codec.bad_frames == 6


# Orders.


def test_a_life_of_an_order(private: Make) -> None:
    codec = private()
    codec.feed(changes(), SEEN)
    assert told(codec.feed(changes([order()]), SEEN)) == [("1", "open", False)]
    part = order(state="TRADE", resd=400_000, exec=600_000, cost=600_000 * 100_000)
    (event,) = codec.feed(changes([part]), SEEN)
    assert isinstance(event, Order)
    assert (event.state, event.size, event.filled, event.remaining, event.cost) == (
        "partly filled",
        "1",
        "0.6",
        "0.4",
        "600",
    )
    done = order(state="TRADE", resd=0, exec=1_000_000, cost=10**11)
    assert told(codec.feed(changes([done]), SEEN)) == [("1", "filled", True)]
    assert told(codec.feed(changes(cancel=[1]), SEEN)) == []


@pytest.mark.parametrize(
    "cancel",
    [1, "1", {"id": 1}, {"id": 1, "symbol": "BTCUSDT"}, order(1, state="CANCELED"), order(1, state="NEW")],
)
def test_orders_leave_by_id_or_as_objects(private: Make, cancel: Any) -> None:
    codec = private()
    codec.feed(changes([order(1), order(2)]), SEEN)
    (event,) = codec.feed(changes(cancel=[cancel]), SEEN + 1)
    assert told([event]) == [("1", "cancelled", True)]
    assert event.seen == SEEN + 1
    assert codec.feed(changes(cancel=[cancel]), SEEN) == []


def test_a_cancelled_order_tells_what_it_had_filled(private: Make) -> None:
    codec = private()
    codec.feed(changes([order(1)]), SEEN)
    (event,) = codec.feed(
        changes(cancel=[order(1, state="CANCELED", resd=400_000, exec=600_000, cost=5)]), SEEN
    )
    assert isinstance(event, Order)
    assert (event.filled, event.remaining, event.removed) == ("0.6", "0.4", True)


@pytest.mark.parametrize("state", ["CANCEL", "CANCELED", "CANCELLED", "cancelled", "EXPIRED", "REJECTED"])
def test_a_state_can_be_the_end(private: Make, state: str) -> None:
    codec = private()
    codec.feed(changes([order(1)]), SEEN)
    ((_, told_state, removed),) = told(codec.feed(changes([order(1, state=state)]), SEEN))
    assert removed
    assert told_state in ("cancelled", "expired", "rejected")


@pytest.mark.parametrize(
    ("state", "resd", "done", "shown"),
    [
        ("NEW", 5, 0, ("open", False)),
        ("NEW", 5, 1, ("partly filled", False)),
        ("TRADE", 5, 5, ("partly filled", False)),
        ("TRADE", 0, 5, ("filled", True)),
        ("PENDING", 5, 0, ("pending", False)),
        ("ACCEPTED", 5, 0, ("pending", False)),
        ("CANCELED", 5, 0, ("cancelled", True)),
        ("NEW", 0, 0, ("done", True)),
        (None, 5, 0, ("open", False)),
        ("Strange", 5, 0, ("strange", False)),
    ],
)
def test_states_in_our_words(state: str | None, resd: int, done: int, shown: tuple[str, bool]) -> None:
    assert state_of(state, resd, done) == shown


def test_an_order_filled_at_once_is_told_and_a_stranger_that_left_is_not(private: Make) -> None:
    codec = private()
    codec.feed(changes(), SEEN)
    gone = order(5, state="TRADE", resd=0, exec=10, cost=10)
    assert told(codec.feed(changes([gone]), SEEN)) == [("5", "filled", True)]
    assert told(codec.feed(changes([order(6, state="CANCELED")]), SEEN)) == []


def test_what_left_while_away_leaves_with_the_first_message(private: Make) -> None:
    codec = private()
    codec.due(0.0)
    codec.feed(changes([order(1), order(2)]), SEEN)
    assert told(codec.feed(changes([order(3)]), SEEN)) == [("3", "open", False)]
    codec.opened(9.0)
    codec.due(9.0)
    assert told(codec.feed(changes([order(2)]), SEEN)) == [
        ("2", "open", False),
        ("1", "gone while away", True),
        ("3", "gone while away", True),
    ]


def test_an_empty_first_message_ends_all_orders_of_its_symbol_alone(private: Make) -> None:
    codec = private(symbols=("BTCUSDT", "ETHUSDT"))
    codec.due(0.0)
    codec.feed(changes([order(1)]), SEEN)
    codec.due(0.1)
    codec.feed(changes([order(1, symbol="ETHUSDT")]), SEEN)
    codec.opened(9.0)
    codec.due(9.0)
    (event,) = codec.feed(changes(), SEEN)
    assert isinstance(event, Order)
    assert (event.address, event.removed) == ("jayx:BTCUSDT", True)
    codec.due(9.1)
    # A change of the first symbol is no answer for the second.
    assert told(codec.feed(changes([order(7)]), SEEN)) == [("7", "open", False)]
    assert told(codec.feed(changes([order(1, symbol="ETHUSDT")]), SEEN)) == [("1", "open", False)]


def test_one_id_in_two_markets_is_two_orders(private: Make) -> None:
    codec = private(symbols=("BTCUSDT", "ETHUSDT"))
    codec.feed(changes([order(1), order(1, symbol="ETHUSDT")]), SEEN)
    (event,) = codec.feed(changes(cancel=[{"id": 1, "symbol": "ETHUSDT"}]), SEEN)
    assert isinstance(event, Order)
    assert event.address == "jayx:ETHUSDT"
    codec.feed(changes([order(1, symbol="ETHUSDT")]), SEEN)
    assert codec.feed(changes(cancel=[1]), SEEN) == []
    assert codec.needs_reset  # which of the two left, only a snapshot tells


def test_add_is_read_like_modify(private: Make) -> None:
    codec = private()
    frame = b'{"add":[' + json.dumps(order(4)).encode() + b'],"modify":null,"cancel":null}'
    assert told(codec.feed(frame, SEEN)) == [("4", "open", False)]
    frame = b'{"event":"openorders","data":{"modify":' + json.dumps(order(5)).encode() + b"}}"
    assert told(codec.feed(frame, SEEN)) == [("5", "open", False)]


@pytest.mark.parametrize(
    "fields",
    [
        {"id": None},
        {"id": True},
        {"symbol": None},
        {"symbol": "BTC USDT"},
        {"symbol": "BTC\x1b"},
        {"resd": None},
        {"resd": -1},
        {"exec": -1},
        {"resd": 0.5},
        {"price": "a lot"},
    ],
)
def test_an_order_that_cannot_be_costs_only_itself(private: Make, fields: dict[str, Any]) -> None:
    codec = private()
    assert told(codec.feed(changes([order(1, **fields), order(2)]), SEEN)) == [("2", "open", False)]
    assert codec.bad_frames == 1


def test_what_is_not_told_is_unknown(private: Make) -> None:
    (event,) = private().feed(
        changes([order(1, price="0", cost=None, side="?", type=None, created=None, modified=5)]), SEEN
    )
    assert isinstance(event, Order)
    assert (event.price, event.cost, event.side, event.type, event.created) == (None,) * 5
    assert event.ts == event.modified == 5_000_000_000


def test_a_quantity_that_contradicts_the_units_is_said(private: Make) -> None:
    doubts: list[str] = []
    codec = private(doubted=lambda symbol, words: doubts.append(symbol))
    codec.feed(changes([order(1, quantity="1000"), order(2, quantity="1")]), SEEN)
    assert doubts == []
    (event,) = codec.feed(changes([order(3, quantity="7")]), SEEN)
    assert doubts == ["BTCUSDT"]
    assert isinstance(event, Order)
    assert event.size == "1"


def test_raw_lots_where_nobody_told_the_units(private: Make, examples: dict[str, str]) -> None:
    (event,) = private(lot=None).feed(examples["openorders"].encode(), SEEN)
    assert isinstance(event, Order)
    assert (event.size, event.remaining) == ("1000000", "1000000")


# Refusals.


def test_a_bad_key_refuses_the_link_without_telling_it(
    private: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    codec = private()
    codec.feed(f'42["error",{{"message":"invalid apiKey {KEY}"}}]'.encode(), SEEN)
    (verdict,) = codec.verdicts
    assert verdict.final
    assert verdict.addresses == ()
    assert verdict.detail == "the server refused: invalid apiKey •••"
    codec.feed(f'{{"what":"{KEY}"}}'.encode(), SEEN)
    assert codec.unknown == 1
    assert "not understood" in caplog.text
    assert KEY not in caplog.text
    assert KEY not in repr(codec.verdicts)


def test_market_data_is_not_the_accounts(private: Make, examples: dict[str, str]) -> None:
    codec = private()
    assert codec.feed(examples["orderbook"].encode(), SEEN) == []
    assert codec.feed(examples["kline"].encode(), SEEN) == []
    assert codec.unknown == 2


# More than anybody has


def test_orders_beyond_the_bound_are_left_out_counted_and_told(
    private: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "MAX_OPEN_ORDERS", 3)
    words: list[str] = []
    codec = private(crowded=words.append)
    events = codec.feed(changes(add=[order(number) for number in range(1, 6)]), SEEN)
    assert [id_ for id_, _, _ in told(events)] == ["1", "2", "3"]
    assert codec.left_out == 2
    assert words[-1] == "more than 3 open orders: what came later is left out (2 times so far)"
    # What is kept goes on as ever; what was left out is not told gone either; room is used again.
    assert told(codec.feed(changes(modify=[order(2, exec=5, resd=10)]), SEEN)) == [
        ("2", "partly filled", False)
    ]
    assert told(codec.feed(changes(cancel=[5]), SEEN)) == []
    assert told(codec.feed(changes(cancel=[1], add=[order(6)]), SEEN)) == [("1", "cancelled", True)]
    assert told(codec.feed(changes(add=[order(7)]), SEEN)) == [("7", "open", False)]
    codec.opened(10.0)
    assert (codec.left_out, words[-1]) == (0, "")


def test_assets_beyond_the_bound_are_left_out_and_told(
    private: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "MAX_ASSETS", 2)
    words: list[str] = []
    codec = private(crowded=words.append)
    events = codec.feed(
        spot(("BTC", "1", "1"), ("ETH", "1", "1"), ("XRP", "1", "1"), ("BTC", "2", "2")), SEEN
    )
    assert [(one.asset, one.total) for one in events if isinstance(one, Balance)] == [
        ("BTC", "1"),
        ("ETH", "1"),
        ("BTC", "2"),
    ]
    assert words == ["more than 2 assets: what came later is left out (1 times so far)"]
