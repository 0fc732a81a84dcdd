"""One simulated AllTick socket: every rule it holds its client to. Time is a number."""

import json
from typing import Any

import pytest

from mdterm.feeds.alltick import facts
from mdterm.feeds.alltick.codes import family_of
from mdterm.feeds.sim.alltick_session import Rules, Session, Token, plan_of, rules_of
from mdterm.feeds.sim.market import VenueBook, VenueEvent, VenueTrade

TS = 1_782_180_170_991_000_000


class Market:
    """A few codes with a last print and a last book."""

    codes = ("700.HK", "AAPL.US", "002574.SZ", "600519.SH", "BTCUSDT", "EURUSD", "GOLD", "US500", "HSI.HK")

    def knows(self, code: str, family: facts.Family) -> bool:
        return code in self.codes and family_of(code) == family

    def newest(self, code: str, kind: type[VenueEvent], *, by_hours: bool) -> VenueEvent | None:
        return trade(code) if kind is VenueTrade else None

    def early(self, code: str, kind: type[VenueEvent]) -> list[VenueEvent]:
        return []


def trade(code: str, number: int = 7) -> VenueTrade:
    return VenueTrade(code, TS, str(number), 104233.51, 0.00192, False)


def session(family: facts.Family = "generic", token: Token | None = None, **rules: Any) -> Session:
    return Session(family, token or Token(facts.PLANS["basic"]), Market(), Rules(**rules), 0.0)


def say(
    one: Session, cmd_id: int, data: dict[str, Any], now: float, trace: str | None = None
) -> list[dict[str, Any]]:
    request = {"cmd_id": cmd_id, "seq_id": 1, "trace": trace or f"t{now}", "data": data}
    return [json.loads(frame) for frame in one.receive(json.dumps(request), now)]


def codes(*names: str, **more: Any) -> dict[str, Any]:
    return {"symbol_list": [{"code": name} | more for name in names]}


def test_a_subscription_is_answered_then_followed_by_the_last_print() -> None:
    one = session()
    answer, push = say(one, 22004, codes("BTCUSDT"), 0.0, "trace-1")
    assert answer == {"ret": 200, "msg": "ok", "cmd_id": 22005, "seq_id": 1, "trace": "trace-1", "data": {}}
    assert push == {
        "cmd_id": 22998,
        "data": {
            "code": "BTCUSDT",
            "seq": 7,
            "tick_time": 1782180170991,
            "price": "104233.51",
            "volume": "0.00192",
            "turnover": "200.1283392",
            "trade_direction": 2,
        },
    }


def test_each_subscription_replaces_the_one_before_and_kinds_are_apart() -> None:
    one = session(repeats=False)
    say(one, 22004, codes("BTCUSDT", "GOLD"), 0.0)
    say(one, 22002, codes("GOLD", depth_level=1), 2.0)
    say(one, 22004, codes("EURUSD"), 4.0)
    assert (one.trades, one.books) == (frozenset({"EURUSD"}), {"GOLD": 1})
    assert one.call("GOLD", trade("GOLD")) == []
    assert len(one.call("EURUSD", trade("EURUSD"))) == 1
    say(one, 22006, {"cancel_type": 1}, 6.0)
    assert (one.trades, one.books) == (frozenset({"EURUSD"}), {})
    say(one, 22002, codes("GOLD", depth_level=1), 8.0)
    say(one, 22006, {"cancel_type": 0}, 10.0)
    assert (one.trades, one.books) == (frozenset(), {})


@pytest.mark.parametrize("first", [22000, 22004])
@pytest.mark.parametrize("second", [22000, 22002])
def test_two_messages_within_a_second_are_a_violation(first: int, second: int) -> None:
    one = session()
    data: dict[str, Any] = codes("GOLD", depth_level=1)
    say(one, first, data if first != 22000 else {}, 0.0)
    (answer,) = say(one, second, data if second != 22000 else {}, 0.9)
    assert (answer["ret"], answer["cmd_id"]) == (606, second + 1)
    assert one.closes is not None


