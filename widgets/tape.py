"""The tape: every print, newest on top: time, side, price, size."""

from collections.abc import Mapping
from typing import Final

import msgspec
from textual import events
from textual.message import Message

from mdterm.feeds.frames import PanelFrame, TapeFrame, TapeRow
from mdterm.feeds.grades import filter_steps
from mdterm.feeds.specs import JOINS, TapeSpec
from mdterm.widgets.figures import format_time
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Kept, Panel
from mdterm.widgets.rows import NO_STYLE, Row, merge, width_of
from mdterm.widgets.tape_rows import (
    CHROME,
    Columns,
    choose_columns,
    format_least,
    format_ratio,
    paint_biggest,
    paint_heads,
    paint_print,
    paint_sums,
    volume_words,
)

WHEEL_ROWS: Final = 3
FLASH_NS: Final = 3_000_000_000
"""How long an own fill stands out."""
_TALL: Final = 20
"""Rows of the body from which on the volume's pace has a line of its own, where it has no room elsewhere."""
_JOIN_WORDS: Final = {1: "", 100: "100ms", 0: "single"}
_FILTER: Final = "min-size "


class Tape(Panel):
    """The prints of one instrument. It is held, scrolled, joined and filtered by its spec."""

    NAME = "TAPE"

    class Moved(Message):
        """The tape was scrolled, held or let go by the mouse, and wants to see other prints."""

    def __init__(self, *, id: str = "tape") -> None:  # noqa: A002  # Textual's own name for it
        super().__init__(id=id)
        self.address = ""
        """The instrument that is shown: each one has its own filter."""
        self.hold: int | None = None
        """The newest trade shown while the tape is held."""
        self.back = 0
        """Prints that the tape is scrolled back from where it is held."""
        self.join_ms = JOINS[0]
        self.is_latched = False
        """Whether the biggest print stays in view."""
        self.filters: dict[str, tuple[float, bool]] = {}
        """The least size by address, and whether it is one in the quote currency."""
        self._cleared: tuple[int, int | None] = (0, None)
        """The last trade before the biggest print was cleared, and when that was (ns)."""
        self._columns: Columns | None = None
        self._ground: object = None
        self._made: dict[tuple[TapeRow, bool], Row] = {}
        """The rows of the last paint by their prints: what scrolls is not made again."""

    @property
    def print_rows(self) -> int:
        """Prints that fit."""
        return max(1, self.size.height - 1 - CHROME)

    def spec(self) -> TapeSpec:
        """Return the prints that fit, as they are wanted."""
        least, in_quote = self.filters.get(self.address, (None, False))
        return TapeSpec(
            rows=self.print_rows,
            min_size=least,
            hold=self.hold,
            quote=self.in_quote,
            join_ms=self.join_ms,
            back=self.back,
            biggest_since=self._cleared[0] if self.is_latched else None,
            min_in_quote=in_quote,
        )

    # What a person does to it.

    def hold_or_run(self) -> None:
        """Hold the tape still, or let it run."""
        frame = self.frame
        if isinstance(frame, TapeFrame):
            self.hold, self.back = (frame.newest if self.hold is None else None), 0
            self.repaint()

    def scroll_prints(self, back: int) -> None:
        """Scroll back by so many prints and hold, or forward (negative); at the newest it runs again."""
        frame = self.frame
        if not isinstance(frame, TapeFrame) or (self.hold is None and back <= 0):
            return
        # At the end there is nothing further back, and the way forward begins where the frame ended.
        at = min(self.back, frame.back) if frame.is_end else self.back
        if at + back <= 0:
            self.hold, self.back = None, 0
        else:
            self.hold = frame.newest if self.hold is None else self.hold
            self.back = at if frame.is_end and back > 0 else at + back
        self.repaint()

    def next_join(self) -> None:
        """Join prints within the next span: a millisecond, a tenth of a second, not at all."""
        self.join_ms = JOINS[(JOINS.index(self.join_ms) + 1) % len(JOINS)]
        self.back = 0
        self.repaint()

    def filter_larger(self) -> None:
        """Show larger prints only: the next step of the instrument's own sizes."""
        steps, least = self._steps()
        larger = next((step for step in steps if step > least * 1.001), None)
        if larger is not None:
            self._choose(larger)

    def filter_smaller(self) -> None:
        """Show smaller prints again; below the first step, all."""
        steps, least = self._steps()
        self._choose(max((step for step in steps if step < least * 0.999), default=None))

    def _steps(self) -> tuple[list[float], float]:
        """Return what the filter may be and what it is (0: nothing), in the units that are shown."""
        frame = self.frame
        if not isinstance(frame, TapeFrame):
            return [], 0.0
        price = frame.last_price or 1.0
        scale = price if self.in_quote else 1.0
        least, in_quote = self.filters.get(self.address, (0.0, self.in_quote))
        if in_quote != self.in_quote:
            least *= 1.0 / price if in_quote else price
        return filter_steps(frame.median * scale, frame.largest * scale), least

    def _choose(self, least: float | None) -> None:
        if least is None:
            self.filters.pop(self.address, None)
        else:
            self.filters[self.address] = (least, self.in_quote)
        self.back = 0
        self.repaint()

    def latch(self) -> None:
        """Keep the biggest print in view, or let it go."""
        self.is_latched = not self.is_latched
        self.repaint()

    def clear_biggest(self) -> None:
        """Look for the biggest print from now on."""
        frame = self.frame
        if isinstance(frame, TapeFrame) and self.is_latched:
            self._cleared = (frame.newest, self._wall)
            self.repaint()

    def keep(self) -> dict[str, Kept]:
        """Return how prints are joined, whether the biggest is latched, and each instrument's filter."""
        kept: dict[str, Kept] = {"join-ms": self.join_ms, "biggest": self.is_latched}
        for address, (least, in_quote) in self.filters.items():
            kept[f"{_FILTER}{address}"] = f"{least!r} {'quote' if in_quote else 'base'}"
        return kept

    def restore(self, kept: Mapping[str, Kept]) -> None:
        """Take up what was kept."""
        if kept.get("join-ms") in JOINS:
            self.join_ms = int(kept["join-ms"])
        self.is_latched = kept.get("biggest") is True
        for name, value in kept.items():
            if name.startswith(_FILTER) and isinstance(value, str):
                least, _, unit = value.partition(" ")
                try:
                    number = float(least)
                except ValueError:
                    continue
                if 0 < number < float("inf") and unit in ("base", "quote"):
                    self.filters[name.removeprefix(_FILTER)] = (number, unit == "quote")

    # What comes of it.

    def clear(self, now: float) -> None:
        """Show nothing, and let the next instrument's tape run."""
        self.hold, self.back, self._cleared = None, 0, (0, None)
        super().clear(now)

    def show(self, panel: PanelFrame, made: float, wall: int) -> None:
        """Take a frame; another instrument's, or other units', columns start anew."""
        new, old = panel.frame, self.frame
        if isinstance(new, TapeFrame):
            if new.newest < max(self.hold or 0, self._cleared[0]):
                # It went back in time, as a replay does: what was held is still to come.
                self.hold, self.back, self._cleared = None, 0, (0, None)
                self.post_message(self.Moved())
            if not isinstance(old, TapeFrame) or (new.address, new.quote) != (old.address, old.quote):
                self._columns = None
            elif self.hold is not None and len(new.rows) < len(old.rows) and _asks_same(new, old):
                # What is held stays in view, though it is so old that it is not kept any more.
                panel = msgspec.structs.replace(panel, frame=msgspec.structs.replace(new, rows=old.rows))
        super().show(panel, made, wall)

    def details(self) -> list[str]:
        """Return filter, joining and pace."""
        frame = self.frame
        if not isinstance(frame, TapeFrame):
            return []
        told = []
        if frame.min_size is not None:
            units = "" if frame.min_in_quote == frame.quote else " quote" if frame.min_in_quote else " base"
            told.append(f"≥{format_least(frame.min_size)}{units}")
        if _JOIN_WORDS[frame.join_ms]:
            told.append(_JOIN_WORDS[frame.join_ms])
        return [*told, f"{frame.pace:3.0f}/s", format_ratio(frame.pace_ratio)]

    def badge(self) -> str:
        """Say that prints wait."""
        frame = self.frame
        if self.hold is None:
            return ""
        if not isinstance(frame, TapeFrame):
            return "PAUSED"
        return f"PAUSED {'≥' if frame.is_waiting_least else '+'}{frame.waiting}"

    def fit(self) -> None:
        """Let columns and scales be those of what is shown now."""
        self._columns = None

    def paint_body(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return heads, the biggest print where it is latched, prints and sums."""
        frame = self.frame
        assert isinstance(frame, TapeFrame)
        columns = self._columns = choose_columns(frame, width, self._columns, with_start=True)
        head, foot = self._head(frame, columns, palette, width), self._foot(frame, palette, width, height)
        prints = max(1, height - len(head) - len(foot))
        rows = self._prints(frame, columns, palette, prints)
        if self.hold is not None and frame.is_end and len(rows) < prints:
            rows.append((("no older prints are kept", palette.muted),))
        rows += [()] * (prints - len(rows))
        return [*head, *rows, *foot][:height]

    def _prints(self, frame: TapeFrame, columns: Columns, palette: Palette, most: int) -> list[Row]:
        ground = (columns, frame.digits, palette, self.offset_ns)
        if ground != self._ground:
            self._ground, self._made = ground, {}
        made, rows = self._made, []
        self._made = {}
        since = None if self._wall is None else self._wall - FLASH_NS
        for one in frame.rows[:most]:
            is_fresh = one.own and since is not None and one.ts >= since
            row = made.get((one, is_fresh))
            if row is None:
                row = paint_print(one, columns, frame.digits, palette, self.offset_ns, is_fresh=is_fresh)
            self._made[one, is_fresh] = row
            rows.append(row)
        return rows

    def _head(self, frame: TapeFrame, columns: Columns, palette: Palette, width: int) -> list[Row]:
        heads = paint_heads(columns, palette)
        if not self.is_latched:
            return [heads]
        cleared = self._cleared[1]
        since = "so far" if cleared is None else f"since {format_time(cleared + self.offset_ns)}"
        digits, offset_ns = frame.digits, self.offset_ns
        return [heads, paint_biggest(frame.biggest, since, columns, digits, palette, width, offset_ns)]

    def _foot(self, frame: TapeFrame, palette: Palette, width: int, height: int) -> list[Row]:
        sums = paint_sums(frame, palette, width, self.offset_ns)
        if frame.volume_pace is None:
            return [sums]
        words = volume_words(frame)
        room = width - width_of(sums) - len(words)
        if room >= 2:
            return [merge([*sums, (" " * room, NO_STYLE), (words, palette.muted)])]
        return [((words, palette.muted),), sums] if height >= _TALL and len(words) <= width else [sums]

    # The mouse.

    def on_click(self, event: events.Click) -> None:
        """Hold where a print is clicked; let it run where the title is."""
        if (self.hold is None) == (event.y > 1):
            self.hold_or_run()
            self.post_message(self.Moved())

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll back."""
        event.stop()
        self.scroll_prints(WHEEL_ROWS)
        self.post_message(self.Moved())

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll towards the newest print."""
        event.stop()
        self.scroll_prints(-WHEEL_ROWS)
        self.post_message(self.Moved())


def _asks_same(one: TapeFrame, other: TapeFrame) -> bool:
    """Return whether two frames answer the same question."""
    return all(
        getattr(one, name) == getattr(other, name) for name in ("min_size", "min_in_quote", "join_ms", "back")
    )
