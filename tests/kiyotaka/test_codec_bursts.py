"""A frame of many points tells the same as its points in frames of their own."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mdterm.feeds.burst import Burst
from tests.kiyotaka.support import ADDRESS, SEEN, codec_of, frame, series, stamp, trade

OTHER = "kiyotaka:BINANCE_FUTURES:ETHUSDT"


def print_of(number: int, kind: str) -> dict[str, Any]:
    """Return a point: mostly a plain trade, else one that is something else or lacks something."""
    one = trade(
        str(1_000_000 + number),
        price=90_000 + number % 7,
        amount=number % 5 / 10,
        timestamp=stamp(nanoseconds=number),
    )
    match kind:
        case "sell":
            one["series"]["side"] = "SELL"
        case "other":
            one["series"] |= {"symbol": "ETHUSDT", "coin": "ETH"}
        case "nobody's":
            one["series"]["symbol"] = "XRPUSDT"
        case "no side":
            del one["series"]["side"]
        case "no amount" | "no time" | "no id":
            del one["trade"][{"no amount": "amount", "no time": "timestamp", "no id": "id"}[kind]]
        case "short id":
            one["trade"]["id"] = str(number)
        case "funding":
            one = {
                "series": series("FUNDING_RATE"),
                "fundingRate": {"fundingRate": 0.0001, "timestamp": stamp()},
            }
        case "empty":
            del one["trade"]
    return one


KINDS = (
    *["buy", "sell"] * 6,
    *("other", "nobody's", "no side", "no amount", "no time", "no id", "short id", "funding", "empty"),
)
FRAMES = st.lists(
    st.tuples(st.integers(-9, 9), st.lists(st.sampled_from(KINDS), min_size=1, max_size=12)), max_size=12
)


@settings(deadline=None)
@given(FRAMES)
def test_many_points_at_once_tell_what_they_tell_alone(frames: list[tuple[int, list[str]]]) -> None:
    together, alone = codec_of(ADDRESS, OTHER), codec_of(ADDRESS, OTHER)
    number = 100
    for back, kinds in frames:
        number = max(100, number + min(back, 0))
        points = []
        for kind in kinds:
            number += 1
            points.append(print_of(number, kind))
        told = together.feed(frame(*points), SEEN)
        expected = [event for point in points for event in alone.feed(frame(point), SEEN)]
        assert list(told) == expected
    assert together.duplicates == alone.duplicates
    assert (together.bad_frames, together.unknown) == (alone.bad_frames, alone.unknown)


def test_new_trades_of_one_instrument_come_by_column() -> None:
    codec = codec_of()
    first = [print_of(number, "buy") for number in range(100, 104)]
    assert not isinstance(codec.feed(frame(*first), SEEN), Burst)  # nothing is known yet
    next_ones = [print_of(number, "sell" if number % 2 else "buy") for number in range(104, 110)]
    assert not isinstance(codec.feed(frame(*next_ones), SEEN), Burst)  # nor of sells
    later = [print_of(number, "sell" if number % 2 else "buy") for number in range(110, 116)]
    told = codec.feed(frame(*later), SEEN)
    assert isinstance(told, Burst)
    assert codec.feed(frame(*later), SEEN) == []
    assert codec.duplicates == len(later)
