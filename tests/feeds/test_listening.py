"""What one listener of a shared feed hears of what is there."""

from collections.abc import Sequence

from mdterm.feeds.events import Candle, Event
from mdterm.feeds.listening import Listening
from tests.feeds.support import trade


def bar(interval: str) -> Candle:
    return Candle("x:Y", None, 0, interval, 0, 1.0, 2.0, 0.5, 1.5, 3.0, closed=False)


def test_bars_of_an_interval_that_somebody_else_chose_are_not_heard() -> None:
    heard: list[Event] = []

    def take(events: Sequence[Event]) -> None:
        heard.extend(events)

    one = Listening(take, hears_only_its_own=True)
    one.hear([("x:Y", "candle")], "5m")
    one.take([bar("1m"), bar("5m"), trade(1.0, address="x:Y")], set(), is_polled=False)
    assert heard == [bar("5m")]
