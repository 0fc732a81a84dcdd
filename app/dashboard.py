"""The Textual app: introduces the feed to the screens, and the screens to the terminal."""

import gc
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from textual.driver import Driver
from textual.message import Message
from textual.notifications import SeverityLevel
from textual.screen import Screen

import mdterm.themes
from mdterm.app.absences import Absences
from mdterm.app.board import BoardScreen
from mdterm.app.choices import choose
from mdterm.app.commands.context import Failed
from mdterm.app.keeper import Keeper
from mdterm.app.keymap import DEFAULT_KEYMAP, Keymap, textual_key
from mdterm.app.layout_keys import DEFAULT_LAYOUT
from mdterm.app.notices import Level, Notice, Notices
from mdterm.app.outlet import Inflow
from mdterm.app.presence import Presence
from mdterm.app.reload import Reload
from mdterm.app.roster import Roster
from mdterm.app.shelf import Shelf
from mdterm.app.signals import ALL_SIGNALS
from mdterm.app.terminal import TerminalDriver
from mdterm.app.theme_files import ThemeFiles, Watched
from mdterm.app.zones import UTC_ZONE, Zone
from mdterm.feeds.address import AddressError, Instrument
from mdterm.feeds.alerts import Rule
from mdterm.feeds.clock import Clock, SystemClock
from mdterm.feeds.frames import FrameSet
from mdterm.feeds.port import Port
from mdterm.themes.palettes import DEFAULT_THEME
from mdterm.widgets.figures import WESTERN, Units, use_units
from mdterm.widgets.panel import Panel

# The screens over the board are imported when they are asked for: the board is painted before.
if TYPE_CHECKING:
    from mdterm.app.finder import Finder

_SEVERITIES: Final[dict[Level, SeverityLevel]] = {
    "info": "information",
    "warning": "warning",
    "error": "error",
}
INTERRUPTED = 130
BEHIND_S = 1.0
"""From this age on of a frame set that the terminal has not got, the status line says so."""


class FrameArrived(Message, bubble=False):
    """A frame set came from the feed."""

    def __init__(self, frames: FrameSet) -> None:
        super().__init__()
        self.frames = frames


class Rewound(Message, bubble=False):
    """Another time is shown: ``clock`` is that of a recording, None the live one. ``words`` tell more."""

    def __init__(self, clock: Clock | None = None, words: str = "") -> None:
        super().__init__()
        self.clock = clock
        self.words = words


class FeedSaid(Message, bubble=False):
    """Something became of the feed that is attached to; ``feed`` says which it is, None for as before."""

    def __init__(self, words: str, level: Level, feed: str | None) -> None:
        super().__init__()
        self.words = words
        self.level = level
        self.feed = feed


