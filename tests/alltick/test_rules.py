"""No sequence of wishes and drops makes the client break a rule, lose a print or count one twice.

Two codecs of one token talk to two strict simulated sockets; time is a number, and every message takes up to
a tenth of a second on its way.
"""

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mdterm.feeds.alltick import facts
from mdterm.feeds.alltick.codes import family_of
from mdterm.feeds.alltick.feed import AllTick
from mdterm.feeds.contract import Link, Want
from mdterm.feeds.events import Stream, Trade
from mdterm.feeds.sim.alltick_session import Rules, Session, Token
from mdterm.feeds.sim.market import VenueBook, VenueEvent, VenueTrade

NS = 1_000_000_000
EPOCH = 1_700_000_000
STOCKS = ("700.HK", "AAPL.US", "600519.SH", "9988.HK", "TSLA.US")
OTHERS = ("BTCUSDT", "GOLD", "EURUSD", "ETHUSDT", "USOIL")
LATENCY_S = 0.1
Make = Callable[..., AllTick]


class Market:
    """Every code prints now and then; the last print is remembered."""

    def __init__(self, codes: tuple[str, ...]) -> None:
        self.codes = codes
        self.last: dict[str, VenueTrade] = {}
        self._number = 0

    def knows(self, code: str, family: facts.Family) -> bool:
        return code in self.codes and family_of(code) == family

    def newest(self, code: str, kind: type[VenueEvent], *, by_hours: bool) -> VenueEvent | None:
        return self.last.get(code) if kind is VenueTrade else None

    def early(self, code: str, kind: type[VenueEvent]) -> list[VenueEvent]:
        return []

    def tick(self, code: str, now: float) -> list[VenueEvent]:
        """Let a code print and show a book."""
        self._number += 1
        ts = int((EPOCH + now) * NS)
        self.last[code] = trade = VenueTrade(code, ts, str(self._number), 10.0, 1.0, True)
        return [trade, VenueBook(code, ts, (9.0, float(self._number)), (11.0, 1.0))]


class Wire:
    """One link: the codec that stays, and the socket that comes and goes."""

    def __init__(self, world: "World", link: Link) -> None:
        self.codec = world.provider.codec(link)
        self.codec.want(link.wants)
        self.family: facts.Family = "stock" if link.key.endswith("stock") else "generic"
        self.session: Session | None = None
        self.dial_at: float | None = None
        self.next_due: float | None = None
        self.on_way: list[tuple[float, str]] = []


