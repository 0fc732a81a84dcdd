"""The screens: the board with its panels, and the help over it."""

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen, Screen

from mdterm.app.keymap import GROUPS, Keymap, textual_key
from mdterm.feeds.address import Instrument
from mdterm.feeds.clock import Clock
from mdterm.feeds.port import Port
from mdterm.feeds.views import (
    GROUP_STEPS,
    FrameSet,
    HeaderFrame,
    HeaderSpec,
    LadderFrame,
    LadderSpec,
    PanelFrame,
    TapeFrame,
    TapeSpec,
)
from mdterm.widgets.ladder import Ladder
from mdterm.widgets.lines import Header, StatusLine, WatchStrip
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Line, Panel
from mdterm.widgets.rows import NO_STYLE, Part, Row, merge, spread
from mdterm.widgets.tape import Tape

_Bound = HeaderFrame | LadderFrame | TapeFrame
"""Frames of one instrument."""


class BoardScreen(Screen[None], inherit_bindings=False):
    """Header, panels, watchlist and status line; binds the panels to the instrument that is shown."""

    AUTO_FOCUS = "#ladder"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (76, "-normal"), (100, "-wide"), (160, "-ultra")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-high")]  # noqa: RUF012

    def __init__(self, port: Port, instruments: Sequence[Instrument], clock: Clock, keymap: Keymap) -> None:
        super().__init__(id="board")
        self.port = port
        self.instruments = tuple(instruments)
        self.clock = clock
        self.keymap = keymap
        self.header = Header()
        self.ladder = Ladder()
        self.tape = Tape()
        self.symbols = WatchStrip()
        self.status = StatusLine()
        self.at = 0
        self.before = 0
        self.groups: dict[str, int] = {}
        """Price grouping by address: each instrument keeps its own."""
        self._is_bound = False

    @property
    def instrument(self) -> Instrument:
        """The instrument that is shown."""
        return self.instruments[self.at]

    @property
    def panels(self) -> tuple[Panel, ...]:
        """The panels in the order of Tab."""
        return (self.ladder, self.tape)

    def compose(self) -> ComposeResult:
        """Lay the board out; sizes are in the stylesheet."""
        yield self.header
        with Horizontal(id="panels"):
            yield self.ladder
            yield self.tape
        yield self.symbols
        yield self.status

    def on_mount(self) -> None:
        """Name everything that is known before any data."""
        self.symbols.set_symbols([one.symbol for one in self.instruments])
        self.status.set_hints(self.keymap.hints())
        self.header.switch(self.instrument.symbol, self.instrument.venue)

    def on_resize(self, event: events.Resize) -> None:
        """Ask for as many rows as fit, once the panels know their size."""
        self.call_after_refresh(self.bind_panels)

    # Feed → screen

    def show(self, frames: FrameSet) -> None:
        """Hand frames to the panels. What was made for another instrument comes too late and is dropped."""
        for name, panel in frames.panels.items():
            if isinstance(panel.frame, _Bound) and panel.frame.address != self.instrument.address:
                continue
            self._show(name, panel, frames)
        self.symbols.set_links(frames.links)

    def _show(self, name: str, panel: PanelFrame, frames: FrameSet) -> None:
        if name == "header":
            self.header.show(panel, frames.wall)
            if isinstance(panel.frame, HeaderFrame):
                self.status.count(panel.frame.trades)
        elif name == "ladder" and self._is_wanted(panel):
            self.ladder.show(panel, frames.made, frames.wall)
        elif name == "tape":
            self.tape.show(panel, frames.made, frames.wall)

    def _is_wanted(self, panel: PanelFrame) -> bool:
        """Return whether a ladder frame has the grouping that was asked for last."""
        return not isinstance(panel.frame, LadderFrame) or panel.frame.group == self.group

    def tick(self) -> None:
        """Let clock and ages advance."""
        now, wall = self.clock.mono(), self.clock.wall()
        self.header.tick(wall)
        for panel in self.panels:
            panel.tick(now, wall)

    # Screen → feed

    @property
    def group(self) -> int:
        """Price steps in a row of the shown instrument's ladder."""
        return self.groups.get(self.instrument.address, 1)

    def ladder_spec(self, *, centre: int | None = None, frozen: bool = False) -> LadderSpec:
        """Return what the ladder wants to see."""
        return LadderSpec(rows=self.ladder.level_rows, group=self.group, centre=centre, frozen=frozen)

    def tape_spec(self) -> TapeSpec:
        """Return what the tape wants to see."""
        frame = self.tape.frame
        hold = frame.newest if self.tape.paused and isinstance(frame, TapeFrame) else None
        return TapeSpec(rows=self.tape.print_rows, hold=hold)

    def bind_panels(self) -> None:
        """Bind every panel, or tell the feed of another size."""
        frame = self.ladder.frame
        centre = frame.centre if isinstance(frame, LadderFrame) and frame.group == self.group else None
        ladder = self.ladder_spec(centre=centre, frozen=self.ladder.frozen)
        if self._is_bound:
            self.port.respec("ladder", ladder)
            self.port.respec("tape", self.tape_spec())
            return
        self._is_bound = True
        address = self.instrument.address
        self.port.bind("header", address, HeaderSpec())
        self.port.bind("ladder", address, ladder)
        self.port.bind("tape", address, self.tape_spec())

    def action_show_instrument(self, index: int) -> None:
        """Show another instrument; the panels are empty until its first frame."""
        if index == self.at or not 0 <= index < len(self.instruments):
            return
        self.before, self.at = self.at, index
        self.ladder.frozen = self.tape.paused = False
        self.ladder.offset_rows = 0
        now = self.clock.mono()
        for panel in self.panels:
            panel.clear(now)
        self.header.switch(self.instrument.symbol, self.instrument.venue)
        self.symbols.select(index)
        self.status.count(None)
        self._is_bound = False
        self.bind_panels()

    def on_watch_strip_chosen(self, message: WatchStrip.Chosen) -> None:
        """Show the symbol that was clicked."""
        self.action_show_instrument(message.index)

    # Actions: their names are the ids of the keymap

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

    def action_finer(self) -> None:
        """Group fewer steps in a row."""
        self._regroup(-1)

    def action_coarser(self) -> None:
        """Group more steps in a row."""
        self._regroup(1)

    def _regroup(self, by: int) -> None:
        at = GROUP_STEPS.index(self.group) + by
        if 0 <= at < len(GROUP_STEPS):
            self.groups[self.instrument.address] = GROUP_STEPS[at]
            self.ladder.frozen, self.ladder.offset_rows = False, 0
            self.port.respec("ladder", self.ladder_spec())

    def action_centre(self) -> None:
        """Centre the ladder and let it follow."""
        self.ladder.frozen = False
        self.ladder.centre()
        self.port.respec("ladder", self.ladder_spec())

    def action_freeze(self) -> None:
        """Hold the ladder where it is, or let it go."""
        frame = self.ladder.frame
        if isinstance(frame, LadderFrame):
            self.ladder.frozen = not self.ladder.frozen
            self.port.respec("ladder", self.ladder_spec(centre=frame.centre, frozen=self.ladder.frozen))
            self.ladder.repaint()

    def action_scroll_up(self) -> None:
        """Show higher prices."""
        self.ladder.scroll_rows(1)

    def action_scroll_down(self) -> None:
        """Show lower prices."""
        self.ladder.scroll_rows(-1)

    def action_next_panel(self) -> None:
        """Give the keys to the next panel."""
        self.focus_next(Panel)

    def on_ladder_scrolled(self, message: Ladder.Scrolled) -> None:
        """Look at prices further off: the ladder must be held, or it would spring back."""
        self.ladder.frozen = True
        self.port.respec("ladder", self.ladder_spec(centre=message.centre, frozen=True))

    def action_hold_tape(self) -> None:
        """Hold the tape still, or let it run."""
        if isinstance(self.tape.frame, TapeFrame):
            self.tape.paused = not self.tape.paused
            self.port.respec("tape", self.tape_spec())
            self.tape.repaint()

    def action_maximise(self) -> None:
        """Give the focused panel the room of all, or take it back."""
        chosen = self.focused if isinstance(self.focused, Panel) else self.ladder
        is_large = not self.has_class("-maximised")
        self.set_class(is_large, "-maximised")
        for panel in self.panels:
            panel.set_class(is_large and panel is chosen, "-maximised")
        self.call_after_refresh(self.bind_panels)