class LinkSwitched(Message, bubble=False):
    """Another one of the link shows an instrument."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address


class FarLink(Protocol):
    """The way to a feed on another machine."""

    @property
    def received(self) -> int:
        """Bytes that came, as they were on the way."""

    @property
    def delay_s(self) -> float | None:
        """How long the way there and back took the last time."""


class Dashboard(Absences, inherit_bindings=False):
    """The dashboard on a feed's port. ``run`` returns the exit status."""

    CSS_PATH: ClassVar[Any] = Path(mdterm.themes.__file__).with_name("mdterm.tcss")
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False

    def __init__(
        self,
        port: Port,
        instruments: Sequence[Instrument],
        *,
        theme: str = DEFAULT_THEME,
        layout: str = DEFAULT_LAYOUT,
        zone: Zone = UTC_ZONE,
        accounts: Collection[str] = (),
        keymap: Keymap = DEFAULT_KEYMAP,
        clock: Clock | None = None,
        market_clock: Clock | None = None,
        finder: "Finder | None" = None,
        rules: Sequence[Rule] = (),
        signals: Collection[str] = ALL_SIGNALS,
        period_s: float = 0.1,
        slow_link: bool = False,
        is_red_up: bool = False,
        own_themes: Watched | None = None,
        is_ascii: bool = False,
        units: Units = WESTERN,
        roster: Roster | None = None,
        keeper: Keeper | None = None,
        reload: Reload | None = None,
        away_after_s: float = 300.0,
        alone: str | None = None,
        far_link: FarLink | None = None,
        driver_class: type[Driver] = TerminalDriver,
    ) -> None:
        super().__init__(
            port,
            clock or SystemClock(),
            driver_class,
            period_s=period_s,
            slow_link=slow_link,
            is_ascii=is_ascii,
        )
        use_units(units)
        self.animation_level = "none"
        self.shelf = Shelf(self, is_red_up=is_red_up, own=own_themes)
        self.theme = theme
        self.finder = finder
        self.notices = Notices(self.clock.wall)
        self.presence = Presence(away_after_s, self.clock.mono())
        self.reload = reload
        self.rules, self.alarms, self.signals = tuple(rules), {}, frozenset(signals)
        self.board = BoardScreen(
            port,
            instruments,
            market_clock or self.clock,
            keymap,
            layout,
            zone,
            accounts,
            roster,
            is_ascii,
            alone,
        )
        self.board.status.is_slow_link = slow_link
        self.keeper = keeper
        if keeper is not None:
            keeper.restore(self.board)
            keeper.note(self.board, theme)
        self.when_mounted: Callable[[], None] = lambda: None
        """Called once, when frames are asked for."""
        self._delay_ms: float | None = None
        self._far_link = far_link
        self._inflow = Inflow()
        self._is_frozen = False
        self._bind_keys(keymap)

    def _bind_keys(self, keymap: Keymap) -> None:
        """Let keys do what a keymap says, and nothing else."""
        self.bound_keys = self.board.keymap = keymap
        self._bindings.key_to_bindings.clear()
        for command in keymap.commands:
            for key in command.keys:
                self._bindings.bind(textual_key(key), command.action, command.help, priority=command.is_fixed)

    def get_default_screen(self) -> Screen[None]:
        """Return the board."""
        return self.board

    def on_mount(self) -> None:
        """Open the way to the terminal, then ask for frames."""
        self.open_outlet()
        self.set_interval(1.0, self.tick)
        self.port.connect(self._post)
        self.open_alarms()
        self.open_absences()
        self.when_mounted()
        self._tell_themes(self.shelf.files)

    def takes_commands(self) -> bool:
        """Return whether a key is a command now: nothing lies over the board, and nothing is typed."""
        return self.screen is self.board and not self.board.watchlist.is_typing

    def _post(self, frames: FrameSet) -> None:
        self.post_message(FrameArrived(frames))

    def on_frame_arrived(self, message: FrameArrived) -> None:
        """Hand the frames on, and ask for the next ones when these are painted."""
        frames = message.frames
        self._delay_ms = frames.delay_ms
        self.board.show(frames)
        for notice in self.notices.compare(frames.links):
            if notice.level == "error":
                self._notify(notice)
        lines = self.board.take_repainted()
        unpainted = len(lines)

        def one_painted() -> None:
            nonlocal unpainted
            unpainted -= 1
            if not unpainted:
                self._all_painted(frames)

        # A callback of a widget's runs after that widget's paint, so the last of all runs after the paint.
        # Not call_after_refresh: it goes to the screen on top, and is lost with a help that just closes.
        for line in lines:
            line.call_later(self.board._invoke_later, one_painted, line)
        if not lines:
            self._all_painted(frames)

    def on_feed_said(self, message: FeedSaid) -> None:
        """Tell it, and keep in sight which feed is looked at."""
        if message.feed is not None:
            self.board.connections.set_feed(message.feed)
        if message.words:
            self.tell(message.words, message.level)

    def on_rewound(self, message: Rewound) -> None:
        """Show another time, or tell why it cannot be shown."""
        if message.words:
            self.tell(message.words, "warning")
        else:
            self.board.rebind(message.clock or self.clock)
            self.attend_past(message.clock is not None)

    def _all_painted(self, frames: FrameSet) -> None:
        self.painted(frames.number, frames.made)
        if not self._is_frozen and frames.panels:
            # What exists now stays: the collector need not walk Textual's heap during a frame.
            self._settle_heap()

    def _settle_heap(self) -> None:
        self._is_frozen = True
        gc.collect()
        gc.freeze()
        gc.enable()

    def tick(self) -> None:
        """Once a second: ages, clock and figures advance, answers that do not come are looked for."""
        self.check_size()
        if not gc.isenabled():
            self._settle_heap()  # no frame came yet, but the start is over
        self.outlet.tick()
        now, owed = self.clock.mono(), self.outlet.owed
        fps, rate = self.meter.read(self.outlet, now)
        behind = now - owed if owed is not None and now - owed > BEHIND_S else None
        self.board.tick()
        self.attend_terminal(behind)
        self._keep()
        self._reload()
        self._tell_themes(self.shelf.look())
        if self._far_link is not None:
            self.board.status.measure_link(
                self._inflow.read(self._far_link.received, now), self._far_link.delay_s
            )
        self.board.status.measure(fps=fps, rate=rate, delay_ms=self._delay_ms, behind_s=behind)

    def _keep(self) -> None:
        """Have what was chosen saved, on a thread of its own: a disk may be slow. Tell what went wrong."""
        keeper = self.keeper
        if keeper is None:
            return
        keeper.note(self.board, self.theme)
        if keeper.state.has_changes():
            self.run_worker(keeper.state.save, thread=True, group="keep", exclusive=True)
        for words in keeper.state.take_news():
            self._notify(self.notices.add(words, "warning"))

    def _tell_themes(self, files: ThemeFiles | None) -> None:
        """Tell what is wrong with somebody's own themes; what is merely hard to read only in the log."""
        if files is None:
            return
        for doubt in files.doubts():
            self.notices.add(doubt, "info")
        if words := files.words():
            self.tell(words, "warning")

    def _reload(self) -> None:
        """Take up a configuration that was changed, as far as that needs no restart; tell what is wrong."""
        change = None if self.reload is None else self.reload.look()
        if change is None:
            return
        settings, taken_up = change.settings, change.taken_up
        self._notify(self.notices.add(change.words, "warning" if settings is None else "info"))
        if settings is None:
            return
        if "red_up" in taken_up:
            self.shelf.turn(is_red_up=settings.red_up)
        if "theme" in taken_up and settings.theme is not None:
            self.shelf.wear(settings.theme)
        if "number_format" in taken_up:
            use_units(choose(settings, None).units)
            self.board.repaint_views()
        if "keys" in taken_up:
            self._bind_keys(choose(settings, None).keymap)
            self.board.status.set_hints(self.bound_keys.hints())
        if "fps" in taken_up:
            self.period_s = 1.0 / settings.fps
            self.port.pace(self.period_s)

    def action_next_theme(self) -> None:
        """Show the next theme."""
        self.theme = self.shelf.after(self.theme)

    def action_repaint(self) -> None:
        """Paint everything again, as at the first sight of it: here, and from the feed."""
        self.board.fit()
        self.repaint_terminal()
        self.port.repaint()

    def action_help(self) -> None:
        """Show the keys, those of the focused panel first."""
        from mdterm.app.help import HelpScreen

        focused = self.board.focused
        name = focused.NAME.capitalize() if isinstance(focused, Panel) else ""
        self.push_screen(HelpScreen(self.bound_keys, name))

    def action_palette(self) -> None:
        """Find a command by its name."""
        from mdterm.app.palette import PaletteScreen

        self.push_screen(
            PaletteScreen(self.board.instruments, self.bound_keys, self.board.listed()), self._run_chosen
        )

    async def _run_chosen(self, action: str | None) -> None:
        if action is not None:
            await self.run_action(action)

    def action_groups(self) -> None:
        """Show which groups the symbol is in, and change that."""
        from mdterm.app.groupscreen import GroupScreen

        board = self.board
        self.push_screen(
            GroupScreen(board.instrument.address, board.roster, self.bound_keys),
            lambda _: board.show_group(board.group),
        )

    def action_log(self) -> None:
        """Show what happened, and why panels are as they are."""
        from mdterm.app.logscreen import LogScreen

        offset_ns = self.board.header.offset_ns
        self.push_screen(LogScreen(self.notices, self.board.reasons(), self.bound_keys, offset_ns))

    def action_search(self) -> None:
        """Find a symbol."""
        from mdterm.app.finder import FinderScreen

        watched = [one.address for one in self.board.instruments]
        self.push_screen(FinderScreen(watched, self.finder, self.bound_keys), self._found)

    def _found(self, address: str | None) -> None:
        if address is not None:
            self.run_worker(self._watch(address), exclusive=True)

    def on_link_switched(self, message: LinkSwitched) -> None:
        """Show what another one of the link shows."""
        self.run_worker(self._watch(message.address, is_followed=True), group="link", exclusive=True)

    async def _watch(self, address: str, *, is_followed: bool = False) -> None:
        watched = {one.address: one for one in self.board.instruments}
        try:
            known = watched.get(address)
            instrument = known if known or self.finder is None else await self.finder.open(address)
        except (AddressError, Failed) as error:
            self.tell(f"{address} cannot be watched: {error}", "error")
            return
        if instrument is not None and is_followed:
            self.board.follow(instrument)
        elif instrument is not None:
            self.board.add_instrument(instrument)

    def tell(self, words: str, level: Level = "info") -> None:
        """Tell somebody at the screen, and keep it in the log."""
        self._notify(self.notices.add(words, level))

    def _notify(self, notice: Notice) -> None:
        self.notify(notice.words, severity=_SEVERITIES[notice.level], markup=False)

    def action_suspend(self) -> None:
        """Stop the program until its shell lets it go on."""
        driver: object = self._driver
        if isinstance(driver, TerminalDriver):
            driver.stop_job()

    async def action_quit(self) -> None:
        """Leave."""
        self.exit(0)

    def action_interrupt(self) -> None:
        """Leave as a program that was interrupted."""
        self.exit(INTERRUPTED, return_code=INTERRUPTED)
