"""A panel: a title that tells its state, a body of rows, and no cell painted twice for nothing."""

from collections.abc import Callable, Mapping, Sequence
from textwrap import wrap
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.filter import LineFilter
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from mdterm.feeds.frames import Frame, PanelFrame
from mdterm.feeds.specs import ViewSpec
from mdterm.feeds.status import Caution, Shown
from mdterm.widgets.palette import Palette, make_palette
from mdterm.widgets.rows import NO_STYLE, Part, Row, make_strip, spread, text_of, width_of
from mdterm.widgets.state import aged, format_reason, format_state, state_style

NOTHING_YET = Shown("WARMING")

Kept = str | int | float | bool
"""A choice that is kept between two starts."""


Express = Callable[["Line", Sequence[tuple[int, Strip]]], bool]
"""Takes a line's changed rows, ``(y, strip)``, past the compositor; False if they must be refreshed."""


class Line(Widget):
    """Rows of text painted through the Line API: what did not change is not refreshed.

    Subclasses make rows in ``paint_rows``; everything they need is given to them beforehand.
    """

    ALLOW_SELECT = False

    def __init__(self, *, id: str) -> None:  # noqa: A002  # Textual's own name for it
        super().__init__(id=id)
        self.auto_links = False
        self.palette: Palette | None = None
        self.express: Express | None = None
        """The short way to the terminal, where there is one."""
        self.is_repainted = False
        """Whether rows have changed since somebody last asked."""
        self._rows: list[Row] = []
        self._strips: list[Strip] = []

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return the rows, at most ``height``, each at most ``width`` cells wide."""
        raise NotImplementedError

    def repaint(self) -> None:
        """Make the rows again and refresh those that differ from what is painted, in one call."""
        width, height = self.size
        if self.palette is None or not width or not height:
            return
        rows, base = self.paint_rows(self.palette, width, height), self.palette.base
        made: dict[Row, Strip] = {}
        changed: list[tuple[int, Strip]] = []
        strips: list[Strip] = []
        for y, row in enumerate(rows):
            if y < len(self._rows) and row == self._rows[y]:
                strips.append(self._strips[y])
                continue
            # What scrolls is the same row elsewhere: its strip is kept, not made again.
            made = made or dict(zip(self._rows, self._strips, strict=True))
            strips.append(made.get(row) or make_strip(row, width, base))
            changed.append((y, strips[-1]))
        blank = Strip.blank(width, base)
        changed += [(y, blank) for y in range(len(rows), len(self._rows))]
        self._rows, self._strips = rows, strips
        if not changed:
            return
        regions = [Region(0, y, width, 1) for y, _ in changed]
        if self.express is not None and self.express(self, changed):
            self._styles_cache.set_dirty(*regions)  # it paints them anew when it has to
        else:
            self.is_repainted = True
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        """Return the painted row ``y``."""
        if y < len(self._strips):
            return self._strips[y]
        return Strip.blank(self.size.width, NO_STYLE if self.palette is None else self.palette.base)

    def text(self) -> str:
        """Return what is painted, as text without styles or trailing blanks."""
        return "\n".join(text_of(row).rstrip() for row in self._rows)

    def fit(self) -> None:
        """Choose widths and scales anew at the next paint: what has only grown, or stayed, fits again."""

    def forget(self) -> None:
        """Paint every row again."""
        self._rows, self._strips = [], []
        self.repaint()
        self.refresh()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return no filters: every theme's colours are already what the terminal shall show."""
        return ()

    def notify_style_update(self) -> None:
        """Fetch the theme's styles once, and paint in them."""
        super().notify_style_update()
        palette = make_palette(self.app.theme_variables)
        if palette != self.palette:
            self.palette = palette
            self.forget()

    def on_resize(self, event: events.Resize) -> None:
        """Paint for the new size."""
        self.forget()


class View(Line):
    """A line widget bound to a view of the feed: it shows frames and the state they come in."""

    def __init__(self, *, id: str) -> None:  # noqa: A002  # Textual's own name for it
        super().__init__(id=id)
        self.name_of_view = id
        self.frame: Frame | None = None
        self.shown = NOTHING_YET
        self.simulated = False
        self.caution: Caution | None = None
        """What must be known to read the figures."""
        self.offset_ns = 0
        """What is added to UTC for every time of day that is told."""
        self.in_quote = False
        """Whether sizes are wanted in the quote currency; a view that has sizes asks for them in its spec."""

    def spec(self) -> ViewSpec:
        """Return what it wants to see, at its size and as it stands."""
        raise NotImplementedError

    def show(self, panel: PanelFrame, made: float, wall: int) -> None:
        """Take a frame; ``made`` (s, monotonic) and ``wall`` (ns) are when it was true."""
        self.frame, self.shown, self.simulated = panel.frame, panel.shown, panel.simulated
        self.caution = panel.caution
        self.repaint()

    def clear(self, now: float) -> None:
        """Show nothing: what was here belongs to another instrument."""
        self.frame, self.shown, self.caution = None, NOTHING_YET, None
        self.repaint()

    def tick(self, now: float, wall: int) -> None:
        """Let what depends on time alone advance; called once a second."""
        self.repaint()


