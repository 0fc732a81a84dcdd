"""The ladder: price levels down the middle, bids left, asks right, one row a step; prices stand still."""

from collections.abc import Mapping
from typing import Final

from textual import events
from textual.message import Message

from mdterm.feeds.frames import LadderFrame, PanelFrame
from mdterm.feeds.intervals import FLOW_WINDOWS
from mdterm.feeds.specs import LadderSpec
from mdterm.widgets.figures import format_age, format_price, format_time
from mdterm.widgets.ladder_columns import SETS, Columns, choose_columns, room_for, sets_that_fit
from mdterm.widgets.ladder_readout import paint_cursor, paint_readout, paint_touch, paint_weight
from mdterm.widgets.ladder_rows import Level, Scales, common_digits, level_at, paint, paint_heads
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Kept, Panel
from mdterm.widgets.rows import NO_STYLE, Row, merge, text_of, width_of

CHROME: Final = 2
"""Rows of the body that are no price levels: the column heads and the read-out."""
TALL: Final = 18
"""Rows of the panel from which on the read-out has two lines."""
WINDOWS: Final = (*FLOW_WINDOWS, None)
"""What sells and buys can be summed over; None is the session."""
DEPTHS: Final = (5, 10, 20, 50)
"""Levels that imbalance and depth can be told over."""


def chrome_of(height: int) -> int:
    """Return the rows of a panel's body that are no price levels."""
    return CHROME + (height >= TALL)


