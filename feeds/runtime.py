"""The feed: connections, markets and panels on one event loop.

Everything here runs on the feed's loop. Events are counted and folded whether or not anything is drawn;
drawing is the beat's affair.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import msgspec

from mdterm.feeds.accounts import EVERYTHING, Accounts
from mdterm.feeds.address import AddressError, Instrument, parse_address
from mdterm.feeds.alerts import Alarm, Alerts, Rule
from mdterm.feeds.asking import Answer, ask
from mdterm.feeds.backfill import Backfill
from mdterm.feeds.beat import Beat
from mdterm.feeds.binding import Binding
from mdterm.feeds.clock import Clock, SystemClock
from mdterm.feeds.compare import Pairs
from mdterm.feeds.connection import Connection
from mdterm.feeds.contract import Bridging, Cautious, Listed, OneInterval, Provider
from mdterm.feeds.events import STREAM_OF, Balance, Candle, Event, FeedStatus, Order, State, Stream, Trade
from mdterm.feeds.frames import (
    STREAMS,
    AccountSpec,
    ChartSpec,
    CompareSpec,
    DerivativesSpec,
    Frame,
    HeaderSpec,
    LadderSpec,
    LinkLine,
    PlotSpec,
    TapeSpec,
    ViewSpec,
    WatchSpec,
)
from mdterm.feeds.journal import Journal, NullJournal
from mdterm.feeds.journal_notes import MergedNote, RecordedHistory, Scribe
from mdterm.feeds.links import Links
from mdterm.feeds.listing import new_market, new_quote, stand_in
from mdterm.feeds.market import FULL_TIER, Market, Quote
from mdterm.feeds.port import Post
from mdterm.feeds.status import Caution, Shown, StreamHealth, best, overall
from mdterm.feeds.view_compare import compare_view, pair_row
from mdterm.feeds.view_derivatives import derivatives_view
from mdterm.feeds.view_header import header_view
from mdterm.feeds.view_ladder import ladder_view, settle
from mdterm.feeds.view_plot import Plots
from mdterm.feeds.view_tape import tape_view
from mdterm.feeds.view_watch import Days, watch_view
from mdterm.feeds.views import view
from mdterm.feeds.vigil import Vigil
from mdterm.feeds.wishes import Wishes

if TYPE_CHECKING:
    from mdterm.feeds.store import Store
    from mdterm.feeds.warm import Warmth

log = logging.getLogger(__name__)

Listener = Callable[[Sequence[Event]], None]

FOLLOW_S = 0.3
"""A key held down must not resubscribe at every step."""
TICK_S = 1.0
STATUS_S = 0.25
KEEP_TICKS = 3
"""Every so many ticks the bars that changed are kept for the next start."""


class Feed:
    """All connections and all state of one process."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        *,
        clock: Clock | None = None,
        journal: Journal | None = None,
        period_s: float = 0.1,
        accounts: Mapping[str, str] | None = None,
        store: "Store | None" = None,
        held_s: float = 0.0,
    ) -> None:
        self.providers = dict(providers)
        self.clock: Clock = clock or SystemClock()
        self.markets: dict[str, Market | Quote] = {}
        self._days = Days()
        self.beat = Beat(self.clock, period_s, lambda: self._lines)
        self.wishes = Wishes()
        self.links = Links(
            self.providers,
            self.clock,
            journal,
            resolve=self.resolve,
            deliver=self._deliver,
            changed=self._link_changed,
            ready=self._replan,
            need_price=self._listen_for_price,
        )
        self.links.keeps_bars = lambda address: isinstance(self.markets.get(address), Market)
        self.alerts = Alerts()
        self.pairs = Pairs()
        self._instruments: dict[str, Instrument] = {}
        self.accounts = Accounts(accounts or {}, self.markets, self._caution)
        self._listeners: list[Listener] = []
        self._listened: set[tuple[str, Stream]] = set()
        self._sources: set[tuple[str, Stream]] = set()
        """Streams wanted only to cut candles from."""
        self._candles: dict[str, tuple[str, int]] = {}
        """Candles listened to by address: interval, and the version told last."""
        self._backfills: dict[str, Backfill] = {}
        self._plots = Plots()
        self._tasks: list[asyncio.Task[None]] = []
        self._asking: asyncio.Task[None] | None = None
        self._states: dict[str, tuple[State, str | None]] = {}
        self._lines: list[LinkLine] = []
        self._loop = asyncio.get_running_loop()
        self._replan_handle: asyncio.TimerHandle | None = None
        self._held: asyncio.TimerHandle | None = None
        """While it is set no connection is opened: the first paint goes first."""
        if held_s:
            self._held = self._loop.call_later(held_s, self._release)
        self._closed = False
        self.vigil = Vigil(SystemClock())
        self._tick_handle = self._loop.call_later(TICK_S, self._tick)
        self._status_handle: asyncio.TimerHandle | None = None
        self.warmth: Warmth | None = None
        self._kept_ago = 0
        if store is not None:
            from mdterm.feeds import warm  # with it comes SQLite, which who keeps nothing need not load

            self.warmth = warm.Warmth(store, self.markets)
        self._scribe: Scribe | None = None
        if journal is not None and not isinstance(journal, NullJournal):
            self._scribe = Scribe(journal, self.clock)
            self._scribe.session(accounts or {})
            for one in self.providers.values():
                self._scribe.provider(one)

    # What is wanted.

    def connect(self, post: Post) -> None:
        """Begin to post frame sets."""
        self.beat.connect(post)

    def watch(self, instruments: Sequence[Instrument]) -> None:
        """Set the watchlist."""
        for instrument in instruments:
            self._instruments[instrument.address] = instrument
            self._market(instrument.address)
            self.wishes.listen(self.accounts.open(instrument))
        self.wishes.watched = [instrument.address for instrument in instruments]
        if self._scribe is not None:
            self._scribe.watch(instruments)
        self._replan()

    def bind(self, panel: str, address: str, spec: ViewSpec) -> None:
        """Bind a panel; a frame follows at once. An instrument on the screen is of the full tier."""
        market = self._market(address, full=True)
        assert isinstance(market, Market)
        self.wishes.listen(self.accounts.open(market.instrument))
        over_all = isinstance(spec, WatchSpec | AccountSpec | CompareSpec)
        source = market.instrument
        if isinstance(spec, AccountSpec):
            teller = self.accounts.show(source)
            source = source if teller is None else self.resolve(f"{teller}:{EVERYTHING}")
        self.beat.add(
            Binding(
                panel,
                None if over_all else address,
                spec,
                simulated=source.simulated,
                make=lambda spec, now: self._frame(market, spec, now),
                state=lambda: self._panel_state(address, spec),
                now=self.clock.mono,
                offer=self.beat.offer,
                caution=lambda: self._panel_caution(market.instrument, spec),
            )
        )
        if not over_all:
            self.wishes.bind(panel, address, self._streams_of(address, spec))
        self._want_interval(address, spec)
        self._replan(FOLLOW_S if self.links.connections else 0.0)

    def _frame(self, market: Market, spec: ViewSpec, now: float) -> tuple[ViewSpec, Frame | None]:
        """Return the spec as it stands now and the frame that it asks for."""
        address = market.instrument.address
        if isinstance(spec, LadderSpec):
            spec = settle(market, spec)
            return spec, ladder_view(market, spec, self.accounts.orders_on(market.instrument))
        if isinstance(spec, AccountSpec):
            return spec, self.accounts.frame(self.accounts.show(market.instrument), spec)
        if isinstance(spec, CompareSpec):
            wall = self.clock.wall()
            pairs = [
                pair_row(one, spec, self.markets.get, lambda leg: self.shown(leg, "trade"), now, wall)
                for one in self.pairs.all
            ]
            return spec, compare_view(pairs, spec)
        if isinstance(spec, WatchSpec):
            told = [
                (self.markets[one], self.shown(one, "trade"))
                for one in self.wishes.watched
                if one in self.markets
            ]
            return watch_view(told, spec, now, self._days)
        if isinstance(spec, DerivativesSpec):
            provider = self.providers[market.instrument.provider]
            streams = STREAMS[DerivativesSpec][:3]
            missing = [one for one in streams if provider.carries(market.instrument, one) is not None]
            asked = (address, "funding") in self.links.streams
            funding = self.shown(address, "funding") if asked else None
            return spec, derivatives_view(market, spec, funding, missing)
        if isinstance(spec, HeaderSpec):
            provider = self.providers[market.instrument.provider]
            listing = provider.listing(market.instrument) if isinstance(provider, Listed) else None
            return spec, header_view(market, listing)
        if isinstance(spec, TapeSpec):
            return spec, tape_view(market, spec, now, self.accounts.fills_on(market.instrument))
        if isinstance(spec, PlotSpec):
            return spec, self._plots.view(market, spec, now)
        return spec, view(market, spec, now)

    def _panel_state(self, address: str, spec: ViewSpec) -> Shown:
        """Return the state that a panel's title tells."""
        if isinstance(spec, WatchSpec):
            return best(self.shown(one, "trade") for one in self.wishes.watched)
        if isinstance(spec, CompareSpec):
            return best(self.shown(one, "trade") for one in self.pairs.of)
        streams = STREAMS[type(spec)]
        if isinstance(spec, AccountSpec):
            return self.accounts.state(self.accounts.show(self._instruments[address]), self.shown)
        shown = self.shown(address, streams[0])
        if shown.word in ("WARMING", "CONNECTING") and isinstance(spec, TapeSpec | ChartSpec | PlotSpec):
            shown = self._kept_state(address, shown)
        if isinstance(spec, DerivativesSpec):
            instrument = self._instruments[address]
            provider = self.providers[instrument.provider]
            had: list[Stream] = [one for one in streams[:3] if provider.carries(instrument, one) is None]
            # Where there are no derivatives the panel is its profile, which is made of trades.
            return best([self.shown(address, stream) for stream in had or streams[3:4]])
        if isinstance(spec, ChartSpec | PlotSpec) and shown.word in ("LIVE", "WARMING"):
            backfill = self._backfills.get(self._instruments[address].provider)
            words = None if backfill is None else backfill.failed.get(address)
            if words is not None and shown.word == "LIVE":
                return Shown("PARTIAL", age=shown.age, detail=f"no history: {words}")
        return shown

    def _kept_state(self, address: str, shown: Shown) -> Shown:
        """Return that what is shown is of the last run, and how old, where that is so."""
        newest = None if self.warmth is None else self.warmth.newest.get(address)
        if newest is None:
            return shown
        age = max(0.0, (self.clock.wall() - newest) / 1e9)
        return Shown("STALE", age=age, detail="kept from the last run; nothing has come yet")

    def _caution(self, instrument: Instrument) -> Caution | None:
        """Return what its provider warns of, where it may have to."""
        provider = self.providers[instrument.provider]
        return provider.caution(instrument) if isinstance(provider, Cautious) else None

    def _panel_caution(self, instrument: Instrument, spec: ViewSpec) -> Caution | None:
        if isinstance(spec, WatchSpec):
            found = [self._caution(self._instruments[one]) for one in self.wishes.watched]
            return next((one for one in found if one is not None and one.is_raw), None)
        if isinstance(spec, CompareSpec):
            return None
        if isinstance(spec, AccountSpec):
            return self.accounts.caution(self.accounts.show(instrument))
        return self._caution(instrument)

    def _relearn(self) -> None:
        """Take over the price steps that providers have been told meanwhile."""
        for address, market in self.markets.items():
            known = market.instrument
            if known.tick is None:
                told = self.providers[known.provider].resolve(parse_address(address))
                market.instrument = self._instruments[address] = told

    def _streams_of(self, address: str, spec: ViewSpec) -> tuple[Stream, ...]:
        """Return the streams of a view; bars that a socket carries are better than bars cut from trades."""
        provider = self.providers[self._instruments[address].provider]
        bars: tuple[Stream, ...] = ()
        if isinstance(spec, ChartSpec | PlotSpec) and isinstance(provider, OneInterval):
            bars = ("candle",)
        return (*STREAMS[type(spec)], *bars)

    def _want_interval(self, address: str, spec: ViewSpec) -> None:
        """Fetch the past of an interval that the provider serves ready-made, or have its socket carry it."""
        if isinstance(spec, ChartSpec | PlotSpec):
            provider = self.providers[self._instruments[address].provider]
            if isinstance(provider, OneInterval):
                # Bars of an interval that it does not serve are cut from trades, as ever.
                with contextlib.suppress(ValueError):
                    provider.set_interval(address, spec.interval)
                    self._replan(FOLLOW_S)
            backfill = self._backfill(provider)
            if backfill is not None and spec.interval in provider.history_intervals:
                backfill.want(address, spec.interval)

    def _backfill(self, provider: Provider) -> Backfill | None:
        if provider.history is None:
            return None
        backfill = self._backfills.get(provider.name)
        if backfill is None:
            history = provider.history
            if self._scribe is not None:
                history = RecordedHistory(history, self._scribe)
            backfill = self._backfills[provider.name] = Backfill(
                history,
                self.markets,
                self.clock,
                visible=lambda: self.wishes.visible,
                merged=self._merged,
                page=provider.capabilities.history_page,
            )
            self._tasks.append(self._loop.create_task(backfill.run()))
        return backfill

    def _merged(self, address: str) -> None:
        """The provider's bars came, or could not be had."""
        seen = self.clock.wall()
        if self._scribe is not None:
            backfill = self._backfills[self._instruments[address].provider]
            failed, short = backfill.failed.get(address), backfill.short.get(address)
            seen = self._scribe.merged(address, MergedNote(backfill.is_settled(address), failed, short))
        self._tell_candles(address, seen)
        self.beat.touch()

    def respec(self, panel: str, spec: ViewSpec) -> None:
        """Change a bound panel's view; a frame follows at once."""
        binding = self.beat.bindings.get(panel)
        if binding is not None:
            binding.respec(spec)
            if binding.address is not None:
                self._want_interval(binding.address, spec)
            self.beat.touch(urgent=True)

    def unbind(self, panel: str) -> None:
        """Let a panel go."""
        self.beat.remove(panel)
        self.wishes.unbind(panel)
        self._replan(FOLLOW_S)

    def heed(self, raised: Callable[[Alarm], None]) -> None:
        """Begin to tell of alerts that fire, on the feed's thread; ``raised`` must not block."""
        self.alerts.raised = raised

    def alert(self, rules: Sequence[Rule]) -> None:
        """Look for these, and for no others; what they need stays subscribed. Raise AddressError."""
        # By the address that events come under, whatever it was called by.
        rules = [msgspec.structs.replace(one, address=self.resolve(one.address).address) for one in rules]
        for rule in rules:
            self._market(rule.address)
        self.alerts.set_rules(rules, self.clock.mono())
        self.wishes.keep(
            "alerts",
            ((rule.address, "book" if rule.kind == "spread" else "trade") for rule in self.alerts.watchers),
        )
        self._replan()

    def compare(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Compare these pairs of addresses, and no others. Raise AddressError."""
        for address in {address for pair in pairs for address in pair}:
            self._market(self.resolve(address).address)
        self.pairs.set_pairs(pairs)
        streams: tuple[Stream, Stream] = ("trade", "book")
        self.wishes.keep("pairs", ((one, stream) for one in self.pairs.of for stream in streams))
        self._replan()

    def ack(self, number: int) -> None:
        """Take back the credit for a frame set."""
        self.beat.ack(number)
        if self._held is not None:
            self._release()

    def pace(self, period_s: float) -> None:
        """Make frame sets so far apart (s) from now on."""
        self.beat.pace(period_s)

    def repaint(self) -> None:
        """Send every frame again."""
        self.beat.repaint()

    def listen(
        self, wants: Iterable[tuple[str, Stream]], listener: Listener, *, interval: str = "1m"
    ) -> None:
        """Hand every event on to ``listener`` as it comes, statuses included.

        State is kept only where candles are wanted: bars of ``interval``, the past first.
        """
        wants = list(wants)
        streams = {stream for _, stream in wants}
        for address, stream in wants:
            if stream != "candle" or "candle" in self._served(address):
                self._listened.add((address, stream))
                continue
            # Bars are cut from exactly one counted source.
            source: Stream = "trade_agg" if "trade_agg" in streams and "trade" not in streams else "trade"
            self._sources.add((address, source))
            instrument = self.resolve(address)
            provider = self.providers[instrument.provider]
            self.markets[address] = new_market(
                provider, instrument, "trade_agg" if source == "trade_agg" else "trade"
            )
            self._candles[address] = (interval, 0)
            backfill = self._backfill(provider)
            if backfill is not None:
                if interval != "1m" and interval in provider.history_intervals:
                    backfill.want(address, interval)
                backfill.want(address)
        if self._scribe is not None:
            self._scribe.listen(wants, interval)
        self.wishes.listen(self._listened | self._sources)
        self._listeners.append(listener)
        if self._status_handle is None:
            self._status_handle = self._loop.call_later(STATUS_S, self._tell_states)
        self._replan()

    def _listen_for_price(self, address: str) -> None:
        """Subscribe the trades of an instrument whose other streams cannot be asked without a price."""
        if "trade" in self._served(address):
            self._sources.add((address, "trade"))
            self.wishes.listen(self._sources)
            self._replan()

    def provide(self, provider: Provider) -> None:
        """Take in a provider, so that its instruments can be watched; one of its name stays."""
        if provider.name not in self.providers:
            self.providers[provider.name] = provider
            if self._scribe is not None:
                self._scribe.provider(provider)
            if "order" in provider.capabilities.streams:
                self.accounts.know(provider.name)

    def search(self, query: str, answer: Answer) -> None:
        """Ask the providers' own search; what was asked before is of no interest any more."""
        if self._asking is not None:
            self._asking.cancel()
        self._asking = self._loop.create_task(ask(list(self.providers.values()), query, answer))

    def _served(self, address: str) -> frozenset[Stream]:
        """Return the streams that come over the provider's sockets or poller."""
        return self.providers[self.resolve(address).provider].capabilities.served

    def _tell_candles(self, address: str, seen: int) -> None:
        """Hand changed bars to the listeners; live ones wait for the past, so that it comes first."""
        asked = self._candles.get(address)
        market = self.markets.get(address)
        if asked is None or not isinstance(market, Market):
            return
        backfill = self._backfills.get(market.instrument.provider)
        if backfill is not None and not backfill.is_settled(address):
            return
        market.fold()
        interval, version = asked
        version, bars = market.candles.changed(interval, version)
        if bars:
            self._candles[address] = (interval, version)
            for listener in self._listeners:
                listener([msgspec.structs.replace(bar, seen=seen) for bar in bars])

    def bars(self, count: int) -> dict[str, list[Candle]]:
        """Return the newest closed bars of a minute of every market that has some."""
        found = {}
        for address, market in self.markets.items():
            if isinstance(market, Market):
                market.fold()
                found[address] = [bar for bar in market.candles.candles("1m", count) if bar.closed]
        return found

    def resolve(self, address: str) -> Instrument:
        """Return the instrument of an address. Raise AddressError."""
        found = self._instruments.get(address)
        if found is None:
            parsed = parse_address(address)
            provider = self.providers.get(parsed.provider)
            if provider is None:
                raise AddressError(f"address {address}: there is no provider {parsed.provider!r}")
            found = provider.resolve(parsed)
            self._instruments[found.address] = found
        return found

    def _market(self, address: str, *, full: bool = False) -> Market | Quote:
        market = self.markets.get(address)
        if market is None or (full and isinstance(market, Quote)):
            room = sum(isinstance(one, Market) for one in self.markets.values()) < FULL_TIER
            instrument = self.resolve(address)
            provider = self.providers[instrument.provider]
            market = new_market(provider, instrument) if full or room else new_quote(provider, instrument)
            self.markets[address] = market
            if self.warmth is not None:
                self.warmth.begin(market, self.clock.wall())
        return market

    def _replan(self, delay: float = 0.0) -> None:
        if self._closed or self._held is not None:
            return
        if self._replan_handle is not None:
            self._replan_handle.cancel()
        self._replan_handle = self._loop.call_later(delay, self._plan)

    def _release(self) -> None:
        """Open connections from now on."""
        if self._held is not None:
            self._held.cancel()
            self._held = None
            self._replan()

    def _plan(self) -> None:
        self._replan_handle = None
        self._relearn()
        for name, wants in self.links.plan(self.wishes.wants()).items():
            backfill = self._backfill(self.providers[name])
            for want in wants if backfill is not None else ():
                if want.stream == "trade" and isinstance(self.markets.get(want.address), Market):
                    assert backfill is not None
                    backfill.want(want.address)
        self.beat.touch()

    # What comes.

    def _deliver(self, connection: Connection | None, events: list[Event]) -> None:
        if connection is None and self._scribe is not None:
            self._scribe.polled(events)
        now = self.clock.mono()
        at, count = 0, len(events)
        while at < count:
            first = events[at]
            kind, address, end = type(first), first.address, at + 1
            while end < count and type(events[end]) is kind and events[end].address == address:
                end += 1
            run = events if end - at == count else events[at:end]
            if kind is Balance or kind is Order:
                self._tell_account(address.partition(":")[0], run, now)
                at = end
                continue
            health = self.links.streams.get((address, STREAM_OF[kind]))
            if health is not None:
                if health.last_at is None and kind is Trade:
                    self._joined(address, first)
                health.last_at, health.refused = now, None
                if health.lost_at is not None:
                    self._flows_again(address, STREAM_OF[kind], health, first.seen, connection)
            if self.links.is_preparing and type(first) is Trade:
                self.links.hints[address] = first.price
            market = self.markets.get(address)
            if market is not None:
                market.apply(run)
            if kind is Trade and self.warmth is not None:
                self.warmth.keep_trades(address, cast(Sequence[Trade], run))
            if address in self.pairs.of:
                self.pairs.take(address, run)
            if address in self.alerts.of:
                self.alerts.take(address, run, now, first.seen)
            at = end
            if address in self._candles:
                self._tell_candles(address, run[-1].seen)
        if connection is not None:
            self.links.delayed(connection, events)
        if connection is None:
            # Polled bars keep the market's own true; who listens hears of those.
            events = [one for one in events if type(one) is not Candle or self._listens(one.address)]
        if self._sources and (unasked := self._sources - self._listened):
            events = [one for one in events if (one.address, STREAM_OF[type(one)]) not in unasked]
        if events:
            for listener in self._listeners:
                listener(events)
        self.beat.touch()

    def _listens(self, address: str) -> bool:
        """Whether the provider's own bars of an address are listened to."""
        return (address, "candle") in self._listened

    def _tell_account(self, teller: str, run: Sequence[Event], now: float) -> None:
        """Take balances or orders in; their health is that of the account, whichever symbol it is of."""
        for (address, stream), health in self.links.streams.items():
            if stream in ("balance", "order") and address.partition(":")[0] == teller:
                health.last_at, health.lost_at = now, None
        self.accounts.apply(teller, run)

    def _link_changed(self, connection: Connection) -> None:
        lost = connection.health.phase in ("waiting", "refused") and connection.health.opened_once
        for key, health in self.links.served_by(connection):
            if lost and health.last_at is not None and health.lost_at is None:
                health.lost_at = connection.changed_at
                market = self.markets.get(key[0])
                if isinstance(market, Market) and key[1] == market.candles.source:
                    market.interrupted()
            for refusal in connection.refusals:
                if key[0] in refusal.addresses and (not refusal.streams or key[1] in refusal.streams):
                    health.refused = refusal.detail
        self.beat.touch(urgent=True)
        if self._listeners:
            self._tell_states(again=False)

    def _joined(self, address: str, first: Event) -> None:
        backfill = self._backfills.get(self._instruments[address].provider)
        if backfill is not None:
            backfill.subscribed(address, first.seen)
        market = self.markets.get(address)
        if isinstance(market, Market) and first.ts is not None:
            market.tape.rejoin(first.ts)

    def _flows_again(
        self, address: str, stream: Stream, health: StreamHealth, seen: int, connection: Connection | None
    ) -> None:
        """A stream that was lost flows again: what came between may be missing, unless its codec knows."""
        lost_at, health.lost_at = health.lost_at, None
        codec: object = None if connection is None else connection.codec
        if connection is not None and isinstance(codec, Bridging) and codec.is_bridged():
            market = self.markets.get(address)
            if isinstance(market, Market):
                market.candles.bridged()
            # It may have told that nothing traded meanwhile, and then no trade will say that it is back.
            for beside in connection.link.wants:
                companion = self.links.streams.get((beside.address, beside.stream))
                if companion is not None and beside.address == address:
                    companion.lost_at = None
            return
        if stream not in ("trade", "trade_agg") or lost_at is None:
            return  # a book or a snapshot is whole again with its first message
        if health.gap_since is None:
            health.gap_since = lost_at
        backfill = self._backfills.get(self._instruments[address].provider)
        if backfill is not None:
            backfill.subscribed(address, seen)
            backfill.gap(address)
        self._tell_gap(address, lost_at, seen)

    # What is told.

    def shown(self, address: str, stream: Stream) -> Shown:
        """Return the state of one stream of one instrument now."""
        return self.links.shown(address, stream)

    def state(self, address: str) -> tuple[State, str | None]:
        """Return the state of an address as a whole."""
        # A gap in the past is told once; it does not hide that data flows now.
        shown = [self.shown(*key) for key in self.links.streams if key[0] == address]
        state, detail = overall(shown)
        return ("live", None) if state == "gap" else (state, detail)

    def _tell_states(self, *, again: bool = True) -> None:
        """Hand changes of state to the listeners."""
        if again and not self._closed:
            self._status_handle = self._loop.call_later(STATUS_S, self._tell_states)
        seen = self.clock.wall()
        for address in sorted({address for address, _ in self._listened}):
            state = self.state(address)
            told = self._states.get(address)
            if told is not None and state[0] == told[0]:
                continue
            self._states[address] = state
            status = FeedStatus(address, None, seen, *state)
            if self._scribe is not None:
                self._scribe.status([status])
            for listener in self._listeners:
                listener([status])

    def _tick(self) -> None:
        """Let ages advance once a second, and forget gaps that no sum holds any more."""
        if self._closed:
            return
        self._tick_handle = self._loop.call_later(TICK_S, self._tick)
        since = self.vigil.missed()
        if since is not None:
            self._woke(since)
        self._kept_ago += 1
        if self.warmth is not None and self._kept_ago >= KEEP_TICKS:
            self._kept_ago = 0
            self.warmth.keep_bars()
        for (address, stream), health in self.links.streams.items():
            market = self.markets.get(address)
            if stream in ("trade", "trade_agg") and isinstance(market, Market) and market.trade_count:
                if health.lost_at is None:
                    health.gap_since = market.gap_since
                backfill = self._backfills.get(market.instrument.provider)
                health.partial = None if backfill is None else backfill.short.get(address)
            instrument = self.resolve(address)
            stand_in(self.providers[instrument.provider], instrument, stream, health)
        if self._scribe is not None:
            for name, provider in self.providers.items():
                self._scribe.learnt(name, provider)
        self._lines = self.links.lines()
        self.alerts.tick(self.clock.mono(), self.clock.wall())
        self.beat.touch()

    def _woke(self, since: int) -> None:
        """Mark the gap of a time in which the program stood still: links may outlive it, trades may not."""
        until = self.clock.wall()
        log.warning("mdterm did not run for %.0f s: trades may be missing", (until - since) / 1e9)
        for (address, stream), health in self.links.streams.items():
            if stream not in ("trade", "trade_agg") or health.last_at is None or health.lost_at is not None:
                continue
            market = self.markets.get(address)
            if isinstance(market, Market) and stream == market.candles.source:
                market.missed(since, until)
            health.gap_since = health.gap_since or since
            backfill = self._backfills.get(self._instruments[address].provider)
            if backfill is not None:
                backfill.gap(address)
            self._tell_gap(address, since, until)

    def _tell_gap(self, address: str, since: int, until: int) -> None:
        detail = f"trades may be missing from {since} to {until} (ns)"
        status = FeedStatus(address, None, until, "gap", detail)
        self._states[address] = ("gap", detail)
        for listener in self._listeners:
            listener([status])

    async def close(self) -> None:
        """Close every connection and end every task."""
        self._closed = True
        for handle in (self._held, self._replan_handle, self._tick_handle, self._status_handle):
            if handle is not None:
                handle.cancel()
        self.beat.close()
        if self.warmth is not None:
            await self.warmth.close()
        tasks = [*self._tasks, *([] if self._asking is None else [self._asking])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.links.close()
        for provider in self.providers.values():
            if provider.history is not None:
                await provider.history.close()