class World:
    """A client and a venue in one clock."""

    def __init__(self, provider: AllTick, seed: int, rules: Rules | None = None) -> None:
        self.provider = provider
        self.now = 0.0
        self.token = Token(provider.plan_facts)
        self.market = Market(STOCKS + OTHERS)
        self.wires: dict[str, Wire] = {}
        self.sent: Counter[tuple[str, int]] = Counter()
        self.got: Counter[tuple[str, int]] = Counter()
        self.opened = 0
        self.requests = 0
        self._rules = rules or Rules(plan=provider.plan_facts.name)
        self._dice = random.Random(seed)
        self._tick_at = 0.0
        self._traded: set[str] = set()

    def want(self, wants: list[tuple[int, str, Stream]]) -> None:
        """Change the wishes as the feed does."""
        self._traded = {code for _, code, stream in wants if stream == "trade"}
        wished = sorted(Want(rank, f"alltick:{code}", stream) for rank, code, stream in wants)
        links = {link.key: link for link in self.provider.plan(wished)}
        for key in self.wires.keys() - links.keys():
            self.drop(key)
            del self.wires[key]
        for key, link in links.items():
            wire = self.wires.get(key)
            if wire is None:
                wire = self.wires[key] = Wire(self, link)
                wire.dial_at = self.now
            else:
                wire.codec.want(link.wants)
                wire.next_due = self.now if wire.session else None

    def drop(self, key: str) -> None:
        """Cut a socket; it is dialled again after the provider's pause."""
        wire = self.wires[key]
        if wire.session is not None:
            wire.session.gone()
            wire.session, wire.on_way = None, []
            wire.dial_at = self.now + self.provider.backoff.floor

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while True:
            moments = [self._tick_at]
            for wire in self.wires.values():
                if wire.session is None:
                    moments += [wire.dial_at] if wire.dial_at is not None else []
                else:
                    moments += [wire.session.expires_at(), *(at for at, _ in wire.on_way[:1])]
                    moments += [wire.next_due] if wire.next_due is not None else []
            at = max(self.now, min(moments))
            if at > end:
                self.now = end
                return
            self.now = at
            for wire in list(self.wires.values()):
                self._step(wire)
            if self.now >= self._tick_at:
                self._tick_at += 0.4
                self._tick()

    def _step(self, wire: Wire) -> None:
        now = self.now
        if wire.session is None:
            if wire.dial_at is not None and now >= wire.dial_at:
                wait = self.provider.gate.connect_in(now)
                if wait > 0:
                    wire.dial_at = now + wait
                    return
                assert self.token.admit(wire.family, now) is None
                wire.session = Session(wire.family, self.token, self.market, self._rules, now)
                wire.codec.opened(now)
                wire.next_due = now
                self.opened += 1
            return
        if now >= wire.session.expires_at():
            wire.session.expire()
        while wire.on_way and wire.on_way[0][0] <= now:
            _, text = wire.on_way.pop(0)
            self._deliver(wire, wire.session.receive(text, now))
            wire.next_due = now
        assert wire.session.closes is None, self.token.violations
        if wire.next_due is not None and now >= wire.next_due:
            messages, wire.next_due = wire.codec.due(now)
            for message in messages:
                self.requests += json.loads(message)["cmd_id"] != facts.HEARTBEAT
                arrives = now + self._dice.uniform(0, LATENCY_S)
                wire.on_way.append((max(arrives, wire.on_way[-1][0] if wire.on_way else 0.0), message))

    def _tick(self) -> None:
        for code in self.market.codes:
            if self._dice.random() < 0.5:
                continue
            for event in self.market.tick(code, self.now):
                for wire in self.wires.values():
                    if wire.session is None:
                        continue
                    frames = wire.session.call(code, event)
                    if isinstance(event, VenueTrade) and frames and self._is_wanted(wire, code):
                        self.sent[code, int(event.id)] += 1
                    self._deliver(wire, frames)

    def _is_wanted(self, wire: Wire, code: str) -> bool:
        return family_of(code) == wire.family and code in self._traded

    def _deliver(self, wire: Wire, frames: list[str]) -> None:
        for frame in frames:
            for event in wire.codec.feed(frame.encode(), int((EPOCH + self.now) * NS)):
                if isinstance(event, Trade):
                    assert event.id is not None
                    self.got[event.address.partition(":")[2], int(event.id)] += 1

    def check(self) -> None:
        """Assert that nobody broke a rule, and that each print was counted once."""
        assert self.token.violations == []
        assert [key for key, count in self.got.items() if count > 1] == []
        assert self.sent.keys() - self.got.keys() == set()
        for wire in self.wires.values():
            assert wire.codec.bad_frames == 0
            assert wire.codec.verdicts == []


STREAMS: tuple[Stream, ...] = ("trade", "book")
WISH = st.tuples(st.integers(0, 1), st.sampled_from(STOCKS + OTHERS), st.sampled_from(STREAMS))
ACTION = st.one_of(
    st.lists(WISH, max_size=8, unique_by=lambda wish: wish[1:]),
    st.sampled_from(["drop stock", "drop generic"]),
)
STEPS = st.lists(st.tuples(st.floats(0.0, 9.0), ACTION), min_size=1, max_size=14)


@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS, seed=st.integers(0, 2**16), plan=st.sampled_from(["free", "basic", "professional"]))
def test_no_sequence_of_wishes_breaks_a_rule(make_provider: Make, steps: Any, seed: int, plan: str) -> None:
    provider = make_provider(plan)
    # The free plan has other codes; here only its paces matter.
    token_plan = facts.Plan(**{**_fields(provider.plan_facts), "name": "basic"})
    provider.plan_facts = token_plan
    world = World(provider, seed)
    world.token = Token(token_plan)
    wanted: list[tuple[int, str, Stream]] = []
    for pause, action in steps:
        if isinstance(action, str):
            key = f"alltick/{action.split()[1]}"
            if key in world.wires:
                world.drop(key)
        else:
            wanted = action
            world.want(wanted)
        world.run(pause)
    world.run(45.0)
    while any(wire.session is None for wire in world.wires.values()):
        world.run(5.0)  # a place that was reserved for a link that is no more stays reserved
        assert world.now < 400.0
    world.run(20.0)
    world.check()
    # In the end the venue has exactly what is wanted, within the plan.
    for wire in world.wires.values():
        assert wire.session is not None
        mine = [(rank, code, stream) for rank, code, stream in wanted if family_of(code) == wire.family]
        trades = {code for _, code, stream in mine if stream == "trade"}
        books = {code for _, code, stream in mine if stream == "book"}
        if len(trades) <= token_plan.codes and len(books) <= token_plan.codes:
            assert wire.session.trades == trades
            assert set(wire.session.books) == books


