"""What somebody hears first who begins to listen to streams that flow already."""

from mdterm.feeds.account import Account
from mdterm.feeds.address import Instrument
from mdterm.feeds.events import Balance, Book, Event, Funding, Order, Stream
from mdterm.feeds.market import Market
from mdterm.feeds.standing import standing

ADDRESS = "fake:BTCUSDT"
BOOK = Book(ADDRESS, 1, 2, [1.0], [2.0], [3.0], [4.0])
FUNDING = Funding(ADDRESS, 1, 2, 0.0001, None)
ORDER = Order(ADDRESS, 1, 2, "7", "buy", "limit", "open", "1", "2", "0", "2", "0", 1, 1, False)


def heard(*wants: tuple[str, Stream]) -> list[Event]:
    market = Market(Instrument(ADDRESS, "fake", "fake", "BTCUSDT", tick=0.1))
    market.apply([BOOK])
    market.apply([FUNDING])
    account = Account("fake")
    account.apply([Balance("fake", None, 2, "BTC", "0.00000010", "0.00")])
    account.apply([ORDER])
    return standing(wants, {ADDRESS: market}, {"fake": account}, 9)


def test_the_newest_of_each_stream_that_is_wanted_is_told() -> None:
    assert heard((ADDRESS, "book"), (ADDRESS, "funding"), (ADDRESS, "trade")) == [BOOK, FUNDING]


def test_what_never_came_is_not_told() -> None:
    assert heard((ADDRESS, "open_interest"), (ADDRESS, "volume_profile"), ("fake:ETHUSDT", "book")) == []


def test_an_account_is_told_in_the_figures_of_its_provider() -> None:
    assert heard((ADDRESS, "order"), ("fake:*", "balance")) == [
        ORDER,
        Balance("fake", None, 9, "BTC", "0.00000010", "0.00"),
    ]
