"""The board: the panels around one instrument, and what the keys do to them."""

from collections.abc import Callable, Collection, Mapping, Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from mdterm.app.account_keys import AccountKeys
from mdterm.app.chart_keys import ChartKeys
from mdterm.app.keymap import Keymap
from mdterm.app.ladder_keys import LadderKeys
from mdterm.app.layout_keys import DEFAULT_LAYOUT, LayoutKeys, is_displayed
from mdterm.app.replay_keys import ReplayKeys, has_arrived
from mdterm.app.roster import Roster
from mdterm.app.tape_keys import TapeKeys
from mdterm.app.watch_keys import WatchKeys
from mdterm.app.zones import LOCAL_ZONE, UTC_ZONE, Zone
from mdterm.feeds.address import Instrument
from mdterm.feeds.clock import Clock
from mdterm.feeds.frames import FrameSet, HeaderFrame
from mdterm.feeds.port import Port
from mdterm.feeds.specs import ViewSpec
from mdterm.feeds.text import clean
from mdterm.widgets.account import Account
from mdterm.widgets.candles import ASCII, BOXES
from mdterm.widgets.chart import Chart
from mdterm.widgets.compare import Compare
from mdterm.widgets.connections import Connections
from mdterm.widgets.derivatives import Derivatives
from mdterm.widgets.header import Header
from mdterm.widgets.ladder import Ladder
from mdterm.widgets.panel import Kept, Line, Panel, View
from mdterm.widgets.state import format_reason, format_state
from mdterm.widgets.status import StatusLine
from mdterm.widgets.tape import Tape
from mdterm.widgets.watch import WatchStrip
from mdterm.widgets.watchlist import Watchlist

ALONE_BREAKPOINTS = [(0, "-flat"), (5, "-low"), (16, "-short"), (22, "-high"), (34, "-tall")]
"""Heights of a panel that stands alone: in the least of them even its header has no room."""