def test_requests_on_two_sockets_of_a_token_within_three_seconds_are_one_too() -> None:
    token = Token(facts.PLANS["basic"])
    stock, generic = session("stock", token), session("generic", token)
    say(stock, 22004, codes("700.HK"), 0.0)
    assert say(generic, 22000, {}, 1.0)[0]["ret"] == 200  # a heartbeat is no request
    assert say(generic, 22004, codes("GOLD"), 2.9)[0]["ret"] == 606
    assert token.violations == ["generic: requests on two sockets within 2.90 s"]
    other = session("generic", Token(facts.PLANS["basic"]))
    assert say(other, 22004, codes("GOLD"), 3.0)[0]["ret"] == 200


def test_only_heartbeats_keep_a_socket_open() -> None:
    one = session()
    assert one.expires_at() == 30.0
    say(one, 22004, codes("GOLD"), 20.0)
    assert one.expires_at() == 30.0
    say(one, 22000, {}, 25.0)
    assert one.expires_at() == 55.0


@pytest.mark.parametrize(
    ("cmd_id", "data", "ret"),
    [
        (22004, codes("700.HK"), 600),
        (22004, codes("GOLD", "gold"), 600),
        (22004, codes("XAUUSD"), 600),
        (22004, {"symbol_list": []}, 400),
        (22004, {"symbol_list": ["GOLD"]}, 400),
        (22004, {}, 400),
        (22004, codes(*(f"C{number}" for number in range(101))), 603),
        (22006, {"cancel_type": 9}, 400),
        (22006, {}, 400),
    ],
)
def test_what_is_refused(cmd_id: int, data: dict[str, Any], ret: int) -> None:
    one = session()
    (answer,) = say(one, cmd_id, data, 0.0)
    assert (answer["ret"], answer["cmd_id"]) == (ret, cmd_id + 1)
    assert one.trades == frozenset()


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"cmd_id":22000,"seq_id":1,"trace":"a"}',
        '{"cmd_id":22000,"seq_id":1,"trace":"a","data":[]}',
        '{"cmd_id":22000,"seq_id":1,"trace":"","data":{}}',
        '{"cmd_id":22000,"seq_id":4294967296,"trace":"a","data":{}}',
        '{"cmd_id":"22000","seq_id":1,"trace":"a","data":{}}',
        '{"cmd_id":22000,"seq_id":1,"trace":"' + "a" * 65 + '","data":{}}',
    ],
)
def test_a_malformed_request_is_answered_without_a_trace(text: str) -> None:
    one = session()
    (frame,) = one.receive(text, 0.0)
    answer = json.loads(frame)
    assert (answer["ret"], answer["cmd_id"], answer["seq_id"], answer["trace"]) == (400, 0, 0, "")


def test_the_free_plan_has_ten_codes_and_five_at_once() -> None:
    token = Token(facts.PLANS["free"])
    one = session("generic", token)
    assert say(one, 22004, codes("EURUSD"), 0.0)[0]["ret"] == 604
    assert say(one, 22004, codes("GOLD", "BTCUSDT"), 2.0)[0]["ret"] == 200
    assert say(one, 22004, codes(*["GOLD"] * 6), 4.0)[0]["ret"] == 603


def test_what_the_docs_leave_open_can_be_chosen() -> None:
    partial = session(bad_codes="partial", repeats=False)
    assert say(partial, 22004, codes("GOLD", "nosuch"), 0.0)[0]["ret"] == 200
    assert partial.trades == {"GOLD"}
    ignoring = session(over_cap="ignore", bad_codes="partial", repeats=False)
    assert say(ignoring, 22004, codes("GOLD", *(f"C{number}" for number in range(200))), 0.0)[0]["ret"] == 200
    legacy = session(types="legacy")
    _, push = say(legacy, 22004, codes("BTCUSDT"), 0.0)
    assert (push["data"]["seq"], push["data"]["tick_time"]) == ("7", "1782180170991")


def test_careless_clients_are_written_down() -> None:
    token = Token(facts.PLANS["basic"])
    one = session("generic", token)
    say(one, 22002, codes("GOLD"), 0.0, "same")
    say(one, 22000, {}, 2.0, "same")
    assert token.violations == ["generic: a book without depth_level", "generic: trace same used twice"]