def _fields(plan: facts.Plan) -> dict[str, Any]:
    return {name: getattr(plan, name) for name in plan.__struct_fields__}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_thirty_minutes_of_edits_and_drops(make_provider: Make, seed: int) -> None:
    world = World(make_provider(), seed)
    dice = random.Random(f"edits {seed}")
    codes = list(STOCKS + OTHERS)
    world.want([(0, "700.HK", "trade"), (0, "700.HK", "book"), (1, "GOLD", "trade"), (1, "BTCUSDT", "trade")])
    while world.now < 1800:
        world.run(dice.expovariate(1 / 6.0))
        if dice.random() < 0.12 and world.wires:
            world.drop(dice.choice(sorted(world.wires)))
        else:
            watched = dice.sample(codes, dice.randint(1, len(codes)))
            visible = dice.choice(watched)
            world.want(
                [(0 if code == visible else 1, code, stream) for code in watched for stream in STREAMS]
            )
    world.run(30.0)
    world.check()
    assert world.opened > 20
    assert world.requests > 100
    assert sum(world.got.values()) > 5_000


def test_a_switch_of_the_visible_symbol_within_the_watchlist_says_nothing(make_provider: Make) -> None:
    world = World(make_provider(), 1)
    watched = ("700.HK", "GOLD", "BTCUSDT")

    def look_at(visible: str) -> None:
        world.want([(int(code != visible), code, stream) for code in watched for stream in STREAMS])

    look_at("700.HK")
    world.run(20.0)
    before = world.requests
    assert before == 4
    for _ in range(20):
        for code in watched:
            look_at(code)
            world.run(0.2)
    world.run(20.0)
    assert world.requests == before
    world.check()


def test_the_visible_family_is_served_first(make_provider: Make) -> None:
    for visible in ("700.HK", "GOLD"):
        world = World(make_provider(), 1)
        world.want([(int(code != visible), code, "trade") for code in ("700.HK", "GOLD")])
        world.run(0.5)
        served = {code for wire in world.wires.values() if wire.session for code in wire.session.trades}
        assert served == {visible}
        world.run(5.0)
        world.check()


def test_the_visible_family_goes_first_when_both_have_something_to_say(make_provider: Make) -> None:
    world = World(make_provider(), 1)
    world.want([(1, "700.HK", "trade"), (1, "GOLD", "trade")])
    world.run(30.0)
    before = world.now
    wished: list[tuple[int, str, Stream]] = [
        (1, "700.HK", "trade"),
        (1, "GOLD", "trade"),
        (1, "AAPL.US", "trade"),
    ]
    world.want([*wished, (0, "EURUSD", "trade")])
    world.run(1.0)
    generic = world.wires["alltick/generic"].session
    stock = world.wires["alltick/stock"].session
    assert generic is not None
    assert stock is not None
    assert "EURUSD" in generic.trades
    assert "AAPL.US" not in stock.trades
    world.run(before + 6.0 - world.now)
    assert "AAPL.US" in stock.trades
    world.check()


def test_a_venue_that_serves_the_rest_of_a_bad_request_is_got_on_with(make_provider: Make) -> None:
    world = World(make_provider(), 1, Rules(bad_codes="partial"))
    world.want([(0, "700.HK", "trade"), (1, "1.HK", "trade"), (1, "AAPL.US", "trade")])
    world.run(10.0)
    assert world.wires["alltick/stock"].session is not None
    assert world.wires["alltick/stock"].session.trades == {"700.HK", "AAPL.US"}
    assert world.token.violations == []
