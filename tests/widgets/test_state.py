"""Words of states, and that no age is taken for the present."""

import pytest

from mdterm.feeds.status import Shown
from mdterm.widgets.state import BELIEVABLE_S, aged, format_reason, format_state

SINCE = 1_763_682_461_000_000_000


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (Shown("WARMING"), "WARMING"),
        (Shown("WARMING", age=3.7), "WARMING 3s"),
        (Shown("CONNECTING", age=0.4), "CONNECTING 0s"),
        (Shown("LIVE", age=0.1), "LIVE 0.1s"),
        (Shown("QUIET", age=14.0), "QUIET 14s"),
        (Shown("STALE", age=4.2), "STALE 4.2s"),
        (Shown("STALE", age=72.9), "STALE 1m12s"),
        (Shown("RECONNECTING", age=3.4, attempt=2), "RECONNECTING 3s (try 2)"),
        (Shown("RECONNECTING", age=3.4), "RECONNECTING 3s"),
        (Shown("GAP", since=SINCE), "GAP since 23:47:41"),
        (Shown("CLOSED", since=SINCE), "CLOSED since 23:47:41"),
        (Shown("PARTIAL", age=0.2), "PARTIAL 0.2s"),
        (Shown("REFUSED", age=5.0, detail="no such key"), "REFUSED"),
    ],
)
def test_states_are_a_word_a_blank_and_an_age(shown: Shown, text: str) -> None:
    assert format_state(shown) == text


def test_a_market_closed_for_days_says_the_day() -> None:
    assert format_state(Shown("CLOSED", since=SINCE), SINCE + 10**15) == "CLOSED since 11-20 23:47"


def test_ages_go_on() -> None:
    assert aged(Shown("STALE", age=4.0), 2.0).age == 6.0
    assert aged(Shown("GAP", since=SINCE), 2.0) == Shown("GAP", since=SINCE)
    assert aged(Shown("LIVE", age=1.0), 0.0) == Shown("LIVE", age=1.0)


def test_a_live_that_nobody_renews_is_stale() -> None:
    assert aged(Shown("LIVE", age=0.1), BELIEVABLE_S - 0.2).word == "LIVE"
    told = aged(Shown("LIVE", age=0.1), BELIEVABLE_S)
    assert told.word == "STALE"
    assert not told.is_current
    assert aged(Shown("QUIET", age=0.1), 1000).word == "QUIET"


def test_reasons_are_made_safe() -> None:
    assert format_reason(Shown("REFUSED", detail="\x1b[2Jbad")) == "·[2Jbad"
    assert format_reason(Shown("REFUSED")) == ""
