"""What is said to the service, when, and what is made of its answers, with time as an argument."""

import json
from typing import Any

import pytest

from mdterm.feeds.contract import Refusal, Want
from mdterm.feeds.events import Stream
from mdterm.feeds.kiyotaka import facts
from mdterm.feeds.kiyotaka.codec import KiyotakaCodec
from mdterm.feeds.kiyotaka.feed import ChannelOptions, Kiyotaka
from tests.kiyotaka import frames
from tests.kiyotaka.support import ADDRESS, SEEN, STREAMS, TOKEN, channels, codec_of, frame, provider, trade

Said = list[dict[str, Any]]


def said(codec: KiyotakaCodec, now: float) -> Said:
    """Return what is due now, decoded."""
    return [json.loads(message) for message in codec.due(now).messages]


def tell(codec: KiyotakaCodec, **frame: Any) -> None:
    """Hear a control frame."""
    assert codec.feed(json.dumps(frame).encode(), SEEN) == []


def wants(*symbols: str, stream: Stream = "trade") -> list[Want]:
    """Return the wish for one stream of some symbols."""
    return [Want(0, f"kiyotaka:BINANCE_FUTURES:{symbol}", stream) for symbol in symbols]


def symbols(message: dict[str, Any]) -> list[str]:
    """Return the symbols a message is about, sorted."""
    return sorted(channel["symbol"] for channel in message["params"]["channels"])


def subscribed(*names: str, of: Kiyotaka | None = None) -> tuple[KiyotakaCodec, dict[str, Any]]:
    """Return a codec whose key was accepted at 0, and its first subscription."""
    addresses = tuple(f"kiyotaka:BINANCE_FUTURES:{name}" for name in names or ("BTCUSDT",))
    codec = codec_of(*addresses, streams=("trade",), of=of)
    codec.due(0.0)
    codec.feed(frames.REPLY, SEEN)
    (message,) = said(codec, 0.0)
    return codec, message


# --- what is said -------------------------------------------------------------------------------------


def test_authentication_is_the_documented_message_with_an_id() -> None:
    (message,) = said(codec_of(), 0.0)
    assert message == {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "public/authenticate",
        "params": {"token": TOKEN},
    }


@pytest.mark.parametrize(
    ("request_sample", "stream", "options"),
    [
        (frames.TRADE_AGG_REQUEST, "trade_agg", channels(kind="TRADE_AGG", batch_interval="200ms")),
        (
            frames.BOOK_REQUEST,
            "book",
            channels(kind="BLOCK_BOOK_SNAPSHOT", max_depth=500, quote="COIN", update_frequency="1s"),
        ),
        (frames.VOLUME_PROFILE_REQUEST, "volume_profile", channels(kind="VOLUME_PROFILE_AGG", quote="USD")),
    ],
)
def test_subscriptions_are_as_documented(
    request_sample: bytes, stream: Stream, options: dict[str, ChannelOptions]
) -> None:
    codec = codec_of(streams=(stream,), channels=options, compression="brotli")
    codec.due(0.0)
    (message,) = said(codec, 2.0)
    assert {**message, "id": 0} == json.loads(request_sample)


def test_a_coins_book_is_asked_for_as_documented() -> None:
    codec = codec_of("kiyotaka:BINANCE_FUTURES:coin=BTC", streams=("book",))
    codec.due(0.0)
    (message,) = said(codec, 2.0)
    assert message["params"]["channels"] == [
        {
            "type": "BLOCK_BOOK_SNAPSHOT",
            "category": "*",
            "exchange": "BINANCE_FUTURES",
            "symbol": "BTC",
            "blockSize": "25",
            "groupByType": "1",
        }
    ]


def test_all_channels_go_in_one_message_and_every_parameter_is_text() -> None:
    codec = codec_of(
        channels={
            "BLOCK_BOOK_SNAPSHOT": ChannelOptions(max_depth=200, group_by_type=False, category="PERPETUAL"),
            "VOLUME_PROFILE_AGG": ChannelOptions(update_frequency="500ms"),
        }
    )
    codec.due(0.0)
    (message,) = said(codec, 2.0)
    found = {channel["type"]: channel for channel in message["params"]["channels"]}
    assert set(found) == {channel for channel, _ in facts.CHANNELS.values()}
    assert all(isinstance(value, str) for channel in found.values() for value in channel.values())
    assert found["BLOCK_BOOK_SNAPSHOT"]["maxDepth"] == "200"
    assert found["BLOCK_BOOK_SNAPSHOT"]["groupByType"] == "0"
    assert found["BLOCK_BOOK_SNAPSHOT"]["category"] == "PERPETUAL"
    assert found["VOLUME_PROFILE_AGG"]["updateFrequency"] == "500ms"
    assert found["TRADE"] == {
        "type": "TRADE",
        "category": "*",
        "exchange": "BINANCE_FUTURES",
        "symbol": "BTCUSDT",
    }


