"""What is said to AllTick and when: heartbeats, whole sets, answers, refusals. Time is held."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from mdterm.feeds.alltick import facts
from mdterm.feeds.contract import Refusal

Dial = Callable[..., Any]
BEAT, BOOK, TRADE, CANCEL = 22000, 22002, 22004, 22006


def ids(requests: list[dict[str, Any]]) -> list[int]:
    return [one["cmd_id"] for one in requests]


def test_heartbeats_begin_at_the_opening_and_never_pause_ten_seconds(dial: Dial) -> None:
    socket = dial().open()
    opened = socket.now
    beats = socket.sent(300.0)
    assert set(ids(beats)) == {BEAT}
    times = [opened, *(one["at"] for one in beats)]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert max(gaps) <= 10.0
    assert min(gaps) >= 8.0
    assert all(one["data"] == {} and len(one["trace"]) <= 64 for one in beats)


def test_every_request_has_its_four_fields_and_its_own_trace(dial: Dial) -> None:
    socket = dial()
    socket.want("BTCUSDT", "GOLD")
    requests = socket.open().sent(60.0)
    assert all({"cmd_id", "seq_id", "trace", "data"} <= one.keys() for one in requests)
    assert len({one["trace"] for one in requests}) == len(requests)
    assert [one["seq_id"] for one in requests] == list(range(1, len(requests) + 1))


def test_trades_first_then_books_each_whole_and_in_their_pace(dial: Dial) -> None:
    socket = dial()
    socket.want("BTCUSDT", "EURUSD", "GOLD", visible=["GOLD"])
    trades, books = socket.open().accept(5.0)
    assert trades["at"] == 1000.0
    assert trades["cmd_id"] == TRADE
    assert trades["data"] == {"symbol_list": [{"code": "GOLD"}, {"code": "BTCUSDT"}, {"code": "EURUSD"}]}
    assert books["cmd_id"] == BOOK
    assert books["at"] - trades["at"] >= 1.1
    assert books["data"]["symbol_list"] == [
        {"code": "GOLD", "depth_level": 1},
        {"code": "BTCUSDT", "depth_level": 5},
        {"code": "EURUSD", "depth_level": 1},
    ]


def test_depths_of_every_kind(dial: Dial) -> None:
    socket = dial("professional")
    socket.want("700.HK", "AAPL.US", "600519.SH", "000651.SZ", "BTCUSDT", "GOLD", "US30", streams=["book"])
    (books,) = socket.open().accept(3.0)
    depths = {one["code"]: one["depth_level"] for one in books["data"]["symbol_list"]}
    assert depths == {
        "700.HK": 10,
        "AAPL.US": 1,
        "600519.SH": 5,
        "000651.SZ": 5,
        "BTCUSDT": 5,
        "GOLD": 1,
        "US30": 1,
    }


def test_an_edit_resends_the_whole_set(dial: Dial) -> None:
    socket = dial()
    socket.want("BTCUSDT", streams=["trade"])
    socket.open().accept(5.0)
    socket.want("BTCUSDT", "ETHUSDT", "GOLD", streams=["trade"])
    (more,) = socket.accept(5.0)
    assert socket.codes(more) == ["BTCUSDT", "ETHUSDT", "GOLD"]
    socket.want("GOLD", streams=["trade"])
    (fewer,) = socket.accept(5.0)
    assert (fewer["cmd_id"], socket.codes(fewer)) == (TRADE, ["GOLD"])


def test_the_same_wish_again_says_nothing(dial: Dial) -> None:
    socket = dial()
    socket.want("BTCUSDT", "GOLD")
    socket.open().accept(5.0)
    socket.want("BTCUSDT", "GOLD", visible=["GOLD"])  # only what is looked at has changed
    assert socket.accept(20.0) == []


def test_edits_are_collected_but_a_code_on_the_screen_does_not_wait(dial: Dial) -> None:
    socket = dial()
    socket.want("BTCUSDT", streams=["trade"])
    socket.open().accept(20.0)
    began = socket.now
    codes = ["BTCUSDT"]
    for number in range(10):
        codes.append(f"C{number}USDT")
        socket.want(*codes, streams=["trade"])
        assert socket.accept(0.1) == []
    (one,) = socket.accept(5.0)
    assert len(socket.codes(one)) == 11
    assert one["at"] - began <= 0.9 + facts.SETTLE_S + 0.01
    began = socket.now
    socket.want(*codes, visible=["GOLD"], streams=["trade"])
    (now,) = socket.accept(5.0)
    assert now["at"] - began < 0.01
    assert socket.codes(now)[0] == "GOLD"


def test_an_emptied_kind_is_cancelled_and_both_at_once_with_one_request(dial: Dial) -> None:
    socket = dial()
    socket.want("BTCUSDT")
    socket.open().accept(5.0)
    socket.want("BTCUSDT", streams=["trade"])
    (cancel,) = socket.accept(5.0)
    assert (cancel["cmd_id"], cancel["data"]) == (CANCEL, {"cancel_type": 1})
    socket.want("BTCUSDT", streams=["book"])
    assert [one["cmd_id"] for one in socket.accept(8.0)] == [BOOK, CANCEL]
    socket.want("BTCUSDT")
    socket.accept(8.0)
    socket.want()
    (cancel,) = socket.accept(5.0)
    assert (cancel["cmd_id"], cancel["data"]) == (CANCEL, {"cancel_type": 0})
    assert socket.accept(5.0) == []


def test_nothing_is_sent_for_an_empty_wish(dial: Dial) -> None:
    socket = dial()
    socket.want()
    assert socket.open().requests(30.0) == []


def test_a_fresh_socket_is_subscribed_anew(dial: Dial) -> None:
    socket = dial()
    socket.want("BTCUSDT", "GOLD")
    first = socket.open().accept(5.0)
    socket.now += 60.0
    again = socket.open().accept(5.0)
    assert [one["data"] for one in again] == [one["data"] for one in first]


# Answers.


def test_an_answer_is_known_by_its_trace_or_by_its_cmd_id(dial: Dial) -> None:
    for head in (
        {"trace": ..., "seq_id": 99, "cmd_id": 22005},
        {"cmd_id": 22005},
        {"cmd_id": 22005, "seq_id": 1},
        {"cmd_id": 22004, "seq_id": 1},
    ):
        socket = dial()
        socket.want("BTCUSDT", streams=["trade"])
        (request,) = socket.open().sent()
        answer = {"ret": 200, "msg": "ok", "data": {}} | {
            key: request["trace"] if value is ... else value for key, value in head.items()
        }
        assert socket.feed(answer) == []
        pulse = socket.provider.pulse
        assert pulse.acknowledged == {("alltick:BTCUSDT", "trade"): 1_800_000_000_000_000_000}
        assert socket.codec.unknown == 0


def test_zero_is_success_only_with_data(dial: Dial) -> None:
    socket = dial()
    socket.want("BTCUSDT", streams=["trade"])
    (request,) = socket.open().sent()
    socket.feed({"ret": 0, "cmd_id": 22005, "trace": request["trace"], "data": {}})
    assert socket.provider.pulse.acknowledged
    assert socket.requests(60.0) == []


def test_silence_after_an_answer_can_be_told(dial: Dial) -> None:
    socket = dial()
    socket.want("BTCUSDT", streams=["trade"])
    (request,) = socket.open().sent()
    pulse = socket.provider.pulse
    assert pulse.silent_since("alltick:BTCUSDT", "trade") is None
    socket.answer(request)
    assert pulse.silent_since("alltick:BTCUSDT", "trade") == 1_800_000_000_000_000_000
    socket.feed({"cmd_id": 22998, "data": {"code": "BTCUSDT", "price": "1", "tick_time": 5}})
    assert pulse.silent_since("alltick:BTCUSDT", "trade") is None
    socket.open()
    assert pulse.acknowledged == {}


def test_a_request_that_nobody_answers_blocks_nothing(dial: Dial) -> None:
    socket = dial()
    socket.want("BTCUSDT")
    requests = socket.open().requests(30.0)
    assert ids(requests) == [TRADE, BOOK]
    socket.want("BTCUSDT", "GOLD")
    assert ids(socket.requests(30.0)) == [TRADE, BOOK]


def test_pushes_before_between_and_after_answers_are_taken(dial: Dial) -> None:
    socket = dial()
    socket.want("BTCUSDT", streams=["trade"])
    (request,) = socket.open().sent()
    push = {"cmd_id": 22998, "data": {"code": "BTCUSDT", "price": "1", "volume": "1", "tick_time": 5}}
    assert len(socket.feed(push)) == 1
    socket.answer(request)
    socket.want("GOLD", streams=["trade"])
    push["data"]["tick_time"] = 6  # type: ignore[index]
    assert socket.feed(push) == []  # just removed
    assert socket.codec.unwanted == 1


HEADER_ERROR = {
    "ret": 201,
    "msg": "request header param invalid",
    "cmd_id": 0,
    "seq_id": 0,
    "trace": "",
    "data": {},
}


def test_a_header_error_is_the_oldest_requests(dial: Dial) -> None:
    socket = dial()
    socket.want("BTCUSDT")
    assert ids(socket.open().requests(3.0)) == [TRADE, BOOK]
    socket.feed(HEADER_ERROR)
    (refusal,) = socket.codec.verdicts
    assert refusal.addresses == ("alltick:BTCUSDT",)
    assert refusal.streams == ("trade",)
    assert "malformed" in refusal.detail
    assert "201" in refusal.detail
    assert socket.requests(60.0) == []  # a bug is not repeated


def test_a_header_error_after_a_heartbeat_harms_no_subscription(dial: Dial) -> None:
    socket = dial()
    socket.want("BTCUSDT")
    socket.open().accept(5.0)
    (beat,) = socket.sent(5.0)
    assert beat["cmd_id"] == BEAT
    socket.feed(HEADER_ERROR)
    assert socket.codec.verdicts == []


@pytest.mark.parametrize(
    ("ret", "msg", "words"),
    [
        (400, "request data param invalid", "malformed"),
        (202, "request data param invalid", "malformed"),
        (402, "query invalid", "malformed"),
        (600, "code invalid", "does not know the code"),
        (604, "code unauthorized", "plan does not include"),
        (603, "token level not enough", "plan allows less"),
        (777, "code invalid", "does not know the code"),
    ],
)
def test_a_refused_code_is_said_once_and_asked_no_more(dial: Dial, ret: int, msg: str, words: str) -> None:
    socket = dial()
    socket.want("BTCUSDT", streams=["trade"])
    (request,) = socket.open().sent()
    socket.answer(request, ret, msg)
    (refusal,) = socket.codec.verdicts
    assert refusal.addresses == ("alltick:BTCUSDT",)
    assert words in refusal.detail
    assert str(ret) in refusal.detail
    assert socket.requests(100.0) == []
    socket.want("BTCUSDT", streams=["trade"])
    assert len(socket.codec.verdicts) == 1
    # Wanted anew after it was let go, it is asked anew.
    socket.want(streams=["trade"])
    socket.want("BTCUSDT", streams=["trade"])
    assert len(socket.requests(5.0)) == 1


@pytest.mark.parametrize(
    ("code", "meant"),
    [("XAUUSD", "GOLD"), ("silver", "Silver"), ("00700.HK", "700.HK"), ("BTCUSD", "BTCUSDT")],
)
def test_a_refused_alias_says_what_is_meant_and_is_never_corrected(dial: Dial, code: str, meant: str) -> None:
    socket = dial()
    socket.want(code, streams=["trade"])
    (request,) = socket.open().sent()
    assert socket.codes(request) == [code]
    socket.answer(request, 600, "code invalid")
    (refusal,) = socket.codec.verdicts
    assert f"is {meant} meant?" in refusal.detail


@pytest.mark.parametrize(("ret", "msg"), [(401, "token invalid"), (401, "token is required"), (403, "no")])
def test_a_bad_token_ends_the_link(dial: Dial, ret: int, msg: str) -> None:
    socket = dial()
    socket.want("BTCUSDT")
    (request,) = socket.open().sent()
    socket.answer(request, ret, msg)
    (verdict,) = socket.codec.verdicts
    assert (verdict.addresses, verdict.final) == ((), True)
    assert "token was rejected" in verdict.detail


def test_a_violation_closes_and_makes_us_slower(dial: Dial) -> None:
    socket = dial()
    socket.want("BTCUSDT")
    trades, books = socket.open().sent(3.0)
    socket.answer(books, 606, "too many requests and connection will be closed")
    (verdict,) = socket.codec.verdicts
    assert (verdict.addresses, verdict.final) == ((), False)
    socket.now += 10
    trades, books = socket.open().sent(3.0)
    assert books["at"] - trades["at"] >= 1.5


@pytest.mark.parametrize(("ret", "msg"), [(429, "rate limit"), (605, "too many requests"), (500, "inner")])
def test_being_throttled_is_waited_out(dial: Dial, ret: int, msg: str) -> None:
    socket = dial()
    socket.want("BTCUSDT", streams=["trade"])
    (request,) = socket.open().sent()
    socket.answer(request, ret, msg)
    assert socket.codec.verdicts == []
    assert socket.requests(29.0) == []
    (again,) = socket.requests(2.0)
    assert socket.codes(again) == ["BTCUSDT"]


def serve(socket: Any, request: dict[str, Any], bad: set[str], subscribed: list[set[str]]) -> None:
    """Answer as a server that refuses a whole request for one bad code."""
    codes = set(socket.codes(request))
    if codes & bad:
        socket.answer(request, 600, "code invalid")
    else:
        subscribed.append(codes)
        socket.answer(request)


@pytest.mark.parametrize("bad", [{"C3USDT"}, {"C0USDT", "C15USDT"}, {"C1USDT", "C2USDT", "C9USDT"}, set()])
def test_bad_codes_are_found_by_halves_while_the_good_ones_stay(dial: Dial, bad: set[str]) -> None:
    socket = dial()
    codes = [f"C{number}USDT" for number in range(16)]
    socket.want(*codes, visible=["C5USDT"], streams=["trade"])
    socket.open()
    subscribed: list[set[str]] = []
    count = 0
    while requests := socket.requests(6.0):
        for request in requests:
            count += 1
            serve(socket, request, bad, subscribed)
    assert subscribed[-1] == set(codes) - bad
    for fewer, more in itertools.pairwise(subscribed):
        assert fewer <= more  # nothing good is ever let go in between
    assert count <= 1 + 2 * 4 * max(1, len(bad)) + 2
    refused = {address for verdict in socket.codec.verdicts for address in verdict.addresses}
    assert refused == {f"alltick:{code}" for code in bad}
    # The next socket asks for what is good at once.
    socket.now += 10
    (request,) = socket.open().requests()
    assert set(socket.codes(request)) == set(codes) - bad


def test_a_search_that_is_cut_off_goes_on_with_what_was_good(dial: Dial) -> None:
    socket = dial()
    codes = [f"C{number}USDT" for number in range(8)]
    socket.want(*codes, streams=["trade"])
    socket.open()
    for _ in range(2):
        (request,) = socket.requests(1.3)
        serve(socket, request, {"C6USDT"}, [])
    socket.now += 10
    socket.open()
    subscribed: list[set[str]] = []
    while requests := socket.requests(6.0):
        for request in requests:
            serve(socket, request, {"C6USDT"}, subscribed)
    assert subscribed[0] >= {"C0USDT", "C1USDT", "C2USDT", "C3USDT"}
    assert subscribed[-1] == set(codes) - {"C6USDT"}


def test_more_codes_than_the_plan_has_are_refused_with_words_the_visible_kept(dial: Dial) -> None:
    socket = dial("free")
    codes = [f"C{number}USDT" for number in range(8)]
    socket.want(*codes, visible=["C7USDT"], streams=["trade"])
    (request,) = socket.open().requests(1.0)
    assert socket.codes(request) == ["C7USDT", "C0USDT", "C1USDT", "C2USDT", "C3USDT"]
    (refusal,) = socket.codec.verdicts
    assert set(refusal.addresses) == {"alltick:C4USDT", "alltick:C5USDT", "alltick:C6USDT"}
    assert "free" in refusal.detail
    assert "5 codes" in refusal.detail
    assert refusal.streams == ("trade",)


def test_a_smaller_plan_than_was_said_shrinks_the_set(dial: Dial) -> None:
    socket = dial("premium")
    codes = [f"C{number:03}USDT" for number in range(150)]
    socket.want(*codes, visible=["C149USDT"], streams=["trade"])
    (request,) = socket.open().requests()
    assert len(socket.codes(request)) == 150
    socket.answer(request, 603, "token level not enough")
    (request,) = socket.requests(3.0)
    assert len(socket.codes(request)) == 100
    assert socket.codes(request)[0] == "C149USDT"
    socket.answer(request)
    assert socket.requests(60.0) == []
    (refusal,) = socket.codec.verdicts
    assert len(refusal.addresses) == 50


def test_two_thousand_codes_in_one_message_a_kind(dial: Dial) -> None:
    socket = dial("professional")
    codes = [f"{number}.HK" for number in range(1, 2001)]
    socket.want(*codes, visible=["700.HK"])
    trades, books = socket.open().accept(10.0)
    for request in (trades, books):
        assert len(socket.codes(request)) == 2000
        assert socket.codes(request)[0] == "700.HK"
        assert len(json.dumps(request)) < 100_000
    assert socket.codec.verdicts == []


def test_cancelling_that_is_refused_is_let_be(dial: Dial) -> None:
    socket = dial()
    socket.want("BTCUSDT", streams=["trade"])
    socket.open().accept(5.0)
    socket.want()
    (cancel,) = socket.requests(3.0)
    socket.answer(cancel, 400, "request data param invalid")
    assert socket.requests(60.0) == []
    assert socket.codec.verdicts == []


def test_a_link_that_answers_nothing_at_all_is_given_up(dial: Dial) -> None:
    socket = dial()
    socket.open().sent(25.0)
    assert not socket.codec.needs_reset
    socket.sent(20.0)
    assert socket.codec.needs_reset
    socket.open()
    assert not socket.codec.needs_reset


def test_a_link_that_pushes_but_answers_no_heartbeat_is_kept(dial: Dial) -> None:
    socket = dial()
    socket.want("BTCUSDT", streams=["trade"])
    socket.open()
    for number in range(20):
        socket.sent(5.0)
        push = {"code": "BTCUSDT", "price": "1", "tick_time": 1_782_180_170 + number}
        socket.feed({"cmd_id": 22998, "data": push})
    assert not socket.codec.needs_reset


def test_refusals_name_their_streams(dial: Dial) -> None:
    socket = dial()
    socket.want("GOLD")
    (trades,) = socket.open().sent()
    socket.answer(trades)
    (books,) = socket.sent(2.0)
    socket.answer(books, 604, "code unauthorized")
    assert socket.codec.verdicts == [
        Refusal(
            "GOLD: the plan does not include the code (ret 604, code unauthorized)",
            ("alltick:GOLD",),
            streams=("book",),
        )
    ]
    assert set(socket.codec.refused) == {("alltick:GOLD", "book")}


def test_the_pace_counts_from_the_answer_where_that_came_late(dial: Dial) -> None:
    socket = dial()
    socket.want("BTCUSDT")
    (first,) = socket.open().sent(0.9)
    socket.answer(first)  # it was long on its way: the next may be faster
    assert socket.sent(1.0) == []
    (second,) = socket.sent(0.1)
    assert second["cmd_id"] == BOOK
    assert second["at"] - first["at"] >= 0.9 + 1.0


def test_an_answer_that_does_not_come_holds_nothing_up_for_long(dial: Dial) -> None:
    socket = dial()
    socket.want("BTCUSDT")
    first, second = socket.open().sent(3.0)
    assert 2.0 < second["at"] - first["at"] < 3.0
