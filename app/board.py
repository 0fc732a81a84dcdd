"""The board: the panels around one instrument, and what the keys do to them."""

from collections.abc import Collection, Mapping, Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from mdterm.app.chart_keys import ChartKeys
from mdterm.app.keymap import Keymap
from mdterm.app.ladder_keys import LadderKeys
from mdterm.app.tape_keys import TapeKeys
from mdterm.app.zones import LOCAL_ZONE, UTC_ZONE, Zone
from mdterm.feeds.address import Instrument
from mdterm.feeds.clock import Clock
from mdterm.feeds.frames import FrameSet, HeaderFrame, ViewSpec
from mdterm.feeds.port import Port
from mdterm.feeds.text import clean
from mdterm.widgets.account import Account
from mdterm.widgets.chart import Chart
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

LAYOUTS = {
    "trader": "ladder",
    "tape": "tape",
    "chart": "chart",
    "derivatives": "derivatives",
    "account": "account",
}
"""The layouts in the order of their key, each with its first panel; the stylesheet lays them out."""
DEFAULT_LAYOUT = "trader"


class BoardScreen(LadderKeys, TapeKeys, ChartKeys, inherit_bindings=False):
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
    ) -> None:
        super().__init__(id="board")
        self.port = port
        self.accounts = frozenset(accounts)
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
        self.chart = Chart()
        self.symbols = WatchStrip()
        self.status = StatusLine()
        self.at = 0
        self.before = 0
        self.groups = {}
        self._bound: dict[str, tuple[str, ViewSpec]] = {}
        self._zones = (zone, LOCAL_ZONE if zone == UTC_ZONE else UTC_ZONE)
        self.layout_name = layout
        self.add_class(f"-{layout}")

    @property
    def instrument(self) -> Instrument:
        """The instrument that is shown."""
        return self.instruments[self.at]

    @property
    def panels(self) -> tuple[Panel, ...]:
        """The panels in the order of Tab."""
        return (self.watchlist, self.account, self.derivatives, self.ladder, self.tape, self.chart)

    @property
    def views(self) -> dict[str, View]:
        """What shows frames, by the name it is bound under."""
        return {view.name_of_view: view for view in (self.header, *self.panels, self.symbols)}

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
        yield self.symbols
        yield self.status

    def on_mount(self) -> None:
        """Name everything that is known before any data."""
        self._name_list()
        self._tell_zone()
        self.status.set_hints(self.keymap.hints())
        self._name_instrument()
        # Whatever changed the panels' sizes, be it the terminal or a layout: they want other rows now.
        self.screen_layout_refresh_signal.subscribe(self, lambda _: self.bind_views())

    def _name_list(self) -> None:
        self.symbols.set_symbols([one.symbol for one in self.instruments])
        self.watchlist.expect(len(self.instruments))

    def _name_instrument(self) -> None:
        one = self.instrument
        self.header.switch(one.symbol, one.venue)
        self.set_class(one.provider in self.accounts, "-with-account")
        self.symbols.select(self.at)
        self.watchlist.select(self.at)
        self.status.switch(simulated=one.simulated)

    # Feed → screen

    def show(self, frames: FrameSet) -> None:
        """Hand frames to the panels. What was made for another instrument comes too late and is dropped."""
        address, views = self.instrument.address, self.views
        for name, panel in frames.panels.items():
            view = views.get(name)
            made_for = getattr(panel.frame, "address", panel.address)
            if view is None or made_for not in (None, address):
                continue
            view.show(panel, frames.made, frames.wall)
            if isinstance(panel.frame, HeaderFrame):
                self.status.count(panel.frame.trades)
        self.symbols.set_links(frames.links)
        self.connections.set_links(frames.links, frames.made)

    def take_repainted(self) -> list[Line]:
        """Return the lines whose rows have changed since this was last asked."""
        lines = [one for one in (*self.views.values(), self.connections, self.status) if one.is_repainted]
        for line in lines:
            line.is_repainted = False
        return lines

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
        for view in self.views.values():
            view.repaint()

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
            if not _is_displayed(view):
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
            self._show_shown()

    def _show_shown(self) -> None:
        now = self.clock.mono()
        for view in self.views.values():
            view.clear(now)
        self.ladder.group = self.groups.get(self.instrument.address, 1)
        self._name_instrument()
        self.bind_views()

    def add_instrument(self, instrument: Instrument) -> None:
        """Show an instrument; one that is not on the watchlist comes to its end."""
        addresses = [one.address for one in self.instruments]
        if instrument.address not in addresses:
            self._rewatch((*self.instruments, instrument))
            addresses.append(instrument.address)
        self.action_show_instrument(addresses.index(instrument.address))

    def action_unwatch(self) -> None:
        """Take the shown instrument off the watchlist, unless it is the last one."""
        if len(self.instruments) > 1:
            gone = self.at
            kept = [at for at in range(len(self.instruments)) if at != gone]
            self.before = kept.index(self.before) if self.before != gone else 0
            self.at = min(gone, len(kept) - 1)
            self._rewatch([self.instruments[at] for at in kept])
            self._show_shown()

    def _rewatch(self, instruments: Sequence[Instrument]) -> None:
        self.instruments = tuple(instruments)
        self.port.watch(self.instruments)
        self._name_list()

    def reasons(self) -> list[str]:
        """Return why panels are as they are, for those of which there is something to say."""
        told = [(view.NAME, view.current()) for view in self.panels if _is_displayed(view)]
        told += [(link.key, link.shown) for link in self.connections.links]
        cautions = {view.caution for view in self.panels if _is_displayed(view)} - {None}
        notes = [f"{one.badge}: {clean(one.words)}" for one in cautions if one is not None]
        notes += [f"{link.key}: {clean(link.note)}" for link in self.connections.links if link.note]
        return sorted(notes) + [
            f"{name} {format_state(shown, offset_ns=self.header.offset_ns)}: {format_reason(shown)}"
            for name, shown in told
            if format_reason(shown)
        ]

    def on_watchlist_selected(self, message: Watchlist.Selected) -> None:
        """Show the instrument that was chosen in the watchlist."""
        self.action_show_instrument(message.index)

    def on_watch_strip_chosen(self, message: WatchStrip.Chosen) -> None:
        """Show the symbol that was clicked."""
        self.action_show_instrument(message.index)

    def keep(self) -> dict[str, dict[str, Kept]]:
        """Return what the panels shall be like at the next start, by their names."""
        return {panel.name_of_view: panel.keep() for panel in self.panels}

    def restore(self, kept: Mapping[str, Mapping[str, Kept]]) -> None:
        """Have the panels as they were; called before they are painted."""
        for panel in self.panels:
            panel.restore(kept.get(panel.name_of_view, {}))

    def is_bound(self, name: str) -> bool:
        """Return whether a panel is bound to the feed now."""
        return name in self._bound

    # Actions: their names are the ids of the keymap; the panels' own are in the modules beside

    def action_show_symbol(self, number: int) -> None:
        """Show the instrument behind a digit."""
        self.action_show_instrument(number - 1)

    def action_previous_symbol(self) -> None:
        """Show the instrument before, around the end."""
        self.action_show_instrument((self.at - 1) % len(self.instruments))

    def action_next_symbol(self) -> None:
        """Show the instrument after, around the end."""
        self.action_show_instrument((self.at + 1) % len(self.instruments))

    def action_last_symbol(self) -> None:
        """Show the instrument that was shown before this one."""
        self.action_show_instrument(self.before)

    def action_scroll_up(self) -> None:
        """Show higher prices, or move the watchlist's cursor up."""
        self._scroll(1)

    def action_scroll_down(self) -> None:
        """Show lower prices, or move the watchlist's cursor down."""
        self._scroll(-1)

    def _scroll(self, rows: int) -> None:
        if self.watchlist.has_focus:
            self.watchlist.move_cursor(-rows)
        else:
            self.ladder.scroll_rows(rows)

    def action_choose(self) -> None:
        """Show the instrument under the watchlist's cursor."""
        if self.watchlist.has_focus:
            self.watchlist.choose()

    def action_next_panel(self) -> None:
        """Give the keys to the next panel."""
        self.focus_next(Panel)

    def action_next_layout(self) -> None:
        """Show the next layout, all its panels."""
        names = list(LAYOUTS)
        self.show_layout(names[(names.index(self.layout_name) + 1) % len(names)])

    def show_layout(self, name: str) -> None:
        """Show a layout; the keys go to its first panel."""
        self._maximise(None)
        self.remove_class(*(f"-{one}" for one in LAYOUTS))
        self.add_class(f"-{name}")
        self.layout_name = name
        self.call_after_refresh(self._focus_first)

    def _focus_first(self) -> None:
        if self.focused is None or not _is_displayed(self.focused):
            self.query_one(f"#{LAYOUTS[self.layout_name]}", Panel).focus()

    def action_maximise(self) -> None:
        """Give the focused panel the room of all, or take it back."""
        focused = self.focused if isinstance(self.focused, Panel) else self.ladder
        self._maximise(None if self.has_class("-maximised") else focused)

    def _maximise(self, chosen: Panel | None) -> None:
        self.set_class(chosen is not None, "-maximised")
        around = () if chosen is None else chosen.ancestors_with_self
        for node in self.query("#panels, #panels *"):
            node.set_class(node in around, "-held")

    def action_back(self) -> None:
        """Give every panel its room again; show the newest bars, none marked."""
        self._maximise(None)
        self.chart.follow()


def _is_displayed(widget: Widget) -> bool:
    """Return whether a widget has a place on the screen: it and all around it are displayed."""
    return all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))