@pytest.mark.parametrize(
    ("size", "text"),
    [(25.0, "25"), (0.1, "0.1"), (0.00001, "0.00001"), (1e-7, "0.0000001"), (100.0, "100"), (2.5, "2.5")],
)
def test_a_block_size_is_written_as_a_plain_decimal(size: float, text: str) -> None:
    codec = codec_of(streams=("book",), block_size=size)
    codec.due(0.0)
    (message,) = said(codec, 2.0)
    assert message["params"]["channels"][0]["blockSize"] == text


def test_compression_is_asked_for_only_when_configured() -> None:
    _, message = subscribed()
    assert message["params"] == {"channels": message["params"]["channels"], "version": "v2"}
    _, message = subscribed(of=provider(compression="brotli"))
    assert message["params"]["compression"] == "brotli"
    assert message["params"]["version"] == "v2"


# --- when ---------------------------------------------------------------------------------------------


def test_an_answer_to_the_key_is_awaited_for_two_seconds_at_most() -> None:
    codec = codec_of()
    assert codec.due(100.0).next_due == 102.0
    assert codec.due(101.9) == ([], 102.0)
    assert len(said(codec, 102.0)) == 1


@pytest.mark.parametrize("answer", [frames.REPLY, b'{"id":"1","result":{}}', b'{"id":1,"error":null}'])
def test_an_answer_ends_the_wait(answer: bytes) -> None:
    codec = codec_of()
    codec.due(100.0)
    codec.feed(answer, SEEN)
    assert [message["method"] for message in said(codec, 100.1)] == ["public/subscribe"]


def test_nothing_is_said_twice_and_no_ack_is_waited_for() -> None:
    codec, _ = subscribed()
    assert [codec.due(float(now)).messages for now in range(60)] == [[]] * 60
    assert codec.due(60.0).next_due is None


def test_a_new_socket_begins_with_the_key_and_everything_wanted() -> None:
    codec, first = subscribed("BTCUSDT", "ETHUSDT")
    codec.opened(50.0)
    assert [message["method"] for message in said(codec, 50.0)] == ["public/authenticate"]
    (again,) = said(codec, 52.0)
    assert again["params"] == first["params"]


def test_changes_go_out_as_the_difference() -> None:
    codec, _ = subscribed("BTCUSDT", "ETHUSDT")
    codec.want(wants("ETHUSDT", "SOLUSDT"))
    more, less = said(codec, 1.0)
    assert (more["method"], symbols(more)) == ("public/subscribe", ["SOLUSDT"])
    assert (less["method"], symbols(less)) == ("public/unsubscribe", ["BTCUSDT"])
    assert less["params"] == {"channels": less["params"]["channels"]}
    assert len({more["id"], less["id"]}) == 2
    assert codec.due(2.0).messages == []


def test_what_was_left_can_be_had_again() -> None:
    codec, first = subscribed()
    codec.want([])
    assert [message["method"] for message in said(codec, 1.0)] == ["public/unsubscribe"]
    codec.want(wants("BTCUSDT"))
    assert [message["params"] for message in said(codec, 2.0)] == [first["params"]]


def test_nothing_wanted_says_nothing_but_the_key() -> None:
    codec = codec_of()
    codec.want([])
    assert [message["method"] for message in said(codec, 0.0)] == ["public/authenticate"]
    assert codec.due(5.0) == ([], None)


def test_no_more_than_eight_messages_a_minute_and_none_is_lost() -> None:
    codec, _ = subscribed("S0")
    sent = [0.0, 0.0]
    now = 1.0
    for number in range(1, 200):
        codec.want(wants(f"S{number}"))
        messages, next_due = codec.due(now)
        sent += [now] * len(messages)
        assert len([at for at in sent if at > now - 60.0]) <= 8
        if not messages:
            assert next_due is not None
            assert next_due > now
        now += 1.0
    assert len(sent) >= 8 * 3
    codec.want(wants("LAST"))
    said_last: Said = []
    while (due := codec.due(now)).next_due is not None:
        said_last += [json.loads(message) for message in due.messages]
        now = due.next_due
    named = [message for message in said_last if message["method"] == "public/subscribe"]
    assert symbols(named[-1]) == ["LAST"]


def test_the_budget_is_one_for_both_sockets_of_a_key() -> None:
    of = provider()
    trades, _ = subscribed("BTCUSDT", of=of)
    books = codec_of(streams=("book",), of=of)
    books.due(0.0)
    books.feed(frames.REPLY, SEEN)
    assert len(said(books, 0.0)) == 1
    trades.want(wants("A"))
    assert len(said(trades, 1.0)) == 2
    books.want(wants("A", stream="book"))
    assert len(said(books, 1.0)) == 2, "eight in all now"
    trades.want(wants("B"))
    assert trades.due(2.0) == ([], 60.0)


