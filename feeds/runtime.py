"""The feed: connections, markets and panels on one event loop.

Everything here runs on the feed's loop. Events are counted and folded whether or not anything is drawn;
drawing is the beat's affair.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, cast

from mdterm.feeds import heap
from mdterm.feeds.accounts import Accounts
from mdterm.feeds.address import AddressError, Instrument, parse_address
from mdterm.feeds.alerts import Alerts
from mdterm.feeds.asking import Answer, ask
from mdterm.feeds.burst import Burst
from mdterm.feeds.clock import Clock, SystemClock
from mdterm.feeds.compare import Pairs
from mdterm.feeds.connection import Connection
from mdterm.feeds.contract import Bridging, Cautious, OneInterval, Provider
from mdterm.feeds.events import STREAM_OF, Balance, Candle, Event, FeedStatus, Order, State, Stream, Trade
from mdterm.feeds.frames import LinkLine
from mdterm.feeds.journal import Journal, NullJournal
from mdterm.feeds.journal_notes import Scribe
from mdterm.feeds.links import Links
from mdterm.feeds.listening import Listener, Listening, Listenings
from mdterm.feeds.listing import new_market, new_quote, stand_in
from mdterm.feeds.market import FULL_TIER, Market, Quote
from mdterm.feeds.one_screen import OneScreen
from mdterm.feeds.pasts import LivePasts, Pasts
from mdterm.feeds.seat import FOLLOW_S, Seat
from mdterm.feeds.seats import Seats
from mdterm.feeds.specs import ChartSpec, PlotSpec, ViewSpec
from mdterm.feeds.standing import standing
from mdterm.feeds.status import Caution, Shown, StreamHealth, overall
from mdterm.feeds.tenure import MOST_FULL, Tenure
from mdterm.feeds.view_watch import Days
from mdterm.feeds.vigil import Vigil
from mdterm.feeds.wishes import Wishes, visible_to, wants_of

if TYPE_CHECKING:
    from mdterm.feeds.store import Store
    from mdterm.feeds.warm import Warmth

log = logging.getLogger(__name__)

TICK_S = 1.0
STATUS_S = 0.25
SHED_S = 30.0
"""How often it is noted which markets nobody wants."""
KEEP_TICKS = 3
"""Every so many ticks the bars that changed are kept for the next start."""


class Feed(OneScreen):
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
        is_shared: bool = False,
    ) -> None:
        self.providers = dict(providers)
        self.clock: Clock = clock or SystemClock()
        self.markets: dict[str, Market | Quote] = {}
        self.days = Days()
        self.tenure = Tenure(self.markets)
        self._shed_at = float("-inf")
        self.lines: list[LinkLine] = []
        self.links = Links(
            self.providers,
            self.clock,
            journal,
            resolve=self.resolve,
            deliver=self._deliver,
            changed=self._link_changed,
            ready=self.replan,
            need_price=self._listen_for_price,
        )
        self.links.keeps_bars = lambda address: isinstance(self.markets.get(address), Market)
        self.alerts = Alerts()
        self.pairs = Pairs()
        self._instruments: dict[str, Instrument] = {}
        self.accounts = Accounts(accounts or {}, self.markets, self.caution)
        self.seats = Seats()
        self.listenings = Listenings(hear_only_their_own=is_shared)
        self._is_shared = is_shared
        self._standing = Wishes()
        """What is wanted whoever looks: accounts, and prices that subscriptions need."""
        self._tasks: list[asyncio.Task[None]] = []
        self._asking: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._replan_handle: asyncio.TimerHandle | None = None
        self._held: asyncio.TimerHandle | None = None
        """While it is set no connection is opened: the first paint goes first."""
        if held_s:
            self._held = self._loop.call_later(held_s, self.release)
        self._closed = False
        self.vigil = Vigil(SystemClock())
        self._tick_handle = self._loop.call_later(TICK_S, self._tick)
        self._status_handle: asyncio.TimerHandle | None = None
        self.warmth: Warmth | None = None
        self._kept_ago = 0
        self._heap_handle = self._loop.call_later(heap.EVERY_S, self._give_back)
        if store is not None:
            from mdterm.feeds import warm  # with it comes SQLite, which who keeps nothing need not load

            self.warmth = warm.Warmth(store, self.markets)
        self._scribe: Scribe | None = None
        if journal is not None and not isinstance(journal, NullJournal):
            self._scribe = Scribe(journal, self.clock)
            self._scribe.session(accounts or {})
            for one in self.providers.values():
                self._scribe.provider(one)
        self.pasts = self._new_pasts()
        self.alerts.raised = self.seats.raised
        self.seat = self.open_seat(period_s)
        """The place of this process's own screen."""

    def _new_pasts(self) -> Pasts:
        return LivePasts(
            self.markets,
            self.clock,
            lambda address: self.resolve(address).provider,
            visible=lambda: visible_to(self.users),
            merged=self._merged,
            scribe=self._scribe,
        )

    # Who uses it.

    def open_seat(self, period_s: float, *, follows: bool = True) -> Seat:
        """Return a place for one more screen.

        One that ``follows`` the last that left is told what passed since then.
        """
        seat = self._new_seat(period_s)
        self.seats.take(seat, follows=follows)
        return seat

    def _new_seat(self, period_s: float) -> Seat:
        return Seat(self, self.clock, period_s)

    def leave(self, seat: Seat, *, stays_warm: bool) -> None:
        """Let a screen go.

        Where it ``stays_warm`` what it watched and its alerts stay until another leaves so, and what passes
        from now on is summed for the next that takes a seat.
        """
        self.seats.leave(seat, stays_warm=stays_warm)
        self.set_rules()
        self.set_pairs()
        self.replan()

    @property
    def users(self) -> list[Wishes]:
        """What everybody wants."""
        listening = (one.wishes for one in self.listenings.all)
        return [*self.seats.wishes, *listening, self._standing, self.seats.left]

    def touch(self, *, urgent: bool = False) -> None:
        """Say that something on the screens may have changed."""
        self.seats.touch(urgent=urgent)

    # What is wanted.

    def watched(self, instruments: Sequence[Instrument]) -> None:
        """Have markets and accounts for the instruments of a watchlist."""
        for instrument in instruments:
            self._instruments[instrument.address] = instrument
            self.market(instrument.address)
            self.open_account(instrument)
        if self._scribe is not None:
            self._scribe.watch(instruments)

    def open_account(self, instrument: Instrument) -> None:
        """Have the account beside an instrument told."""
        self._standing.listen(self.accounts.open(instrument))

    def set_rules(self) -> None:
        """Look for what any screen set, or the one that left; what they need stays subscribed."""
        rules = self.seats.rules
        self.alerts.set_rules(rules, self.clock.mono())
        for rule in rules:
            self.market(rule.address)
        self._standing.keep(
            "alerts",
            ((rule.address, "book" if rule.kind == "spread" else "trade") for rule in self.alerts.watchers),
        )
        self.replan()

    def set_pairs(self) -> None:
        """Compare what any screen compares."""
        pairs = self.seats.pairs
        self.pairs.set_pairs(pairs)
        for address in {address for pair in pairs for address in pair}:
            self.market(address)
        streams: tuple[Stream, Stream] = ("trade", "book")
        self._standing.keep("pairs", ((one, stream) for one in self.pairs.of for stream in streams))
        self.replan()

    def listen(
        self, wants: Iterable[tuple[str, Stream]], listener: Listener, *, interval: str = "1m"
    ) -> Listening:
        """Hand every event on to ``listener`` as it comes, statuses included.

        State is kept only where candles are wanted: bars of ``interval``, the past first. Raise AddressError.
        """
        wants = list(wants)
        streams = {stream for _, stream in wants}
        new = self.listenings.new(listener)
        for address, stream in wants:
            if stream != "candle" or self._may_carry(address, interval):
                new.hear([(address, stream)], interval)
                if stream == "candle":
                    self._carry_interval(address, interval)
                continue
            # Bars are cut from exactly one counted source.
            source: Stream = "trade_agg" if "trade_agg" in streams and "trade" not in streams else "trade"
            instrument = self.resolve(address)
            provider = self.providers[instrument.provider]
            market = self.markets.get(address)
            if isinstance(market, Market):
                source = market.candles.source
            else:
                self.markets[address] = new_market(
                    provider, instrument, "trade_agg" if source == "trade_agg" else "trade"
                )
                self.tenure.count()
            new.cut(address, source, interval)
            self.pasts.want(provider, address, interval)
            self.pasts.want(provider, address)
        if self._scribe is not None:
            self._scribe.listen(wants, interval)
        if self._is_shared:
            self._tell_standing(new, wants)
        self.listenings.add(new)
        if self._status_handle is None:
            self._status_handle = self._loop.call_later(STATUS_S, self._tell_states)
        self.replan()
        return new

    def _tell_standing(self, listening: Listening, wants: Iterable[tuple[str, Stream]]) -> None:
        """Hand on what stands of streams that flow already: nobody knows when they bring it again."""
        seen = self.clock.wall()
        flowing = [
            key
            for key in wants
            if (health := self.links.streams.get(key)) is not None and health.last_at is not None
        ]
        if flowing:
            listening.tell_states(self._state_for_listener, seen)
        events = standing(flowing, self.markets, self.accounts.of, seen)
        if events:
            listening.listener(events)

    def unlisten(self, listening: Listening) -> None:
        """Hand nothing more on."""
        self.listenings.remove(listening)
        self.replan()

    def _listen_for_price(self, address: str) -> None:
        """Subscribe the trades of an instrument whose other streams cannot be asked without a price."""
        if "trade" in self._served(address):
            self.listenings.price((address, "trade"))
            self._standing.listen([(address, "trade")])
            self.replan()

    def _served(self, address: str) -> frozenset[Stream]:
        """Return the streams that come over the provider's sockets or poller."""
        return self.providers[self.resolve(address).provider].capabilities.served

    def caution(self, instrument: Instrument) -> Caution | None:
        """Return what its provider warns of, where it may have to."""
        provider = self.providers[instrument.provider]
        return provider.caution(instrument) if isinstance(provider, Cautious) else None

    def _relearn(self) -> None:
        """Take over the price steps that providers have been told meanwhile."""
        for address, market in self.markets.items():
            known = market.instrument
            if known.tick is None:
                told = self.providers[known.provider].resolve(parse_address(address))
                market.instrument = self._instruments[address] = told

    def _may_carry(self, address: str, interval: str) -> bool:
        """Return whether a socket brings bars of an interval, or can without taking others from somebody."""
        if "candle" not in self._served(address):
            return False
        provider = self.providers[self.resolve(address).provider]
        return not isinstance(provider, OneInterval) or self.listenings.interval_of(address) in (
            None,
            interval,
        )

    def _carry_interval(self, address: str, interval: str) -> None:
        """Have a socket carry bars of an interval; what it does not serve is cut from trades, as ever."""
        provider = self.providers[self.resolve(address).provider]
        if isinstance(provider, OneInterval) and self._may_carry(address, interval):
            with contextlib.suppress(ValueError):
                provider.set_interval(address, interval)
                self.replan(FOLLOW_S)

    def want_interval(self, address: str, spec: ViewSpec) -> None:
        """Fetch the past of an interval that the provider serves ready-made, or have its socket carry it."""
        if isinstance(spec, ChartSpec | PlotSpec):
            provider = self.providers[self._instruments[address].provider]
            self._carry_interval(address, spec.interval)
            self.pasts.want(provider, address, spec.interval)

    def _merged(self, address: str, seen: int) -> None:
        """The provider's bars came, or could not be had."""
        self._tell_candles(address, seen)
        self.touch()

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

    def market(self, address: str, *, full: bool = False) -> Market | Quote:
        market = self.markets.get(address)
        if market is None or (full and isinstance(market, Quote)):
            instrument = self.resolve(address)
            provider = self.providers[instrument.provider]
            is_full = full or self._has_room()
            market = new_market(provider, instrument) if is_full else new_quote(provider, instrument)
            self.markets[address] = market
            self.tenure.full += is_full
            if self.tenure.is_due:
                self._shed(keep=address)
            self.seats.begin(address, market)
            if self.warmth is not None:
                self.warmth.begin(market, self.clock.wall())
        return market

    def _has_room(self) -> bool:
        """Whether one more full market has room; a feed of many screens lets go of an old one for it."""
        if not self._is_shared:
            return self.tenure.full < FULL_TIER
        if self.tenure.full >= MOST_FULL and self._shed_at < self.clock.mono() - TICK_S:
            self._shed(room=1)
        return self.tenure.full < MOST_FULL

    def _shed(self, *, room: int = 0, keep: str = "") -> None:
        """Let go of markets that nobody has wanted for long, where there are too many."""
        self._shed_at = self.clock.mono()
        wanted = {keep, *self.alerts.of, *self.pairs.of, *(want.address for want in wants_of(self.users))}
        for address in self.tenure.surplus(wanted, self._shed_at, room=room):
            log.info("%s: nobody wants it; it is let go", address)
            if self.warmth is not None:
                self.warmth.let_go(address)
            self.pasts.let_go(address)
            self.seats.let_go(address)
            del self.markets[address]
            self._instruments.pop(address, None)
            self.days.let_go(address)
            self.links.let_go(address)
        self.tenure.count()

    def replan(self, delay: float = 0.0) -> None:
        if self._closed or self._held is not None:
            return
        if self._replan_handle is not None:
            self._replan_handle.cancel()
        self._replan_handle = self._loop.call_later(delay, self._plan)

    def release(self) -> None:
        """Open connections from now on."""
        if self._held is not None:
            self._held.cancel()
            self._held = None
            self.replan()

    def _plan(self) -> None:
        self._replan_handle = None
        self._relearn()
        for name, wants in self.links.plan(wants_of(self.users)).items():
            for want in wants:
                if want.stream == "trade" and isinstance(self.markets.get(want.address), Market):
                    self.pasts.want(self.providers[name], want.address)
        self.touch()

    # What comes.

    def _deliver(self, connection: Connection | None, events: Sequence[Event]) -> None:
        if connection is None and self._scribe is not None:
            self._scribe.polled(events)
        now = self.clock.mono()
        if type(events) is Burst:
            self._take(Trade, events.address, events, now, connection)
        else:
            at, count = 0, len(events)
            while at < count:
                first = events[at]
                kind, address, end = type(first), first.address, at + 1
                while end < count and type(events[end]) is kind and events[end].address == address:
                    end += 1
                run = events if end - at == count else events[at:end]
                self._take(kind, address, run, now, connection)
                at = end
        if connection is not None:
            self.links.delayed(connection, events)
        self.listenings.take(events, is_polled=connection is None)
        self.touch()

    def _take(
        self,
        kind: type[Event],
        address: str,
        run: Sequence[Event],
        now: float,
        connection: Connection | None,
    ) -> None:
        """Take in events of one kind and one instrument."""
        if kind is Balance or kind is Order:
            self._tell_account(address.partition(":")[0], run, now)
            return
        links = self.links
        health = links.streams.get((address, STREAM_OF[kind]))
        if health is not None:
            if health.last_at is None and kind is Trade:
                self._joined(address, run[0])
            health.last_at, health.refused = now, None
            if health.lost_at is not None:
                self._flows_again(address, STREAM_OF[kind], health, run[0].seen, connection)
        if kind is Trade and links.is_preparing:
            links.hints[address] = cast(Trade, run[0]).price
        market = self.markets.get(address)
        if market is not None:
            market.apply(run)
        if kind is Trade and self.warmth is not None:
            self.warmth.keep_trades(address, cast(Sequence[Trade], run))
        if address in self.pairs.of:
            self.pairs.take(address, run)
        if address in self.alerts.of:
            self.alerts.take(address, run, now, run[0].seen)
        if self.listenings.cut_candles_of(address):
            self._tell_candles(address, run[-1].seen)

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
        self.touch(urgent=True)
        if self.listenings.all:
            self._tell_states(again=False)

    def _joined(self, address: str, first: Event) -> None:
        self.pasts.subscribed(address, first.seen)
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
        self.pasts.subscribed(address, seen)
        self.pasts.gap(address)
        self._tell_gap(address, lost_at, seen)

    # What is told.

    def shown(self, address: str, stream: Stream) -> Shown:
        """Return the state of one stream of one instrument now."""
        return self.links.shown(address, stream)

    def lost(self) -> dict[str, int]:
        """Return since when (wall, ns) the trades of some instruments are lost."""
        return {
            address: health.lost_at
            for (address, stream), health in self.links.streams.items()
            if stream == "trade" and health.lost_at is not None
        }

    def state(self, address: str, among: AbstractSet[Stream] | None = None) -> tuple[State, str | None]:
        """Return the state of an address as a whole, or of some of its streams."""
        # A gap in the past is told once; it does not hide that data flows now.
        shown = [
            self.shown(*key)
            for key in self.links.streams
            if key[0] == address and (among is None or key[1] in among)
        ]
        state, detail = overall(shown)
        return ("live", None) if state == "gap" else (state, detail)

    def _state_for_listener(self, address: str, among: AbstractSet[Stream]) -> tuple[State, str | None]:
        """Return the state of what one listens to; the other streams of a shared feed are not its own."""
        return self.state(address, among if self._is_shared else None)

    def _tell_candles(self, address: str, seen: int) -> None:
        """Hand changed bars to the listeners; live ones wait for the past, so that it comes first."""
        market = self.markets.get(address)
        if isinstance(market, Market) and self.pasts.is_settled(address):
            self.listenings.tell_candles(market, seen)

    def _tell_states(self, *, again: bool = True) -> None:
        """Hand changes of state to the listeners."""
        if again and not self._closed:
            self._status_handle = self._loop.call_later(STATUS_S, self._tell_states)
        told = self.listenings.tell_states(self._state_for_listener, self.clock.wall())
        if told and self._scribe is not None:
            self._scribe.status(told)

    def _tick(self) -> None:
        """Let ages advance once a second, and forget gaps that no sum holds any more."""
        if self._closed:
            return
        self._tick_handle = self._loop.call_later(TICK_S, self._tick)
        since = self.vigil.missed()
        if since is not None:
            self._woke(since)
        if self.tenure.is_due or self._shed_at < self.clock.mono() - SHED_S:
            self._shed()
        self._kept_ago += 1
        if self.warmth is not None and self._kept_ago >= KEEP_TICKS:
            self._kept_ago = 0
            self.warmth.keep_bars()
        for (address, stream), health in self.links.streams.items():
            market = self.markets.get(address)
            if stream in ("trade", "trade_agg") and isinstance(market, Market) and market.trade_count:
                if health.lost_at is None:
                    health.gap_since = market.gap_since
                health.partial = self.pasts.short(address)
            instrument = self.resolve(address)
            stand_in(self.providers[instrument.provider], instrument, stream, health)
        if self._scribe is not None:
            for name, provider in self.providers.items():
                self._scribe.learnt(name, provider)
        self.lines = self.links.lines()
        self.alerts.tick(self.clock.mono(), self.clock.wall())
        self.touch()

    def _give_back(self) -> None:
        """Give back the memory that was let go; beside the loop, which goes on meanwhile."""
        self._heap_handle = self._loop.call_later(heap.EVERY_S, self._give_back)
        self._loop.run_in_executor(None, heap.give_back)

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
            self.pasts.gap(address)
            self._tell_gap(address, since, until)

    def missed(self, since: int) -> None:
        """Mark that whoever looked was without a feed from ``since`` (wall, ns) until now."""
        until = self.clock.wall()
        for address, market in self.markets.items():
            if isinstance(market, Market) and since < until:
                market.missed(since, until)
                for stream in ("trade", "trade_agg"):
                    health = self.links.streams.get((address, stream))
                    if health is not None and health.gap_since is None:
                        health.gap_since = since
                self.pasts.gap(address)
        self.touch(urgent=True)

    def _tell_gap(self, address: str, since: int, until: int) -> None:
        self.seats.gap(address, since, until)
        detail = f"trades may be missing from {since} to {until} (ns)"
        status = FeedStatus(address, None, until, "gap", detail)
        self.listenings.tell_gap(status)

    async def close(self) -> None:
        """Close every connection and end every task."""
        self._closed = True
        timers = (self._held, self._replan_handle, self._tick_handle, self._status_handle, self._heap_handle)
        for handle in timers:
            if handle is not None:
                handle.cancel()
        self.seats.close()
        if self.warmth is not None:
            await self.warmth.close()
        tasks = [*self._tasks, *self.pasts.end(), *([] if self._asking is None else [self._asking])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.links.close()
        for provider in self.providers.values():
            if provider.history is not None:
                await provider.history.close()