class HelpScreen(ModalScreen[None], inherit_bindings=False):
    """Every key and what it does; the opening key closes it."""

    def __init__(self, keymap: Keymap) -> None:
        super().__init__(id="help")
        self.keymap = keymap
        keys = ["escape", *map(textual_key, keymap.keys_of("help"))]
        self._bindings.key_to_bindings.clear()
        for key in keys:
            self._bindings.bind(key, "dismiss", show=False)

    def compose(self) -> ComposeResult:
        """Show the table; it scrolls where the screen is too small."""
        with VerticalScroll(id="help-box"):
            yield HelpTable(self.keymap)


class HelpTable(Line):
    """The keymap as text."""

    def __init__(self, keymap: Keymap) -> None:
        super().__init__(id="help-table")
        self.lines = help_lines(keymap)
        self.closing = "esc" if not (keys := keymap.keys_of("help")) else f"esc or {keys[0]}"
        self.styles.height = 1 + len(self.lines)

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return headings and keys."""
        groups = max(len(group) for group, _, _ in self.lines)
        keys = max(cell_len(key) for _, key, _ in self.lines)
        title: list[Part] = [("─ ", palette.grid), ("KEYS", palette.text + _BOLD), (" ", NO_STYLE)]
        rows = [spread(title, [(f" {self.closing} closes", palette.muted)], width, "─", palette.grid)]
        for group, key, words in self.lines:
            parts: list[Part] = [(group.ljust(groups + 2), palette.text + _BOLD)]
            parts += [(key.ljust(keys + 2), palette.key), (words, palette.text)]
            rows.append(merge(parts))
        return rows


_BOLD = NO_STYLE.parse("bold")


def help_lines(keymap: Keymap) -> list[tuple[str, str, str]]:
    """Return group (in its first line only), keys and words. The digits are told in one line."""
    lines: list[tuple[str, str, str]] = []
    for group in GROUPS:
        members = [one for one in keymap.commands if one.group == group and one.keys]
        digits = [one for one in members if one.parameter is not None]
        told = [(" ".join(one.keys), one.help) for one in members if one.parameter is None]
        if digits:
            first, last = digits[0].keys[0], digits[-1].keys[0]
            key = first if len(digits) == 1 else f"{first} … {last}"
            told.insert(0, (key, "show a symbol of the watchlist"))
        lines += [("" if at else group, key, words) for at, (key, words) in enumerate(told)]
    return lines