def test_coming_back_does_not_wait_for_the_budget() -> None:
    codec, _ = subscribed()
    for turn in range(1, 10):
        codec.opened(float(turn))
        assert len(said(codec, turn)) == 1
        codec.feed(frames.REPLY, SEEN)
        assert len(said(codec, turn)) == 1


# --- what is made of answers --------------------------------------------------------------------------


KEY_REFUSED: list[dict[str, Any]] = [
    {"id": 1, "error": {"code": -32001, "message": "invalid token"}},
    {"id": 1, "error": {"code": 7, "message": "no"}},
    {"id": 1, "error": "nope"},
    {"id": "1", "error": "nope"},
    {"id": 1, "error": True},
    {"id": 1, "error": {"code": 401}, "result": None},
    {"error": "INVALID_API_KEY", "message": "The key is not valid."},
    {"error": {"message": "token expired"}},
    {"id": None, "error": {"code": 403, "message": "no"}},
    {"error": "FORBIDDEN"},
]


@pytest.mark.parametrize("answer", KEY_REFUSED)
def test_a_refused_key_is_said_for_the_whole_link(answer: dict[str, Any]) -> None:
    codec = codec_of()
    codec.due(0.0)
    tell(codec, **answer)
    (verdict,) = codec.verdicts
    assert verdict.addresses == ()
    assert verdict.final
    assert verdict.detail.startswith("the key was rejected: ")


@pytest.mark.parametrize(
    "answer",
    [
        {"id": 2, "error": {"code": 401, "message": "who are you?"}},
        {"id": 2, "error": {"code": 1, "message": "not authenticated"}},
        {"id": 2, "error": "INVALID_API_KEY"},
        {"error": {"code": -32001, "message": "x"}},
    ],
)
def test_a_key_may_be_refused_with_the_subscription(answer: dict[str, Any]) -> None:
    codec = codec_of()
    codec.due(0.0)
    codec.due(2.0)
    tell(codec, **answer)
    (verdict,) = codec.verdicts
    assert verdict.addresses == ()


def test_a_refused_key_is_told_in_words_that_are_safe_and_short() -> None:
    codec = codec_of()
    codec.due(0.0)
    tell(codec, id=1, error={"message": "\x1b[31m" + "a\u202eb" + "x" * 9999 + "\ud800"})
    (verdict,) = codec.verdicts
    assert verdict.detail.isprintable()
    assert len(verdict.detail) < 200


@pytest.mark.parametrize("error", [None, False, "", {}, 0])
def test_an_empty_error_is_none(error: Any) -> None:
    codec = codec_of()
    codec.due(0.0)
    tell(codec, id=1, error=error, result="ok")
    assert codec.verdicts == []
    assert len(said(codec, 0.1)) == 1


LATER: list[dict[str, Any]] = [
    {"error": "RATE_LIMITED", "message": "Rate limit exceeded", "retry_after": 12},
    {"error": {"code": 429, "message": "slow"}},
    {"error": {"code": -32603, "message": "oops"}},
    {"error": "INTERNAL_ERROR"},
    {"error": {"code": 5, "message": "too many messages"}},
    {"error": {"code": 503, "message": "Service Unavailable"}},
]


@pytest.mark.parametrize("answer", LATER)
@pytest.mark.parametrize("with_id", [True, False])
def test_a_subscription_that_failed_for_now_is_asked_again_after_a_pause(
    answer: dict[str, Any], with_id: bool
) -> None:
    codec, first = subscribed("BTCUSDT", "ETHUSDT")
    tell(codec, **answer, **({"id": first["id"]} if with_id else {}))
    assert codec.verdicts == []
    assert codec.due(5.0) == ([], 35.0)
    assert codec.due(34.0) == ([], 35.0)
    (again,) = said(codec, 35.0)
    assert again["params"] == first["params"]


@pytest.mark.parametrize("answer", LATER)
def test_a_key_that_could_not_be_looked_at_is_sent_again_after_a_pause(answer: dict[str, Any]) -> None:
    codec = codec_of()
    codec.due(0.0)
    tell(codec, **answer, id=1)
    assert codec.verdicts == []
    assert codec.due(1.0) == ([], 31.0)
    assert [message["method"] for message in said(codec, 31.0)] == ["public/authenticate"]
    assert [message["method"] for message in said(codec, 33.0)] == ["public/subscribe"]


def test_one_refused_channel_is_refused_alone() -> None:
    codec, first = subscribed()
    tell(codec, id=first["id"], error={"code": 1, "message": "Unknown symbol"})
    assert codec.verdicts == [Refusal("Unknown symbol", (ADDRESS,), streams=("trade",))]
    assert codec.due(1.0) == ([], None)
    codec.opened(2.0)
    codec.due(2.0)
    assert codec.due(4.0).messages == [], "nor is it asked for on the next socket"


