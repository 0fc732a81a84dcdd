"""The state of data follows from facts; LIVE is said of nothing that is not."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.events import State
from mdterm.feeds.status import LinkHealth, Phase, Shown, StreamHealth, Word, best, derive, overall

NOW = 1000.0
WALL = 1_769_058_877_000_000_000


def link(phase: Phase = "open", **facts: Any) -> LinkHealth:
    """Return a link that opened 100 s ago."""
    return LinkHealth(**({"phase": phase, "since": 900.0, "opened_once": True, "opened_at": 900.0} | facts))


def stream(**facts: Any) -> StreamHealth:
    """Return a stream that was wanted 100 s ago and may be silent for 10 s."""
    return StreamHealth(**({"wanted_at": 900.0, "stale_after_s": 10.0} | facts))


def test_a_panel_of_thousands_asks_no_further_than_the_first_that_is_live() -> None:
    asked: list[str] = []

    def told() -> Iterator[Shown]:
        words: tuple[Word, ...] = ("STALE", "LIVE", "GAP")
        for word in words:
            asked.append(word)
            yield Shown(word, age=1.0)

    assert best(told()).word == "LIVE"
    assert asked == ["STALE", "LIVE"]


def shown(link: LinkHealth | None, stream: StreamHealth | None) -> tuple[Word, float | None]:
    found = derive(link, stream, NOW)
    return found.word, found.age


@pytest.mark.parametrize(
    ("link", "stream", "word", "age"),
    [
        (None, stream(), "WARMING", None),
        (link(), None, "WARMING", None),
        # before anything
        (link("connecting", opened_once=False, opened_at=None, attempt=1), stream(), "CONNECTING", 100.0),
        (link("connecting", opened_once=False, opened_at=None, attempt=2), stream(), "RECONNECTING", 100.0),
        (link("waiting", opened_once=False, opened_at=None, attempt=1), stream(), "CONNECTING", 100.0),
        (link(opened_at=999.0), stream(), "WARMING", 1.0),
        (link(), stream(wanted_at=998.5), "WARMING", 1.5),
        (link(opened_at=999.0), stream(stale_after_s=None), "WARMING", 1.0),
        (link(opened_at=997.0), stream(stale_after_s=None), "QUIET", 3.0),
        # flowing
        (link(), stream(last_at=1000.0), "LIVE", 0.0),
        (link(), stream(last_at=1000.5), "LIVE", 0.0),
        (link(), stream(last_at=990.0), "LIVE", 10.0),
        (link(), stream(last_at=989.9), "STALE", pytest.approx(10.1)),
        (link(), stream(last_at=995.0, stale_after_s=5.0), "LIVE", 5.0),
        (link(), stream(last_at=994.0, stale_after_s=5.0), "STALE", 6.0),
        (link(), stream(last_at=990.0, stale_after_s=None), "LIVE", 10.0),
        (link(), stream(last_at=500.0, stale_after_s=None), "QUIET", 500.0),
        # gaps and missing history
        (link(), stream(last_at=999.0, gap_since=WALL), "GAP", None),
        (link(), stream(last_at=999.0, partial="no history"), "PARTIAL", 1.0),
        (link(), stream(last_at=999.0, partial="x", gap_since=WALL), "GAP", None),
        (link(), stream(last_at=900.0, gap_since=WALL), "STALE", 100.0),
        # HTTP stands in for a socket, whatever that does
        (link("refused"), stream(last_at=940.0, stands_in="polled"), "PARTIAL", 60.0),
        (link("waiting", attempt=2), stream(last_at=999.0, stands_in="polled"), "PARTIAL", 1.0),
        (link(), stream(last_at=999.0, stands_in="polled", refused="no"), "PARTIAL", 1.0),
        (link(), stream(last_at=699.0, stands_in="polled"), "STALE", 301.0),
        (link(), stream(last_at=600.0, stands_in="polled", closed_since=WALL), "CLOSED", None),
        (link("refused"), stream(stands_in="polled"), "REFUSED", None),
        # a lost link
        (link("waiting", attempt=2), stream(last_at=899.0), "RECONNECTING", 100.0),
        (link("connecting", attempt=3), stream(last_at=999.0), "RECONNECTING", 100.0),
        (link("closed"), stream(last_at=999.0), "RECONNECTING", 100.0),
        # it is open again, and nothing has come since
        (link(opened_at=999.0), stream(last_at=996.0, lost_at=WALL), "WARMING", 1.0),
        (link(opened_at=999.0), stream(last_at=996.0, lost_at=WALL, gap_since=WALL), "WARMING", 1.0),
        (link(opened_at=999.0), stream(last_at=980.0, lost_at=WALL), "STALE", 20.0),
        (link(opened_at=999.0), stream(last_at=996.0, lost_at=WALL, stale_after_s=None), "QUIET", 4.0),
        # refused and closed
        (link("refused"), stream(last_at=999.0), "REFUSED", None),
        (link(), stream(last_at=999.0, refused="no such symbol"), "REFUSED", None),
        (link("waiting"), stream(refused="no such symbol"), "REFUSED", None),
        (None, stream(refused="a spot market has none"), "REFUSED", None),
        (link(), stream(last_at=500.0, closed_since=WALL), "CLOSED", None),
        (link(), stream(closed_since=WALL), "CLOSED", None),
        (link("waiting", attempt=2), stream(closed_since=WALL), "RECONNECTING", 100.0),
    ],
)
def test_a_state_follows_from_the_facts(
    link: LinkHealth | None, stream: StreamHealth | None, word: Word, age: Any
) -> None:
    assert shown(link, stream) == (word, age)


def test_reasons_and_times_come_along() -> None:
    found = derive(link("waiting", attempt=2, detail="the connection was lost"), stream(), NOW)
    assert (found.attempt, found.detail) == (2, "the connection was lost")
    found = derive(link("refused", detail="HTTP 401"), stream(), NOW)
    assert found.detail == "HTTP 401"
    assert derive(link(), stream(refused="no such symbol"), NOW).detail == "no such symbol"
    assert derive(link(), stream(last_at=NOW, gap_since=WALL), NOW).since == WALL
    assert derive(link(), stream(closed_since=WALL), NOW).since == WALL


def test_a_long_wait_names_its_likely_causes() -> None:
    assert derive(link(opened_at=981.0), stream(), NOW).detail is None
    hint = derive(link(opened_at=979.0), stream(), NOW).detail
    assert hint is not None
    assert "symbol" in hint
    known = derive(link(opened_at=979.0), stream(waiting="no block size"), NOW)
    assert (known.word, known.detail) == ("WARMING", "no block size")


PHASES: tuple[Phase, ...] = ("connecting", "open", "waiting", "refused", "closed")


@given(
    st.sampled_from(PHASES),
    st.integers(0, 5),
    st.booleans(),
    st.none() | st.floats(800, 1000),
    st.none() | st.floats(1, 30),
    st.none() | st.integers(1, WALL),
    st.none() | st.integers(1, WALL),
)
def test_live_is_an_open_link_whose_stream_came_lately_and_lacks_nothing(
    phase: Phase,
    attempt: int,
    opened_once: bool,
    last_at: float | None,
    stale_after_s: float | None,
    lost_at: int | None,
    gap_since: int | None,
) -> None:
    found = derive(
        link(phase, attempt=attempt, opened_once=opened_once),
        stream(last_at=last_at, stale_after_s=stale_after_s, lost_at=lost_at, gap_since=gap_since),
        NOW,
    )
    assert found.age is None or found.age >= 0.0
    if found.word == "LIVE":
        assert phase == "open"
        assert lost_at is None
        assert gap_since is None
        assert last_at is not None
        assert NOW - last_at <= (stale_after_s if stale_after_s is not None else 10.0)
    if phase != "open":
        assert found.word in ("CONNECTING", "RECONNECTING", "REFUSED")


def test_only_what_is_current_does_not_dim() -> None:
    words: dict[Word, bool] = {
        "CONNECTING": False,
        "WARMING": False,
        "LIVE": True,
        "QUIET": True,
        "STALE": False,
        "RECONNECTING": False,
        "GAP": True,
        "PARTIAL": True,
        "CLOSED": True,
        "REFUSED": False,
    }
    assert {word: Shown(word).is_current for word in words} == words


# --- an address as a whole ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ((), "connecting"),
        (("WARMING",), "connecting"),
        (("CONNECTING", "LIVE"), "connecting"),
        (("LIVE", "RECONNECTING"), "reconnecting"),
        (("LIVE", "STALE"), "stale"),
        (("STALE", "RECONNECTING"), "reconnecting"),
        (("LIVE", "GAP"), "gap"),
        (("LIVE", "LIVE"), "live"),
        (("LIVE", "QUIET"), "live"),
        (("LIVE", "WARMING"), "live"),
        (("PARTIAL",), "live"),
        (("QUIET",), "quiet"),
        (("QUIET", "QUIET"), "quiet"),
        (("CLOSED", "QUIET"), "closed"),
        (("REFUSED",), "refused"),
        (("REFUSED", "REFUSED"), "refused"),
        (("REFUSED", "LIVE"), "live"),
        (("REFUSED", "WARMING"), "connecting"),
    ],
)
def test_an_address_is_as_bad_as_its_worst_stream(words: tuple[Word, ...], state: State) -> None:
    assert overall([Shown(word) for word in words])[0] == state
    assert overall([Shown(word) for word in reversed(words)])[0] == state


def test_the_reason_of_the_worst_comes_along() -> None:
    assert overall([Shown("LIVE", detail="a"), Shown("STALE", detail="b")]) == ("stale", "b")
    assert overall([Shown("REFUSED"), Shown("REFUSED", detail="c")]) == ("refused", "c")


def test_a_panel_of_several_streams_is_as_good_as_its_best() -> None:
    order: tuple[Word, ...] = (
        "LIVE",
        "PARTIAL",
        "GAP",
        "QUIET",
        "STALE",
        "CLOSED",
        "RECONNECTING",
        "WARMING",
    )
    for good, bad in product(order, order):
        if order.index(good) < order.index(bad):
            assert best([Shown(bad), Shown(good)]).word == good
            assert best([Shown("REFUSED"), Shown(bad)]).word == bad
    assert best([Shown("REFUSED", detail="x")]) == Shown("REFUSED", detail="x")
    assert best([]).word == "WARMING"