class Ladder(Panel):
    """The book of one instrument. Held under a cursor or a scroll it stays where it is, whatever comes."""

    NAME = "LADDER"

    class Asked(Message):
        """The ladder wants to see something else than it was bound to."""

    def __init__(self, *, id: str = "ladder") -> None:  # noqa: A002  # Textual's own name for it
        super().__init__(id=id)
        self.group = 1
        """Price steps in a row."""
        self.frozen = False
        """Whether it was told to stay where it is."""
        self.dynamic = False
        """Whether the touch stays in the middle, and prices move."""
        self.columns = "book"
        """The set of columns that is wanted."""
        self.window: str | None = "60s"
        self.levels = 10
        self.cursor: int | None = None
        """The row that is marked; the ladder is held under it."""
        self.offset_rows = 0
        """Rows that the view stands above (positive) or below the frame's centre."""
        self._pin: int | None = None
        """The centre that was asked for while it is held; None to follow the market."""
        self._from = 0
        """The centre when it was held."""
        self._columns: Columns | None = None
        self._scales = Scales()
        self._ground: object = None
        self._made: dict[Level, Row] = {}
        """The levels of the last paint by all that they were made of: most of them stay."""

    @property
    def level_rows(self) -> int:
        """Price levels that fit."""
        return max(1, self.size.height - 1 - chrome_of(self.size.height))

    def spec(self) -> LadderSpec:
        """Return the rows that fit, where the ladder stands, and what its columns need."""
        wanted = SETS[self.columns]
        return LadderSpec(
            rows=self.level_rows,
            group=self.group,
            centre=self._pin,
            frozen=self._pin is not None,
            flow="flow" in wanted or "delta" in wanted,
            window=self.window,
            dynamic=self.dynamic,
            step=self.frame.step if self._pin is not None and isinstance(self.frame, LadderFrame) else None,
            cursor=self.cursor,
            changes="change" in wanted,
            volume="volume" in wanted,
            levels=self.levels,
            quote=self.in_quote,
        )

    def keep(self) -> dict[str, Kept]:
        """Return columns, window, levels and mode."""
        return {
            "columns": self.columns,
            "window": self.window or "session",
            "levels": self.levels,
            "dynamic": self.dynamic,
        }

    def restore(self, kept: Mapping[str, Kept]) -> None:
        """Take up what was kept."""
        columns, window, levels = kept.get("columns"), kept.get("window"), kept.get("levels")
        if isinstance(columns, str) and columns in SETS:
            self.columns = columns
        if window == "session" or window in FLOW_WINDOWS:
            self.window = None if window == "session" else str(window)
        if levels in DEPTHS:
            self.levels = int(levels)
        self.dynamic = kept.get("dynamic") is True

    # Frames come

    def fit(self) -> None:
        """Let columns and scales be those of what is shown now."""
        self._columns, self._scales = None, Scales()

    def show(self, panel: PanelFrame, made: float, wall: int) -> None:
        """Take a frame; another instrument's or another precision's columns start anew."""
        new, old = panel.frame, self.frame
        if isinstance(new, LadderFrame) and new.group != self.group:
            return  # made before the grouping was changed
        if isinstance(new, LadderFrame) and (
            not isinstance(old, LadderFrame)
            or (new.address, new.digits, new.in_quote) != (old.address, old.digits, old.in_quote)
        ):
            self._columns, self._scales = None, Scales()
        if isinstance(new, LadderFrame) and isinstance(old, LadderFrame) and new.step != old.step:
            self._recount(old.step / new.step)
        super().show(panel, made, wall)

    def _recount(self, ratio: float) -> None:
        """Stay at the same prices: more digits became known, so rows are counted in another step."""
        if self._pin is not None:
            middle = round((self._pin + self.offset_rows) * ratio)
            self._pin, self._from, self.offset_rows = middle, round(self._from * ratio), 0
            self.post_message(self.Asked())
        if self.cursor is not None:
            self.cursor = round(self.cursor * ratio)

    def clear(self, now: float) -> None:
        """Show nothing, and follow the next instrument's market."""
        self._let_go()
        super().clear(now)

    # What is told in the title

    def details(self) -> list[str]:
        """Return the grouping, the mode, and what sells and buys are summed over."""
        frame, columns = self.frame, self._columns
        if not isinstance(frame, LadderFrame):
            return []
        told = [format_price(frame.step, frame.digits)] + ([f"×{frame.group}"] if frame.group > 1 else [])
        if columns is not None and (columns.flow.width or columns.delta.width):
            told += self._window_words(frame)
        told += ["quote"] if frame.in_quote else []
        told += ["DYNAMIC"] if self.dynamic else []
        if columns is not None and columns.change.width and frame.changes_since is not None:
            told.append(f"± since {format_time(frame.changes_since + self.offset_ns)}")
        return told

    def _window_words(self, frame: LadderFrame) -> list[str]:
        """Return what sells and buys are summed over, and how much of it is known."""
        if frame.window is None:
            since = frame.flow_since
            told = [] if since is None else [f"since {format_time(since + self.offset_ns)}"]
            return ["· session", *told]
        if frame.filled is None:
            return [f"· {frame.window}"]
        return [f"· {format_age(frame.filled, whole=True)} of {frame.window}"]

    def badge(self) -> str:
        """Say when the ladder does not follow the market."""
        if self.frozen:
            return "FROZEN"
        if self.cursor is not None:
            return "HELD"
        return f"SCROLLED {self._scrolled:+d}" if self._scrolled else ""

    @property
    def _scrolled(self) -> int:
        return 0 if self._pin is None else self._pin + self.offset_rows - self._from

    # Rows

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return title and body, which agree about the columns."""
        frame = self.frame
        if isinstance(frame, LadderFrame):
            self._columns = choose_columns(
                frame, width, self._columns, SETS[self.columns], with_bars=bool(frame.cum_bids)
            )
        return super().paint_rows(palette, width, height)

    def _middle(self, frame: LadderFrame) -> int:
        """Return the row in the middle of the view."""
        return (frame.centre if self._pin is None else self._pin) + self.offset_rows

    def paint_body(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return heads, levels and read-out."""
        frame, columns = self.frame, self._columns
        assert isinstance(frame, LadderFrame)
        assert columns is not None
        levels = max(1, height - chrome_of(height + 1))
        first = frame.top - (self._middle(frame) + (levels - 1) // 2)
        inside = range(max(0, first), min(len(frame.bids), first + levels))
        scales = self._scales = self._scales.grown(frame, slice(inside.start, inside.stop))
        common = common_digits(frame, inside) if inside else 0
        rows = [paint_heads(columns, palette, with_own=bool(frame.own))]
        ground = (columns, scales, palette, frame.step, frame.own, width)
        if ground != self._ground:
            self._ground, self._made = ground, {}
        made: dict[Level, Row] = {}
        for at in range(first, first + levels):
            if at not in inside:
                rows.append(())
                continue
            level = level_at(frame, at, columns, scales, common, self.cursor)
            row = self._made.get(level)
            if row is None:
                row = paint(level, frame, columns, scales, palette)
                if level.is_marked:
                    row = _marked(row, palette, width)
            made[level] = row
            rows.append(row)
        self._made = made
        return [*rows, *self._readout(frame, palette, width, chrome_of(height + 1) - 1)][:height]

    def _readout(self, frame: LadderFrame, palette: Palette, width: int, lines: int) -> list[Row]:
        """Return the lines under the levels; what is marked is told in the place of the rest."""
        told = [] if self.cursor is None else paint_cursor(frame, self.cursor, palette, width, lines)
        if len(told) == lines:
            return told
        if lines == 1:
            return [paint_readout(frame, palette, width)]
        return [paint_touch(frame, palette, width), *(told or [paint_weight(frame, palette, width)])]

    # Where it stands

    def _hold(self, frame: LadderFrame) -> bool:
        """Stay where the ladder is; return whether that is news."""
        if self._pin is not None:
            return False
        self._pin = self._from = frame.centre
        return True

    def _let_go(self) -> None:
        self.offset_rows, self.frozen, self._pin, self.cursor = 0, False, None, None

    def scroll_rows(self, rows: int) -> None:
        """Scroll up (positive) or down and stay there; back where it was, follow the market again."""
        frame = self.frame
        if not isinstance(frame, LadderFrame):
            return
        is_news = self._hold(frame)
        self.offset_rows += rows
        if not self._scrolled and not self.frozen and self.cursor is None:
            self._let_go()
            is_news = True
        elif abs(self._middle(frame) - frame.centre) > (len(frame.bids) - self.level_rows) // 2:
            # Beyond what the frame holds: other rows are needed.
            self._pin, self.offset_rows = self._middle(frame), 0
            is_news = True
        if is_news:
            self.post_message(self.Asked())
        self.repaint()

    def move_cursor(self, rows: int) -> None:
        """Mark the row so many above (positive) or below; first the touch on that side."""
        frame = self.frame
        if not isinstance(frame, LadderFrame):
            return
        if self.cursor is None:
            touch = frame.best_ask if rows > 0 else frame.best_bid
            start = touch if touch is not None else frame.last
            lowest, highest = self._in_view(frame)
            if start is None or not lowest <= start <= highest:
                start = self._middle(frame)
            self.mark(start)
        else:
            self.mark(self.cursor + rows)

    def _in_view(self, frame: LadderFrame) -> tuple[int, int]:
        """Return the lowest and the highest row that is shown."""
        highest = self._middle(frame) + (self.level_rows - 1) // 2
        return highest - self.level_rows + 1, highest

    def mark(self, row: int | None) -> None:
        """Mark a row and hold the ladder under it; None marks none."""
        frame = self.frame
        if not isinstance(frame, LadderFrame):
            return
        if row is None:
            if self.frozen or self._scrolled:
                self.cursor = None
            else:
                self._let_go()
        else:
            self._hold(frame)
            self.cursor = row
            lowest, highest = self._in_view(frame)
            by = max(0, row - highest) or min(0, row - lowest)
            if by:
                self.scroll_rows(by)
        self.post_message(self.Asked())
        self.repaint()

    def follow(self) -> None:
        """Follow the market again."""
        self._let_go()
        self.repaint()

    def release(self) -> None:
        """Unmark the row and take scrolling back; a ladder that is frozen stays."""
        frame = self.frame
        if self.cursor is None and not self._scrolled:
            return
        was_frozen = self.frozen
        self._let_go()
        if was_frozen and isinstance(frame, LadderFrame):
            self.frozen = True
            self._hold(frame)
        self.post_message(self.Asked())
        self.repaint()

    def freeze(self) -> None:
        """Hold the ladder where it is, or let it go."""
        frame = self.frame
        if not isinstance(frame, LadderFrame):
            return
        if self.frozen:
            self.frozen = False
            if self.cursor is None and not self._scrolled:
                self._let_go()
        else:
            self.frozen = True
            self._hold(frame)
        self.repaint()

    def regroup(self, group: int) -> None:
        """Make a row of ``group`` steps; rows are other prices then, so the ladder is centred anew."""
        self.group = group
        self.follow()

    # What it shows

    def next_columns(self) -> None:
        """Want the next set of columns of which something new fits beside the book."""
        names, fitting = list(SETS), list(SETS)
        if isinstance(self.frame, LadderFrame):
            fitting = sets_that_fit(room_for(self.frame, self.size.width, self._columns))
        after = [name for name in fitting if names.index(name) > names.index(self.columns)]
        self.columns = after[0] if after else fitting[0]
        self.repaint()

    def next_window(self) -> None:
        """Sum sells and buys over the next longer window; where there are none, show them first."""
        if not {"flow", "delta"} & set(SETS[self.columns]):
            self.columns = "flow"
            self.repaint()
            return
        self.window = WINDOWS[(WINDOWS.index(self.window) + 1) % len(WINDOWS)]
        self.repaint()

    def next_depth(self) -> None:
        """Tell imbalance and depth over more levels."""
        self.levels = DEPTHS[(DEPTHS.index(self.levels) + 1) % len(DEPTHS)]

    # The mouse

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Show higher prices."""
        event.stop()
        self.scroll_rows(1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Show lower prices."""
        event.stop()
        self.scroll_rows(-1)

    def on_click(self, event: events.Click) -> None:
        """Mark the row under the pointer; the heads change the columns, the read-out the depth."""
        frame, y = self.frame, event.y - 2
        if not isinstance(frame, LadderFrame):
            return
        if 0 <= y < self.level_rows:
            row = self._in_view(frame)[1] - y
            self.mark(None if row == self.cursor else row)
        elif y == -1:
            self.next_columns()
            self.post_message(self.Asked())
        elif y >= self.level_rows:
            self.next_depth()
            self.post_message(self.Asked())


def _marked(row: Row, palette: Palette, width: int) -> Row:
    """Return a row on the cursor's ground, all across."""
    whole = (*row, (" " * (width - width_of(row)), NO_STYLE))
    if palette.cursor.bgcolor is None:
        # Reversed, the colours of figures would fill the blanks between them.
        return ((text_of(whole), palette.text + palette.cursor),)
    return merge((text, style + palette.cursor) for text, style in whole)