def test_a_refused_kind_of_one_symbol_leaves_its_others() -> None:
    """FUNDING_RATE holds the word "rate", and is no matter of pace."""
    codec = codec_of(streams=("trade", "funding"))
    codec.due(0.0)
    (both,) = said(codec, 2.0)
    tell(codec, id=both["id"], error={"code": 3, "message": "FUNDING_RATE is not in your plan"})
    singles = said(codec, 2.1)
    assert sorted(m["params"]["channels"][0]["type"] for m in singles) == ["FUNDING_RATE", "TRADE"]
    (funding,) = [m for m in singles if m["params"]["channels"][0]["type"] == "FUNDING_RATE"]
    tell(codec, id=funding["id"], error={"code": 3, "message": "FUNDING_RATE is not in your plan"})
    assert [(v.addresses, v.streams) for v in codec.verdicts] == [((ADDRESS,), ("funding",))]


@pytest.mark.parametrize("with_id", [True, False])
@pytest.mark.parametrize("bad", [{"S3"}, {"S0", "S5"}, {"S0", "S1", "S2", "S3", "S4", "S5", "S6"}])
def test_halves_find_the_bad_symbols_within_the_budget(bad: set[str], with_id: bool) -> None:
    """A service that refuses a whole message for one bad symbol, with or without telling which message."""
    names = [f"S{number}" for number in range(7)]
    codec = codec_of(*(f"kiyotaka:BINANCE_FUTURES:{name}" for name in names), streams=("trade",))
    active: set[str] = set()
    sent: list[float] = []
    now = 0.0
    for _ in range(200):
        due = codec.due(now)
        sent += [now] * len(due.messages)
        assert len([at for at in sent if at > now - 60.0]) <= 8
        for message in map(json.loads, due.messages):
            if message["method"] != "public/subscribe":
                continue
            asked = set(symbols(message))
            if asked & bad:
                answer = {"error": "INVALID_SYMBOL", "message": "Unknown symbol for the exchange."}
                tell(codec, **(answer | ({"id": message["id"]} if with_id else {})))
            else:
                active |= asked
                tell(codec, id=message["id"], result="ok")
        if due.next_due is None and active | refused(codec) == set(names):
            break
        now = due.next_due if due.next_due is not None else now
    assert refused(codec) == bad
    assert active == set(names) - bad
    assert now < 600.0


def refused(codec: KiyotakaCodec) -> set[str]:
    """Return the symbols refused so far."""
    return {address.rsplit(":", 1)[1] for verdict in codec.verdicts for address in verdict.addresses}


def test_a_late_error_without_an_id_answers_nothing() -> None:
    """Hours after an unanswered subscription it must not take the streams that flow with it."""
    codec, _ = subscribed("BTCUSDT", "ETHUSDT")
    assert codec.due(0.1).next_due == 10.0
    codec.due(10.0)
    codec.feed(frames.REST_ERROR, SEEN)
    assert codec.verdicts == []
    assert codec.due(11.0).messages == []


def test_an_error_for_what_is_wanted_no_more_refuses_nobody() -> None:
    """A refusal without addresses would end the whole link."""
    codec, first = subscribed()
    codec.want(wants("ETHUSDT"))
    tell(codec, id=first["id"], error="INVALID_SYMBOL")
    assert codec.verdicts == []
    assert symbols(said(codec, 1.0)[0]) == ["ETHUSDT"]


def test_errors_of_unknown_requests_are_ignored() -> None:
    codec, _ = subscribed()
    tell(codec, id=999, error="INVALID_SYMBOL")
    tell(codec, id="abc", error="INVALID_SYMBOL")
    assert codec.verdicts == []
    assert codec.due(1.0).messages == []


def test_data_proves_the_key_whatever_is_not_answered() -> None:
    codec = codec_of()
    codec.due(0.0)
    codec.feed(frame(trade()), SEEN)
    assert len(said(codec, 0.1)) == 1
    tell(codec, error="FORBIDDEN", message="multi-exchange is not in your tier")
    assert all(verdict.addresses for verdict in codec.verdicts)


def test_a_codec_wants_what_it_was_told_and_says_so_on_its_family_only() -> None:
    of = provider()
    asked = [Want(0, ADDRESS, stream) for stream in STREAMS]
    for link in of.plan(asked):
        codec = of.codec(link)
        codec.want(link.wants)
        codec.opened(0.0)
        codec.due(0.0)
        (message,) = said(codec, 2.0)
        types = {channel["type"] for channel in message["params"]["channels"]}
        assert ("BLOCK_BOOK_SNAPSHOT" in types) == link.key.endswith("/book")
        assert types == {facts.CHANNELS[want.stream][0] for want in link.wants}