class Panel(View, can_focus=True):
    """A view with a title row that tells what it is, in what state its data is, and how old."""

    NAME: ClassVar[str] = ""

    def __init__(self, *, id: str) -> None:  # noqa: A002  # Textual's own name for it
        super().__init__(id=id)
        self._told_at = 0.0
        self._title_at = 0.0
        self._wall: int | None = None

    def show(self, panel: PanelFrame, made: float, wall: int) -> None:
        """Take a frame. An age that only grew is not worth a repaint: it advances by the tick."""
        if self._is_news(panel.shown):
            self._title_at = made
        self._told_at, self._wall = made, wall
        super().show(panel, made, wall)

    def clear(self, now: float) -> None:
        """Show nothing: what was here belongs to another instrument."""
        self._told_at = self._title_at = now
        super().clear(now)

    def tick(self, now: float, wall: int) -> None:
        """Let the age in the title advance."""
        self._title_at, self._wall = now, wall
        super().tick(now, wall)

    def _is_news(self, told: Shown) -> bool:
        had = self.shown
        return (told.word, told.attempt, told.since, told.detail) != (
            had.word,
            had.attempt,
            had.since,
            had.detail,
        )

    def current(self) -> Shown:
        """Return the state as of the title's last change."""
        return aged(self.shown, self._title_at - self._told_at)

    def keep(self) -> dict[str, Kept]:
        """Return the person's choices that shall hold at the next start, by name; no data of the market.

        Asked once a second, and saved where it differs from what it was. What is chosen for one instrument
        has its address in the name: ``min-size sim:BTCUSDT``.
        """
        return {}

    def restore(self, kept: Mapping[str, Kept]) -> None:
        """Take up choices that were kept, before the first paint.

        A name may be missing, and a value anything of another version's: what does not fit is passed over.
        """

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return title and body."""
        shown = self.current()
        rows = [self._title(shown, palette, width)]
        if height > 1:
            body = palette if shown.is_current else palette.dimmed
            rows += self.paint_body(body, width, height - 1) if self.frame is not None else []
            if self.frame is None:
                rows += _excuse(shown, palette, width, height - 1)
        return rows

    def paint_body(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return the rows under the title; only called while there is a frame."""
        raise NotImplementedError

    def details(self) -> list[str]:
        """Return what the title says besides name and state, the most important first."""
        return []

    def badge(self) -> str:
        """Return a word that must not be overlooked, such as ``PAUSED +38``; empty if there is none."""
        return ""

    def row_text(self) -> str | None:
        """Return the row under the panel's cursor as text, None where there is no cursor now."""
        return None

    def _title(self, shown: Shown, palette: Palette, width: int) -> Row:
        grid = palette.grid
        name = palette.key + _BOLD if self.has_focus else palette.text + _BOLD
        left: list[Part] = [("─ ", grid), (self.NAME, name), (" ", grid)]
        left += [(f"{detail} ", palette.muted) for detail in self.details()]
        right: list[Part] = []
        badge = self.badge()
        if badge:
            right += [(f" {badge}", palette.warn)]
        if self.caution is not None:
            right += [(f" {self.caution.badge}", palette.warn)]
        if self.simulated:
            right += [(" SIM", palette.warn)]
        right += [
            (f" {format_state(shown, self._wall, self.offset_ns)}", state_style(shown, palette)),
            (" ─", grid),
        ]
        if width_of(left) + width_of(right) > width:
            right.pop()  # where it is narrow the rule is the first to go
        return spread(left, right, width, "─", grid)

    class Enlarged(Message):
        """The title was clicked twice: the panel shall have the room of all, or give it back."""

    def on_click(self, event: events.Click) -> None:
        """Ask for the room of all by a double click on the title."""
        if event.y == 0 and event.chain == 2:
            self.post_message(self.Enlarged())

    def on_focus(self) -> None:
        """Show where the keys go."""
        self.repaint()

    def on_blur(self) -> None:
        """Show that the keys go elsewhere."""
        self.repaint()


_BOLD = NO_STYLE.parse("bold")


def _excuse(shown: Shown, palette: Palette, width: int, height: int) -> list[Row]:
    """Return a body that says why there is nothing to see."""
    words = wrap(format_reason(shown) or "waiting for the first data", max(1, width - 2))[:height]
    rows: list[Row] = [()] * height
    for y, line in enumerate(words, (height - len(words)) // 2):
        rows[y] = ((" " * max(0, (width - cell_len(line)) // 2) + line, palette.muted),)
    return rows
