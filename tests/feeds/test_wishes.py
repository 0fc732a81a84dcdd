"""What is wanted follows what is watched, shown and listened to."""

from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.contract import Want
from mdterm.feeds.events import Stream
from mdterm.feeds.wishes import BOOKS_WATCHED, WARM, Wishes

LADDER: tuple[Stream, ...] = ("book", "trade")


def by_stream(wants: list[Want]) -> dict[tuple[str, Stream], int]:
    return {(want.address, want.stream): want.rank for want in wants}


def test_a_short_watchlist_keeps_trades_and_books() -> None:
    wishes = Wishes()
    wishes.watched = ["a", "b"]
    assert by_stream(wishes.wants()) == {
        ("a", "trade"): 1,
        ("a", "book"): 1,
        ("b", "trade"): 1,
        ("b", "book"): 1,
    }


def test_a_long_watchlist_keeps_trades_and_only_the_shown_books() -> None:
    wishes = Wishes()
    wishes.watched = [f"s{n}" for n in range(BOOKS_WATCHED + 1)]
    wishes.bind("ladder", "s3", LADDER)
    wants = by_stream(wishes.wants())
    assert {address for address, stream in wants if stream == "trade"} == set(wishes.watched)
    assert {address for address, stream in wants if stream == "book"} == {"s3"}
    assert wants[("s3", "book")] == 0


def test_what_was_shown_stays_warm_and_what_is_shown_ranks_first() -> None:
    wishes = Wishes()
    wishes.bind("ladder", "a", LADDER)
    wishes.bind("derivatives", "a", ("funding",))
    wishes.bind("ladder", "b", LADDER)
    wants = by_stream(wishes.wants())
    assert wants[("b", "book")] == 0
    assert wants[("a", "book")] == 1
    assert wants[("a", "funding")] == 0  # its panel still shows it
    assert wishes.visible == ["b", "a"]


def test_an_unbound_panel_wants_nothing_on_the_screen() -> None:
    wishes = Wishes()
    wishes.bind("ladder", "a", LADDER)
    wishes.unbind("ladder")
    wishes.unbind("ladder")
    assert set(by_stream(wishes.wants()).values()) == {1}


def test_what_is_listened_to_is_wanted_first() -> None:
    wishes = Wishes()
    wishes.listen([("a", "liquidation"), ("a", "liquidation")])
    assert wishes.wants() == [Want(0, "a", "liquidation")]


@given(st.lists(st.integers(0, 40), max_size=80))
def test_any_walk_through_symbols_keeps_few_subscriptions(steps: list[int]) -> None:
    wishes = Wishes()
    for step in steps:
        wishes.bind("ladder", f"s{step}", LADDER)
        wants = wishes.wants()
        assert len({want.address for want in wants}) <= WARM
        assert len(wants) == len({(want.address, want.stream) for want in wants})
        assert [want.address for want in wants if want.rank == 0] == [f"s{step}"] * 2
        assert wishes.visible[0] == f"s{step}"
