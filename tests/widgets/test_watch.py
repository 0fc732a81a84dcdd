"""The watchlist in one line: what fits, which symbol is where, and states that grow old."""

from textual.app import App, ComposeResult

from mdterm.feeds.frames import LinkLine, PanelFrame
from mdterm.feeds.status import Shown
from mdterm.themes.palettes import THEMES
from mdterm.widgets.watch import WatchStrip
from tests.app.standing import LIVE, WALL, make_quotes

LISTED = [(one.address, one.symbol) for one in make_quotes().rows]


class Shell(App[None]):
    """A line and nothing else."""

    CSS = "WatchStrip { width: 100%; height: 1; }"

    def __init__(self) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "dark"
        self.strip = WatchStrip()
        self.chosen: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.strip

    def on_watch_strip_chosen(self, message: WatchStrip.Chosen) -> None:
        self.chosen.append(message.address)

    def line(self) -> str:
        return self.strip.render_line(0).text


def show(app: Shell, made: float = 0.0) -> None:
    app.strip.set_symbols(LISTED)
    app.strip.select("sim:ETHUSDT")
    app.strip.show(PanelFrame(LIVE, make_quotes(), True), made, WALL)
    app.strip.set_links([LinkLine("sim/book", "sim", LIVE, 3.0, 10.0)], made)


async def test_each_symbol_stands_behind_its_digit_with_its_change() -> None:
    app = Shell()
    async with app.run_test(size=(80, 1)):
        show(app)
        assert app.line().startswith(
            " 1 BTCUSDT  +0.42  2 ETHUSDT  -0.11  3 SOLUSDT  +0.03  4 DOGEUSDT  -2.14"
        )


async def test_a_click_chooses_by_the_address() -> None:
    app = Shell()
    async with app.run_test(size=(80, 1)) as pilot:
        show(app)
        await pilot.click(WatchStrip, offset=(app.line().index("3 SOL"), 0))
        await pilot.pause()
        assert app.chosen == ["sim:SOLUSDT"]


async def test_what_the_feed_says_no_more_grows_stale() -> None:
    app = Shell()
    async with app.run_test(size=(120, 1)):
        show(app, 100.0)
        app.strip.tick(110.0, WALL)
        assert "STALE" not in app.line()
        assert "sim LIVE" in app.line()
        app.strip.tick(130.0, WALL)
        assert app.line().count("STALE") == len(LISTED) + 1, "every symbol, and the link"
        assert "LIVE" not in app.line()
        show(app, 131.0)
        assert "STALE" not in app.line()


async def test_a_lost_links_age_goes_on_without_a_word_from_the_feed() -> None:
    app = Shell()
    async with app.run_test(size=(120, 1)):
        show(app, 100.0)
        lost = Shown("RECONNECTING", age=3.0, attempt=2)
        app.strip.set_links([LinkLine("sim/book", "sim", lost, None, 0.0)], 100.0)
        assert "RECONNECTING 3s (try 2)" in app.line()
        app.strip.tick(107.0, WALL)
        assert "RECONNECTING 10s (try 2)" in app.line()


async def test_a_group_asks_for_its_rows_alone() -> None:
    app = Shell()
    async with app.run_test(size=(80, 1)):
        show(app)
        app.strip.set_symbols(LISTED[2:], is_group=True)
        assert app.strip.spec().among == ("sim:SOLUSDT", "sim:DOGEUSDT")
        assert app.line().startswith(" 1 SOLUSDT  +0.03")
        app.strip.set_symbols(LISTED)
        assert app.strip.spec().among is None
