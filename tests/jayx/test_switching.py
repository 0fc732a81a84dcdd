"""Another interval is another connection: it opens before the old one closes, and nothing is lost between."""

from mdterm.feeds.connection import Connection
from mdterm.feeds.events import Book, Candle, FeedStatus, Trade
from mdterm.feeds.frames import ChartFrame
from mdterm.feeds.intervals import bucket_start
from mdterm.feeds.market import Market
from mdterm.feeds.specs import ChartSpec, LadderSpec, TapeSpec
from tests.jayx.support import Run, Viewer, running

ADDRESS = "jayx:BTCUSDT"


def open_panels(run: Run) -> Viewer:
    viewer = Viewer(run.feed)
    run.feed.watch([run.feed.resolve(ADDRESS)])
    run.feed.bind("ladder", ADDRESS, LadderSpec(20))
    run.feed.bind("tape", ADDRESS, TapeSpec(10))
    run.feed.bind("chart", ADDRESS, ChartSpec("1m", 30))
    return viewer


def connection_of(run: Run, key: str) -> Connection | None:
    return run.feed.links.connections.get(key)


async def test_the_chart_begins_with_the_whole_running_bar_and_says_since_when() -> None:
    async with running("socketio") as run:
        viewer = open_panels(run)
        run.listen("trade", "candle")
        await viewer.until(
            lambda: (chart := viewer.frame("chart", ChartFrame)) is not None and chart.since is not None
        )
        await run.heard.until(lambda: bool(run.heard.of(Candle) and run.heard.of(Trade)))
        chart = viewer.frame("chart", ChartFrame)
        assert chart is not None
        opened = run.heard.of(Candle)[0].open_ts  # type: ignore[attr-defined]
        assert chart.since == opened == bucket_start(opened, "1m")
        assert chart.bars[0].open_ts == opened
        assert chart.bars[0].open == run.heard.of(Candle)[0].open  # type: ignore[attr-defined]


async def test_the_old_connection_serves_until_the_new_one_has_data() -> None:
    async with running("socketio") as run:
        viewer = open_panels(run)
        run.listen("trade", "book")
        await run.heard.until(
            lambda: (
                bool(run.heard.of(Trade) and run.heard.of(Book))
                and connection_of(run, "jayx/BTCUSDT") is not None
            )
        )
        old = connection_of(run, "jayx/BTCUSDT")
        assert old is not None
        feed, words, closed_with = run.feed, set(), []

        def look(*_: object) -> None:
            words.add(feed.shown(ADDRESS, "book").word)
            new = connection_of(run, "jayx/BTCUSDT@5m")
            if old.health.phase == "closed":
                closed_with.append(new is not None and new.is_flowing)

        feed.listen([(ADDRESS, "trade"), (ADDRESS, "book")], look)
        viewer.feed.respec("chart", ChartSpec("5m", 30))
        await run.heard.until(lambda: len(closed_with) > 20)
        assert words == {"LIVE"}
        assert all(closed_with)
        assert set(feed.links.connections) == {"jayx/BTCUSDT@5m", "jayx/account"}
        server = run.venue.jayx
        assert server is not None
        told = [(one.ts, one.price, one.size) for one in run.heard.of(Trade)]  # type: ignore[attr-defined]
        had = [
            (one.created * 1_000_000, one.ticks / 100, one.lots / 1e6)
            for one in server.board.trades("BTCUSDT")
        ]
        assert told == had[: len(told)], "no trade is lost or told twice while two connections tell them"
        await viewer.until(
            lambda: (chart := viewer.frame("chart", ChartFrame)) is not None and chart.interval == "5m"
        )


async def test_a_cut_that_the_list_of_trades_bridges_leaves_no_gap() -> None:
    async with running("socketio", rate=1) as run:
        viewer = open_panels(run)
        run.listen("trade", "book")
        await run.heard.until(lambda: len(run.heard.of(Trade)) > 3 and bool(run.heard.of(Book)))
        server = run.venue.jayx
        assert server is not None
        server.cut("book")
        feed = run.feed
        await run.heard.until(lambda: feed.shown(ADDRESS, "trade").word in ("CONNECTING", "RECONNECTING"))
        # Back with the first book, also where nothing has traded meanwhile.
        known = len(run.heard.of(Book))
        await run.heard.until(lambda: len(run.heard.of(Book)) > known)
        assert feed.shown(ADDRESS, "trade").word == "LIVE"
        known = len(run.heard.of(Trade))
        await run.heard.until(lambda: len(run.heard.of(Trade)) > known + 3)
        assert feed.shown(ADDRESS, "trade").word == "LIVE"
        assert "gap" not in [one.state for one in run.heard.of(FeedStatus)]  # type: ignore[attr-defined]
        market = feed.markets[ADDRESS]
        assert isinstance(market, Market)
        assert market.gap_since is None
        await viewer.until(lambda: viewer.panels["tape"].shown.word == "LIVE")


async def test_who_changes_his_mind_keeps_the_connection_he_has() -> None:
    async with running("socketio") as run:
        viewer = open_panels(run)
        run.listen("book")
        await run.heard.until(lambda: bool(run.heard.of(Book)))
        old = connection_of(run, "jayx/BTCUSDT")
        assert old is not None
        links, feed = run.feed.links, run.feed
        for interval in ("5m", "15m", "1m"):
            viewer.feed.respec("chart", ChartSpec(interval, 30))
            feed._plan()  # at once, where the feed waits for the last of several keys
            assert feed.shown(ADDRESS, "book").word == "LIVE"
        assert connection_of(run, "jayx/BTCUSDT") is old
        assert not links._leaving
        known = len(run.heard.of(Book))
        await run.heard.until(lambda: len(run.heard.of(Book)) > known + 3)
        assert old.opened_count == 1


async def test_an_interval_that_is_not_served_is_cut_from_trades() -> None:
    async with running("socketio") as run:
        viewer = open_panels(run)
        viewer.feed.respec("chart", ChartSpec("15s", 30))
        await viewer.until(
            lambda: (
                (chart := viewer.frame("chart", ChartFrame)) is not None
                and chart.interval == "15s"
                and bool(chart.bars)
            )
        )
        assert "jayx/BTCUSDT" in run.feed.links.connections
