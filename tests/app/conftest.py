"""A feed that says what a test tells it to, and frames of a market that stands still."""

from collections.abc import Sequence

import pytest

from mdterm.feeds.address import Instrument
from mdterm.feeds.alerts import Rule
from mdterm.feeds.frames import (
    Frame,
    FrameSet,
    HeaderFrame,
    LadderFrame,
    LinkLine,
    PanelFrame,
    PlotFrame,
    ReplayLine,
    TapeFrame,
    TapeRow,
)
from mdterm.feeds.frames_away import AwaySpec
from mdterm.feeds.port import Post
from mdterm.feeds.specs import (
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
from mdterm.feeds.status import Shown
from tests.app.standing import (
    LIVE,
    WALL,
    make_account,
    make_away,
    make_chart,
    make_derivatives,
    make_pairs,
    make_quotes,
)


class FixedClock:
    """Time stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def wall(self) -> int:
        return WALL + round((self.now - 1000.0) * 1e9)

    def mono(self) -> float:
        return self.now


class FakePort:
    """A port that remembers what was asked of it, and posts what ``push`` is given."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock = clock
        self.bound: dict[str, tuple[str, ViewSpec]] = {}
        self.acked: list[int] = []
        self.paces: list[float] = []
        self.repaints = 0
        self.absences: list[str] = []
        self.number = 0
        self.post: Post | None = None
        self.rules: tuple[Rule, ...] = ()
        self.raised: object = None
        self.link = LIVE
        """How the connection is."""
        self.replay: ReplayLine | None = None
        """Where a replay stands."""
        self.answers = True
        """Whether a binding is answered with a frame at once, as the feed does."""

    def connect(self, post: Post) -> None:
        self.post = post

    def heed(self, raised: object) -> None:
        self.raised = raised

    def alert(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)

    def watch(self, instruments: object) -> None:
        self.watched = instruments

    def bind(self, panel: str, address: str, spec: ViewSpec) -> None:
        self.bound[panel] = (address, spec)
        if self.answers:
            self.push(panel)

    def respec(self, panel: str, spec: ViewSpec) -> None:
        self.bind(panel, self.bound[panel][0], spec)

    def unbind(self, panel: str) -> None:
        del self.bound[panel]

    def left(self) -> None:
        self.absences.append("left")

    def returned(self) -> None:
        self.absences.append("returned")

    def ack(self, number: int) -> None:
        self.acked.append(number)

    def pace(self, period_s: float) -> None:
        self.paces.append(period_s)

    def repaint(self) -> None:
        self.repaints += 1
        self.push(*self.bound)

    def push(self, *panels: str, shown: Shown = LIVE, shift: int = 0) -> int:
        """Post a frame set of the standing market for some panels; ``shift`` moves its last print."""
        frames = {name: make_frame(*self.bound[name], shift=shift) for name in panels}
        return self.send({name: PanelFrame(shown, frame, True) for name, frame in frames.items()})

    def send(self, panels: dict[str, PanelFrame]) -> int:
        """Post a frame set; return its number."""
        assert self.post is not None
        self.number += 1
        link = LinkLine("sim/nonbook", "sim", self.link, 38.0, 412.0)
        now, wall = self.clock.mono(), self.clock.wall()
        self.post(FrameSet(self.number, now, wall, panels, [link], 38.0, replay=self.replay))
        return self.number


def make_frame(address: str, spec: ViewSpec, *, shift: int = 0) -> Frame:
    """Return a spec's view of the standing market: best bid 61722.3, best ask 61722.5, last 61722.4."""
    last = 617_224 + shift
    if isinstance(spec, HeaderSpec):
        symbol = address.rpartition(":")[2]
        return HeaderFrame(
            address=address,
            symbol=symbol,
            venue="sim",
            last=last / 10,
            direction=1,
            change=0.0042,
            high=61839.9,
            low=61590.3,
            vwap=61701.2,
            vwap_since=WALL,
            digits=1,
            trades=21_308 + shift,
        )
    if isinstance(spec, TapeSpec):
        return make_tape(address, spec, last)
    if isinstance(spec, ChartSpec):
        return make_chart(address=address, interval=spec.interval, offset=spec.offset, last_price=last / 10)
    if isinstance(spec, PlotSpec):
        return PlotFrame(address, spec.plot, spec.interval, [], 1, 3, 0)
    if isinstance(spec, DerivativesSpec):
        return make_derivatives(address=address)
    if isinstance(spec, AccountSpec):
        return make_account()
    if isinstance(spec, WatchSpec):
        return make_quotes(spec)
    if isinstance(spec, CompareSpec):
        return make_pairs()
    if isinstance(spec, AwaySpec):
        return make_away(spec)
    assert isinstance(spec, LadderSpec)
    return make_ladder(address, spec, last)


def make_tape(address: str, spec: TapeSpec, last: int) -> TapeFrame:
    """Return a tape whose prints are 41 ms apart."""
    rows = [
        TapeRow(
            ts=WALL - i * 41_000_000,
            price=(last + i * 7 % 5 - 2) / 10 if i else last / 10,
            size=round(0.145 * (i * 13 % 17 + 1), 3),
            side=("buy", "sell", "buy", None)[i % 4],
            count=3 if i % 6 == 2 else 1,
        )
        for i in range(spec.rows)
    ]
    return TapeFrame(
        address=address,
        rows=rows,
        digits=1,
        size_digits=3,
        trades=21_308,
        newest=4_000,
        waiting=38 if spec.hold is not None else 0,
        pace=23.4,
        cvd=12.41,
        since=WALL - 600_000_000_000,
        unreliable_since=None,
        min_size=spec.min_size,
        quote=spec.quote,
        join_ms=spec.join_ms,
        back=spec.back,
        biggest=None if spec.biggest_since is None else rows[0],
        median=0.034,
        largest=46.0,
        last_price=last / 10,
        min_in_quote=spec.min_in_quote,
    )


def make_ladder(address: str, spec: LadderSpec, last: int) -> LadderFrame:
    """Return a ladder with a size at every step but the last price's."""
    group = spec.group
    centre = last // group if spec.centre is None else spec.centre
    height = spec.rows + 2 * spec.margin
    top = centre + (spec.rows - 1) // 2 + spec.margin
    bids: list[float | None] = [0.0] * height
    asks: list[float | None] = [0.0] * height
    for i in range(height):
        row = top - i
        size = round(0.35 * (row * 31 % 29 + 1), 3)
        if row < 617_224 // group:
            bids[i] = size
        elif row > 617_224 // group:
            asks[i] = size
    return LadderFrame(
        address=address,
        step=round(0.1 * group, 10),
        digits=1,
        size_digits=3,
        top=top,
        centre=centre,
        band=max(2, spec.rows // 2 - 3),
        bids=bids,
        asks=asks,
        best_bid=617_224 // group - 1,
        best_ask=617_224 // group + 1,
        last=last // group,
        last_price=last / 10,
        direction=1,
        largest=10.15,
        group=group,
        bucketed=False,
        unit="base",
        spread=0.2,
        spread_bps=0.03,
        mid=61722.4,
        imbalance=0.084,
        imbalance_levels=10,
    )


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def port(clock: FixedClock) -> FakePort:
    return FakePort(clock)


@pytest.fixture
def instruments() -> list[Instrument]:
    return [
        Instrument(f"sim:{symbol}", "sim", "kiyotaka", symbol, tick=0.1, simulated=True)
        for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT")
    ]