def test_upgrades_are_spaced_and_counted_over_both_families() -> None:
    token = Token(facts.PLANS["basic"])
    assert token.admit("stock", 0.0) is None
    Session("stock", token, Market(), Rules(), 0.0)
    assert token.admit("generic", 2.9) == 429
    assert token.admit("generic", 6.0) is None  # the two families together are one connection
    assert token.admit("stock", 10.0) == 429
    token.sockets[0].gone()
    assert token.admit("stock", 14.0) is None
    free = Token(facts.PLANS["free"])
    assert (free.admit("stock", 0.0), free.admit("stock", 9.9)) == (None, 429)


@pytest.mark.parametrize(
    ("token", "plan"),
    [("professional-1", "professional"), ("free", "free"), ("mine", "basic"), ("all-hk-2", "all-hk")],
)
def test_a_token_may_name_its_plan(token: str, plan: str) -> None:
    assert plan_of(token, Rules()).name == plan


@pytest.mark.parametrize(
    ("token", "silent", "hours"),
    [
        ("free-silent", True, "always"),
        ("basic-hours-2", False, "real"),
        ("all-hk-silent-hours", True, "real"),
        ("silently", False, "always"),
    ],
)
def test_a_token_may_ask_for_silence_and_for_real_hours(token: str, silent: bool, hours: str) -> None:
    found = rules_of(token, Rules())
    assert (found.silent, found.hours) == (silent, hours)


def test_a_silent_socket_answers_and_says_nothing() -> None:
    one = session(silent=True)
    assert [frame["cmd_id"] for frame in say(one, 22004, codes("BTCUSDT"), 0.0)] == [22005]
    assert one.call("BTCUSDT", trade("BTCUSDT")) == []
    assert one.trade_count == 0


BOOK = VenueBook("x", TS, (6.51, 95542.0, 6.5, 1318.0), (6.52, 3.0, 6.53, 4.0))


@pytest.mark.parametrize(
    ("code", "book", "bids", "asks"),
    [
        ("GOLD", BOOK, [("6.51", "95542")], [("6.52", "3")]),
        ("EURUSD", BOOK, [("6.51", None)], [("6.52", None)]),
        ("US500", BOOK, [("6.51", "0")], [("6.52", "0")]),
        (
            "BTCUSDT",
            BOOK,
            [("6.51", "95542"), ("6.5", "1318")],
            [("6.52", "3"), ("6.53", "4")],
        ),
        ("AAPL.US", BOOK, [("6.510000", "95542")], [("6.520000", "3")]),
        (
            "002574.SZ",
            VenueBook("x", TS, BOOK.bids, ()),
            [("6.510000", "95542"), ("6.500000", "1318")],
            [("0.000000", "0")] * 5,
        ),
    ],
)
def test_books_of_every_kind(code: str, book: VenueBook, bids: Any, asks: Any) -> None:
    one = session(family_of(code))
    say(one, 22002, codes(code, depth_level=10), 0.0)
    (frame,) = one.call(code, book)
    data = json.loads(frame)["data"]
    for side, levels in (("bids", bids), ("asks", asks)):
        assert [(level["price"], level.get("volume")) for level in data[side]] == levels
    assert one.call(code, book) == []  # nothing has changed


def test_forex_prints_without_a_volume_and_its_direction_means_nothing() -> None:
    one = session(repeats=False)
    say(one, 22004, codes("EURUSD", "US500"), 0.0)
    (forex,) = one.call("EURUSD", trade("EURUSD"))
    data = json.loads(forex)["data"]
    assert "volume" not in data
    assert "turnover" not in data
    assert data["trade_direction"] == 1
    (index,) = one.call("US500", trade("US500"))
    assert json.loads(index)["data"]["volume"] == "0"


def test_the_mainland_counts_in_lots() -> None:
    one = session("stock", repeats=False)
    say(one, 22004, codes("600519.SH"), 0.0)
    (frame,) = one.call("600519.SH", VenueTrade("600519.SH", TS, "8", 10.0, 3.0, True))
    data = json.loads(frame)["data"]
    assert (data["volume"], data["turnover"]) == ("3", "3000.000000")
