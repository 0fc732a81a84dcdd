"""Which markets a feed lets go that sees more in its days than it can hold."""

from mdterm.feeds.market import Market, Quote
from mdterm.feeds.tenure import MOST_FULL, MOST_QUOTES, Tenure

FULL = Market.__new__(Market)
QUOTE = Quote.__new__(Quote)


def tenure(full: int, quotes: int = 0) -> tuple[Tenure, dict[str, Market | Quote]]:
    markets: dict[str, Market | Quote] = {f"full{at}": FULL for at in range(full)}
    markets |= {f"quote{at}": QUOTE for at in range(quotes)}
    found = Tenure(markets)
    found.count()
    return found, markets


def test_what_there_is_room_for_stays() -> None:
    found, _ = tenure(MOST_FULL, MOST_QUOTES)
    assert not found.is_due
    assert found.surplus(set(), 1.0) == []


def test_the_longest_unwanted_goes_first() -> None:
    found, markets = tenure(MOST_FULL)
    found.surplus({"full1"}, 1.0)  # all but one are unwanted since then
    found.surplus({"full0", "full1"}, 2.0)
    markets["new"] = FULL
    markets["newer"] = FULL
    assert found.surplus({"new", "newer"}, 3.0) == ["full2", "full3"]


def test_what_is_wanted_stays_however_much_it_is() -> None:
    found, markets = tenure(MOST_FULL + 100, MOST_QUOTES + 100)
    assert found.is_due
    assert found.surplus(markets.keys(), 1.0) == []
    assert not found.is_due  # there is nothing to be gained by looking at once again


def test_room_is_made_for_one_that_is_about_to_come() -> None:
    found, _ = tenure(MOST_FULL)
    assert found.surplus(set(), 1.0, room=1) == ["full0"]


def test_quotes_go_apart_from_full_ones() -> None:
    found, markets = tenure(3, MOST_QUOTES + 2)
    assert found.is_due
    assert found.surplus({"quote0"}, 1.0) == ["quote1"]
    assert found.full == 3
    assert len(markets) == MOST_QUOTES + 5  # who asks lets them go


def test_looking_is_rare_while_they_come() -> None:
    found, markets = tenure(MOST_FULL)
    looks = 0
    for at in range(1_000):
        markets[f"new{at}"] = FULL
        found.full += 1
        if found.is_due:
            looks += 1
            for gone in found.surplus({f"new{at}"}, float(at)):
                del markets[gone]
            found.count()
    assert looks <= 40
    assert len(markets) <= MOST_FULL + 33
