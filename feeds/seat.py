"""One screen's place at a feed: what it watches and shows, and the frames that it gets.

Markets, connections and accounts are the feed's and shared by all seats; watchlist, panels, pace and credit
are a seat's own. Runs on the feed's loop.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from mdterm.feeds.accounts import EVERYTHING
from mdterm.feeds.address import Instrument
from mdterm.feeds.alerts import Alarm, Rule
from mdterm.feeds.away import Away
from mdterm.feeds.beat import Beat
from mdterm.feeds.binding import Binding
from mdterm.feeds.clock import Clock
from mdterm.feeds.contract import Listed, OneInterval
from mdterm.feeds.events import Stream
from mdterm.feeds.frames import Frame
from mdterm.feeds.frames_away import AwaySpec
from mdterm.feeds.market import Market, Quote
from mdterm.feeds.port import Post
from mdterm.feeds.specs import (
    STREAMS,
    AccountSpec,
    ChartSpec,
    CompareSpec,
    DerivativesSpec,
    HeaderSpec,
    LadderSpec,
    PlotSpec,
    TapeSpec,
    ViewSpec,
    WatchSpec,
)
from mdterm.feeds.status import Caution, Shown, best
from mdterm.feeds.view_away import away_view
from mdterm.feeds.view_compare import compare_view, pair_row
from mdterm.feeds.view_derivatives import derivatives_view
from mdterm.feeds.view_header import header_view
from mdterm.feeds.view_ladder import ladder_view, settle
from mdterm.feeds.view_plot import Plots
from mdterm.feeds.view_tape import tape_view
from mdterm.feeds.view_watch import watch_view
from mdterm.feeds.views import view
from mdterm.feeds.wishes import Wishes

if TYPE_CHECKING:
    from mdterm.feeds.runtime import Feed

FOLLOW_S = 0.3
"""A key held down must not resubscribe at every step."""


class Seat:
    """The port of one screen, on the feed's side. ``clock`` paces its frames."""

    def __init__(self, feed: "Feed", clock: Clock, period_s: float) -> None:
        self.feed = feed
        self.wishes = Wishes()
        self.beat = Beat(clock, period_s, lambda: feed.lines)
        self.rules: list[Rule] = []
        self.pairs: list[tuple[str, str]] = []
        self.raised: Callable[[Alarm], None] | None = None
        self.away = Away(feed.markets)
        self._plots = Plots()

    def connect(self, post: Post) -> None:
        """Begin to post frame sets."""
        self.beat.connect(post)

    def watch(self, instruments: Sequence[Instrument]) -> None:
        """Set the watchlist."""
        self.wishes.watched = [instrument.address for instrument in instruments]
        self.feed.watched(instruments)
        self.feed.replan()

    def bind(self, panel: str, address: str, spec: ViewSpec) -> None:
        """Bind a panel; a frame follows at once. An instrument on the screen is of the full tier."""
        feed = self.feed
        market = feed.market(address, full=True)
        assert isinstance(market, Market)
        feed.open_account(market.instrument)
        over_all = isinstance(spec, WatchSpec | AccountSpec | CompareSpec | AwaySpec)
        source = market.instrument
        if isinstance(spec, AccountSpec):
            teller = feed.accounts.show(source)
            source = source if teller is None else feed.resolve(f"{teller}:{EVERYTHING}")
        self.beat.add(
            Binding(
                panel,
                None if over_all else address,
                spec,
                simulated=source.simulated,
                make=lambda spec, now: self.frame(market, spec, now),
                state=lambda: self.panel_state(address, spec),
                now=feed.clock.mono,
                offer=self.beat.offer,
                caution=lambda: self._panel_caution(market.instrument, spec),
            )
        )
        if not over_all:
            self.wishes.bind(panel, address, self._streams_of(address, spec))
        feed.want_interval(address, spec)
        feed.replan(FOLLOW_S if feed.links.connections else 0.0)

    def respec(self, panel: str, spec: ViewSpec) -> None:
        """Change a bound panel's view; a frame follows at once."""
        binding = self.beat.bindings.get(panel)
        if binding is not None:
            binding.respec(spec)
            if binding.address is not None:
                self.feed.want_interval(binding.address, spec)
            self.beat.touch(urgent=True)

    def unbind(self, panel: str) -> None:
        """Let a panel go."""
        self.beat.remove(panel)
        self.wishes.unbind(panel)
        self.feed.replan(FOLLOW_S)

    def heed(self, raised: Callable[[Alarm], None]) -> None:
        """Begin to tell of alerts that fire, on the feed's thread; ``raised`` must not block."""
        self.raised = raised

    def alert(self, rules: Sequence[Rule]) -> None:
        """Look for these, and for no others of this seat's. Raise AddressError."""
        # By the address that events come under, whatever it was called by.
        self.rules = [
            msgspec.structs.replace(one, address=self.feed.resolve(one.address).address) for one in rules
        ]
        self.feed.set_rules()

    def compare(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Compare these pairs of addresses, and no others. Raise AddressError."""
        resolve = self.feed.resolve
        self.pairs = [(resolve(first).address, resolve(second).address) for first, second in pairs]
        self.feed.set_pairs()

    def left(self) -> None:
        """Sum from now on what passes while nobody looks."""
        self.away.left(self.feed.clock.wall())

    def returned(self) -> None:
        """Keep what has passed since ``left``, for an AwaySpec to be told, and sum anew."""
        now = self.feed.clock.wall()
        for address, since in self.feed.lost().items():
            self.away.gap(address, since, now)
        self.away.returned(now)
        self.beat.touch(urgent=True)

    def ack(self, number: int) -> None:
        """Take back the credit for a frame set."""
        self.beat.ack(number)
        self.feed.release()

    def pace(self, period_s: float) -> None:
        """Make frame sets so far apart (s) from now on."""
        self.beat.pace(period_s)

    def repaint(self) -> None:
        """Send every frame again."""
        self.beat.repaint()

    def close(self) -> None:
        """Make no more frames."""
        self.beat.close()
        self.raised = None

    # What a panel shows.

    def frame(self, market: Market, spec: ViewSpec, now: float) -> tuple[ViewSpec, Frame | None]:
        """Return the spec as it stands now and the frame that it asks for."""
        feed, address = self.feed, market.instrument.address
        if isinstance(spec, LadderSpec):
            spec = settle(market, spec)
            return spec, ladder_view(market, spec, feed.accounts.orders_on(market.instrument))
        if isinstance(spec, AccountSpec):
            return spec, feed.accounts.frame(feed.accounts.show(market.instrument), spec)
        if isinstance(spec, CompareSpec):
            wall = feed.clock.wall()
            pairs = [
                pair_row(feed.pairs.get(*one), spec, feed.markets.get, self._trades_shown, now, wall)
                for one in self.pairs
            ]
            return spec, compare_view(pairs, spec)
        if isinstance(spec, WatchSpec):
            return watch_view(self._watched(), spec, now, feed.days)
        if isinstance(spec, AwaySpec):
            return spec, away_view(self.away, self._watched(), spec, feed.lost(), now)
        if isinstance(spec, DerivativesSpec):
            provider = feed.providers[market.instrument.provider]
            streams = STREAMS[DerivativesSpec][:3]
            missing = [one for one in streams if provider.carries(market.instrument, one) is not None]
            asked = (address, "funding") in feed.links.streams
            funding = feed.shown(address, "funding") if asked else None
            return spec, derivatives_view(market, spec, funding, missing)
        if isinstance(spec, HeaderSpec):
            provider = feed.providers[market.instrument.provider]
            listing = provider.listing(market.instrument) if isinstance(provider, Listed) else None
            return spec, header_view(market, listing)
        if isinstance(spec, TapeSpec):
            return spec, tape_view(market, spec, now, feed.accounts.fills_on(market.instrument))
        if isinstance(spec, PlotSpec):
            return spec, self._plots.view(market, spec, now)
        return spec, view(market, spec, now)

    def _watched(self) -> list[tuple[Market | Quote, Shown]]:
        """Return the watchlist's markets, each with the state of its trades."""
        markets = self.feed.markets
        return [(markets[one], self._trades_shown(one)) for one in self.wishes.watched if one in markets]

    def _trades_shown(self, address: str) -> Shown:
        return self.feed.shown(address, "trade")

    def panel_state(self, address: str, spec: ViewSpec) -> Shown:
        """Return the state that a panel's title tells."""
        feed = self.feed
        if isinstance(spec, WatchSpec | AwaySpec):
            return best(self._trades_shown(one) for one in self.wishes.watched)
        if isinstance(spec, CompareSpec):
            return best(self._trades_shown(one) for one in {leg for pair in self.pairs for leg in pair})
        streams = STREAMS[type(spec)]
        if isinstance(spec, AccountSpec):
            return feed.accounts.state(feed.accounts.show(feed.resolve(address)), feed.shown)
        shown = feed.shown(address, streams[0])
        if shown.word in ("WARMING", "CONNECTING") and isinstance(spec, TapeSpec | ChartSpec | PlotSpec):
            shown = self._kept_state(address, shown)
        if isinstance(spec, DerivativesSpec):
            instrument = feed.resolve(address)
            provider = feed.providers[instrument.provider]
            had: list[Stream] = [one for one in streams[:3] if provider.carries(instrument, one) is None]
            # Where there are no derivatives the panel is its profile, which is made of trades.
            return best([feed.shown(address, stream) for stream in had or streams[3:4]])
        if isinstance(spec, ChartSpec | PlotSpec) and shown.word in ("LIVE", "WARMING"):
            words = feed.pasts.failed(address)
            if words is not None and shown.word == "LIVE":
                return Shown("PARTIAL", age=shown.age, detail=f"no history: {words}")
        return shown

    def _kept_state(self, address: str, shown: Shown) -> Shown:
        """Return that what is shown is of the last run, and how old, where that is so."""
        feed = self.feed
        newest = None if feed.warmth is None else feed.warmth.newest.get(address)
        if newest is None:
            return shown
        age = max(0.0, (feed.clock.wall() - newest) / 1e9)
        return Shown("STALE", age=age, detail="kept from the last run; nothing has come yet")

    def _panel_caution(self, instrument: Instrument, spec: ViewSpec) -> Caution | None:
        feed = self.feed
        if isinstance(spec, WatchSpec | AwaySpec):
            found = [feed.caution(feed.resolve(one)) for one in self.wishes.watched]
            return next((one for one in found if one is not None and one.is_raw), None)
        if isinstance(spec, CompareSpec):
            return None
        if isinstance(spec, AccountSpec):
            return feed.accounts.caution(feed.accounts.show(instrument))
        return feed.caution(instrument)

    def _streams_of(self, address: str, spec: ViewSpec) -> tuple[Stream, ...]:
        """Return the streams of a view; bars that a socket carries are better than bars cut from trades."""
        provider = self.feed.providers[self.feed.resolve(address).provider]
        bars: tuple[Stream, ...] = ()
        if isinstance(spec, ChartSpec | PlotSpec) and isinstance(provider, OneInterval):
            bars = ("candle",)
        return (*STREAMS[type(spec)], *bars)