class BoardScreen(
    LayoutKeys, WatchKeys, LadderKeys, TapeKeys, ChartKeys, AccountKeys, ReplayKeys, inherit_bindings=False
):
    """Header, panels, symbols and status line; binds the panels to the instrument that is shown."""

    AUTO_FOCUS = "#ladder"
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (54, "-narrow"), (76, "-normal"), (112, "-wide"), (160, "-ultra")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-short"), (22, "-high"), (34, "-tall")]  # noqa: RUF012

    def __init__(
        self,
        port: Port,
        instruments: Sequence[Instrument],
        clock: Clock,
        keymap: Keymap,
        layout: str = DEFAULT_LAYOUT,
        zone: Zone = UTC_ZONE,
        accounts: Collection[str] = (),
        roster: Roster | None = None,
        is_ascii: bool = False,
        alone: str | None = None,
    ) -> None:
        """``alone`` names the one panel that stands on the screen, under the header where that has room."""
        super().__init__(id="board")
        self.port = port
        self.told: Callable[[str], None] = lambda address: None
        """Told the address of what is shown, when somebody here has chosen it."""
        self.accounts = set(accounts)
        """The providers that tell of an account."""
        self.instruments = tuple(instruments)
        self.clock = clock
        self.keymap = keymap
        self.header = Header()
        self.watchlist = Watchlist()
        self.connections = Connections()
        self.account = Account()
        self.derivatives = Derivatives()
        self.ladder = Ladder()
        self.tape = Tape()
        self.chart = Chart(glyphs=ASCII if is_ascii else BOXES)
        self.compare = Compare()
        self.hidden = {}
        self.symbols = WatchStrip()
        self.status = StatusLine()
        self.roster = roster or Roster()
        self.group = None
        self.at = 0
        self.before = 0
        self.groups = {}
        self._bound: dict[str, tuple[str, ViewSpec]] = {}
        self._over: list[View] = []
        self._zones = (zone, LOCAL_ZONE if zone == UTC_ZONE else UTC_ZONE)
        self.layout_name = layout
        self.add_class(f"-{layout}")
        if alone is not None:
            self.alone = next(one for one in (self.header, self.connections, *self.panels) if one.id == alone)
            self.VERTICAL_BREAKPOINTS = ALONE_BREAKPOINTS
            self.add_class("-alone", f"-alone-{alone}")

    @property
    def instrument(self) -> Instrument:
        """The instrument that is shown."""
        return self.instruments[self.at]

    @property
    def zone(self) -> Zone:
        """The zone that times are told in."""
        return self._zones[0]

    @property
    def panels(self) -> tuple[Panel, ...]:
        """The panels in the order of Tab."""
        return (
            self.watchlist,
            self.account,
            self.derivatives,
            self.ladder,
            self.tape,
            self.chart,
            self.compare,
        )

    @property
    def views(self) -> dict[str, View]:
        """What shows frames, by the name it is bound under."""
        return {view.name_of_view: view for view in (self.header, *self.panels, self.symbols, *self._over)}

    def compose(self) -> ComposeResult:
        """Lay the board out; sizes are in the stylesheet."""
        yield self.header
        with Horizontal(id="panels"):
            with Vertical(id="side"):
                yield self.watchlist
                yield self.connections
                yield self.account
                yield self.derivatives
            with Vertical(id="main"):
                with Horizontal(id="upper"):
                    yield self.ladder
                    yield self.tape
                yield self.chart
            yield self.compare
        yield self.symbols
        yield self.status

    def on_mount(self) -> None:
        """Name everything that is known before any data."""
        self.name_list()
        if self.alone is not None:
            self.maximise(None)
            self.call_after_refresh(self.alone.focus)
        self.hide_panels()
        self._tell_zone()
        self.status.set_hints(self.keymap.hints())
        self._name_instrument()
        # Whatever changed the panels' sizes, be it the terminal or a layout: they want other rows now.
        self.screen_layout_refresh_signal.subscribe(self, lambda _: self.bind_views())

    def _name_instrument(self) -> None:
        one = self.instrument
        self.header.switch(one.symbol, one.venue)
        self.tape.address = one.address
        self.accounts |= {each.provider for each in self.instruments if each.has_account}
        self.set_class(any(each.provider in self.accounts for each in self.instruments), "-with-account")
        self.symbols.select(one.address)
        self.watchlist.select(one.address)
        self.status.switch(simulated=one.simulated)

    # Feed → screen

    def show(self, frames: FrameSet) -> None:
        """Hand frames to the panels. What was made for another instrument comes too late and is dropped."""
        address, views = self.instrument.address, self.views
        made = frames.made if frames.now is None else frames.now
        for name, panel in frames.panels.items():
            view = views.get(name)
            made_for = getattr(panel.frame, "address", panel.address)
            if view is None or made_for not in (None, address):
                continue
            view.show(panel, made, frames.wall)
            if isinstance(panel.frame, HeaderFrame):
                self.status.count(panel.frame.trades)
        self.symbols.set_links(frames.links, made)
        self.connections.set_links(frames.links, made)
        if has_arrived(self.status.replay, frames.replay):
            # What was shown on the way to this moment must not tell how wide it is painted.
            self.fit()
        self.status.tell_replay(frames.replay, self.header.offset_ns)

    def take_repainted(self) -> list[Line]:
        """Return the lines whose rows have changed since this was last asked."""
        lines = [one for one in (*self.views.values(), self.connections, self.status) if one.is_repainted]
        for line in lines:
            line.is_repainted = False
        return lines

    def rebind(self, clock: Clock) -> None:
        """Show what the port leads to now, on its own clock."""
        self.clock = clock
        self._bound.clear()
        self.show_shown()

    def replay_at(self) -> int:
        """Return the recorded time (ns) that is shown."""
        return self.clock.wall()

    def tick(self) -> None:
        """Let clock and ages advance."""
        now, wall = self.clock.mono(), self.clock.wall()
        self._tell_zone()
        for view in self.views.values():
            view.tick(now, wall)
        self.connections.tick(now)

    def _tell_zone(self) -> None:
        """Have every time told in the zone, as it is now: clocks are put back and forth."""
        offset_ns, self.header.zone = self._zones[0].at(self.clock.wall())
        for view in self.views.values():
            view.offset_ns = offset_ns

    def action_next_zone(self) -> None:
        """Tell times in the other zone."""
        self._zones = (self._zones[1], self._zones[0])
        self._tell_zone()
        self.repaint_views()

    def repaint_views(self) -> None:
        """Paint what is shown in other words or figures."""
        for view in self.views.values():
            view.repaint()

    def fit(self) -> None:
        """Choose widths and scales anew, as for what is there now."""
        for line in (*self.views.values(), self.connections):
            line.fit()
            line.repaint()

    def action_next_units(self) -> None:
        """Tell sizes in the quote currency, or in the base again."""
        self.in_quote = not self.in_quote
        for view in self.views.values():
            view.in_quote = self.in_quote
        self.bind_views()

    # Screen → feed

    def bind_views(self) -> None:
        """Tell the feed what each visible panel wants to see, as far as it does not know."""
        address = self.instrument.address
        for name, view in self.views.items():
            bound = self._bound.get(name)
            if not is_displayed(view):
                if bound is not None:
                    del self._bound[name]
                    self.port.unbind(name)
                continue
            spec = view.spec()
            if bound is None or bound[0] != address:
                self.port.bind(name, address, spec)
            elif bound[1] != spec:
                self.port.respec(name, spec)
            self._bound[name] = (address, spec)

    def action_show_instrument(self, index: int) -> None:
        """Show another instrument; the panels are empty until its first frame."""
        if index != self.at and 0 <= index < len(self.instruments):
            self.before, self.at = self.at, index
            self.show_shown()
            self.told(self.instrument.address)

    def follow(self, instrument: Instrument) -> None:
        """Show what somebody else has chosen."""
        told, self.told = self.told, lambda address: None
        self.add_instrument(instrument)
        self.told = told

    def show_shown(self) -> None:
        """Empty the panels for the instrument that is shown now, and bind them."""
        now = self.clock.mono()
        for view in self.views.values():
            view.clear(now)
        self.ladder.group = self.groups.get(self.instrument.address, 1)
        self._name_instrument()
        self.bind_views()

    def reasons(self) -> list[str]:
        """Return why panels are as they are, for those of which there is something to say."""
        told = [(view.NAME, view.current()) for view in self.panels if is_displayed(view)]
        told += [(link.key, link.shown) for link in self.connections.links]
        cautions = {view.caution for view in self.panels if is_displayed(view)} - {None}
        notes = [f"{one.badge}: {clean(one.words)}" for one in cautions if one is not None]
        notes += [f"{link.key}: {clean(link.note)}" for link in self.connections.links if link.note]
        return sorted(notes) + [
            f"{name} {format_state(shown, offset_ns=self.header.offset_ns)}: {format_reason(shown)}"
            for name, shown in told
            if format_reason(shown)
        ]

    def keep(self) -> dict[str, dict[str, Kept]]:
        """Return what the panels shall be like at the next start, by their names."""
        return {panel.name_of_view: panel.keep() for panel in self.panels}

    def restore(self, kept: Mapping[str, Mapping[str, Kept]]) -> None:
        """Have the panels as they were; called before they are painted."""
        for panel in self.panels:
            panel.restore(kept.get(panel.name_of_view, {}))

    def lay_over(self, view: View) -> None:
        """Have a view over the board shown frames too."""
        view.offset_ns = self.header.offset_ns
        self._over.append(view)
        self.bind_views()

    def take_off(self, view: View) -> None:
        """Let a view over the board go."""
        self._over.remove(view)
        if self._bound.pop(view.name_of_view, None) is not None:
            self.port.unbind(view.name_of_view)

    def begin_with(self, address: str | None) -> None:
        """Begin with an instrument of the list; one that is not on it changes nothing."""
        self.at = next((at for at, one in enumerate(self.instruments) if one.address == address), self.at)
        self.ladder.group = self.groups.get(self.instrument.address, 1)

    def is_bound(self, name: str) -> bool:
        """Return whether a panel is bound to the feed now."""
        return name in self._bound

    # Actions: their names are the ids of the keymap; the panels' own are in the modules beside

    def action_scroll_up(self) -> None:
        """Show higher prices, or move the watchlist's cursor up."""
        self._scroll(1)

    def action_scroll_down(self) -> None:
        """Show lower prices, or move the watchlist's cursor down."""
        self._scroll(-1)

    def _scroll(self, rows: int) -> None:
        if self.watchlist.has_focus:
            self.watchlist.move_cursor(-rows)
        elif self.tape.has_focus:
            self.scroll_tape(rows)
        else:
            self.ladder.move_cursor(rows)

    def action_choose(self) -> None:
        """Show the instrument under the watchlist's cursor."""
        if self.watchlist.has_focus:
            self.watchlist.choose()

    def action_next_panel(self) -> None:
        """Give the keys to the next panel."""
        self.focus_next(Panel)

    def action_back(self) -> None:
        """Give every panel its room again; show the newest bars, none marked, and all symbols."""
        self.maximise(None)
        if self.watchlist.words:
            self.watchlist.filter("")
        self.ladder.release()
        self.chart.follow()
