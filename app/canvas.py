"""What the terminal shows, cell by cell, and the shortest way to make it show something else.

Textual writes every dirty span again, each segment with its own colours and a reset, whether or not a
cell in it changed. Here its updates only say what the screen *shall* show; what is written is the
difference to what the terminal was sent last. So a frame that changes nothing costs nothing, and updates
that come while the terminal does not keep up merge instead of queueing.
"""

from collections.abc import Iterable
from functools import lru_cache
from operator import itemgetter
from typing import Final

from rich.cells import get_character_cell_size
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.strip import Strip

Update = ChopsUpdate | LayoutUpdate
Ink = tuple[str | None, str, int]
"""Foreground codes (None: any, for a blank shows none), background codes, attribute bits."""

Run = tuple[int, int, int, int]
"""Cells to write: pen, row, first column, column after the last."""

_UNSEEN: Final = "\0"
_DEFAULT: Final[Ink] = ("39", "49", 0)
# Rich's attribute bits, as the codes that set and unset them.
_SET: Final = {0: 1, 1: 2, 2: 3, 3: 4, 4: 5, 5: 6, 6: 7, 7: 8, 8: 9, 9: 21, 10: 51, 11: 52, 12: 53}
_UNSET: Final = {0: 22, 1: 22, 2: 23, 3: 24, 4: 25, 5: 25, 6: 27, 7: 28, 8: 29, 9: 24, 10: 54, 11: 54, 12: 55}
_UNSEEN_ON_BLANKS: Final = 0b111
"""Bold, dim and italic: a blank looks the same with and without."""
_MANY_STYLES: Final = 4096
_HOP: Final = 4
"""Unchanged cells up to which writing them again is no longer than moving over them."""


class Pens:
    """Styles as small numbers: two per style, one for characters and one for blanks."""

    def __init__(self, colours: ColorSystem) -> None:
        self._colours = colours
        self._pens: dict[Ink, int] = {}
        self.inks: list[Ink] = []
        self.blanks: set[int] = set()
        """Pens that only serve blanks."""
        self.is_dear = colours in (ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT)
        """Whether a change of colour is longer than a cursor move."""
        self._joined: dict[tuple[int, int], int | None] = {}
        self._of: dict[Style | None, tuple[int, int]] = {}
        self._switches: dict[tuple[Ink, int], tuple[str, Ink]] = {}

    def of(self, style: Style | None) -> tuple[int, int]:
        """Return the pen of a style's characters and that of its blanks."""
        found = self._of.get(style)
        if found is None:
            if len(self._of) > _MANY_STYLES:
                self._of.clear()
            found = self._of[style] = self._make(style)
        return found

    def _make(self, style: Style | None) -> tuple[int, int]:
        if style is None:
            return self._pen(_DEFAULT), self._pen((None, "49", 0))
        codes = []
        for colour, is_text in ((style.color, True), (style.bgcolor, False)):
            if colour is None:
                codes.append("39" if is_text else "49")
            else:
                codes.append(";".join(colour.downgrade(self._colours).get_ansi_codes(foreground=is_text)))
        bits = style._attributes & style._set_attributes
        visible = bits & ~_UNSEEN_ON_BLANKS
        blank = (codes[0], codes[1], bits) if visible else (None, codes[1], 0)
        return self._pen((codes[0], codes[1], bits)), self._pen(blank)

    def _pen(self, ink: Ink) -> int:
        pen = self._pens.get(ink)
        if pen is None:
            pen = self._pens[ink] = len(self.inks)
            self.inks.append(ink)
            if ink[0] is None:
                self.blanks.add(pen)
        return pen

    def joined(self, one: int, other: int) -> int | None:
        """Return the pen that can write cells of both pens, None if none can."""
        if one == other:
            return one
        key = (one, other)
        if key not in self._joined:
            self._joined[key] = self._join(one, other)
        return self._joined[key]

    def _join(self, one: int, other: int) -> int | None:
        for blank, pen in ((one, other), (other, one)):
            ground, ink = self.inks[blank], self.inks[pen]
            if ground[0] is None and ground[1] == ink[1] and not ink[2] & ~_UNSEEN_ON_BLANKS:
                return pen
        return None

    def switch(self, have: Ink, pen: int) -> tuple[str, Ink]:
        """Return the escape sequence from ``have`` to ``pen`` (empty if they agree), and the ink then."""
        key = (have, pen)
        found = self._switches.get(key)
        if found is None:
            if len(self._switches) > _MANY_STYLES:
                self._switches.clear()
            found = self._switches[key] = _switch(have, self.inks[pen])
        return found


def _switch(have: Ink, want: Ink) -> tuple[str, Ink]:
    foreground, background, bits = want
    if foreground is None:
        # A blank takes the foreground as it is, and weights that do not show on it.
        foreground, bits = have[0], bits | (have[2] & _UNSEEN_ON_BLANKS)
    got: Ink = (foreground, background, bits)
    if got == have:
        return "", have
    off, on = have[2] & ~bits, bits & ~have[2]
    codes: list[str] = []
    if off:
        unset = {_UNSET[bit] for bit in _SET if off >> bit & 1}
        codes += [str(code) for code in sorted(unset)]
        if 22 in unset:
            on |= bits & 0b11  # bold and dim go off together
        if 24 in unset:
            on |= bits & (1 << 3 | 1 << 9)
    codes += [str(code) for bit, code in _SET.items() if on >> bit & 1]
    if foreground != have[0]:
        codes.append(str(foreground))
    if background != have[1]:
        codes.append(background)
    anew = ["0", *(str(code) for bit, code in _SET.items() if bits >> bit & 1)]
    anew += [str(foreground)] if foreground != "39" else []
    anew += [background] if background != "49" else []
    shorter = min(";".join(codes), ";".join(anew), key=len)
    return f"\x1b[{shorter}m", got


@lru_cache(4096)
def _split(text: str) -> tuple[str, ...] | None:
    """Return a text's cells, or None if they are simply its characters.

    A wide character takes a cell and leaves the next one empty; what has no width joins the cell before.
    """
    if text.isascii():
        return None
    cells: list[str] = []
    is_plain = True
    for character in text:
        width = get_character_cell_size(character)
        if width == 1:
            cells.append(character)
            continue
        is_plain = False
        if width == 2:
            cells += (character, "")
        elif cells:
            cells[-1] += character
    return None if is_plain else tuple(cells)


def _on(segment: Segment, ground: Style) -> Segment:
    style = ground if segment.style is None else ground + segment.style
    return Segment(segment.text, style, segment.control)


class Canvas:
    """The screen as it shall be and as the terminal has it."""

    def __init__(self, colours: ColorSystem = ColorSystem.TRUECOLOR) -> None:
        self.pens = Pens(colours)
        self.width = self.height = 0
        self._chars: list[list[str]] = []
        self._inks: list[list[int]] = []
        self._shown_chars: list[list[str]] = []
        self._shown_inks: list[list[int]] = []
        self._dirty: set[int] = set()
        self._ink: Ink | None = None
        """What the terminal writes in; None if unknown."""
        self._doubted = -1

    def resize(self, width: int, height: int) -> None:
        """Take another size. What a terminal makes of its old cells then is anybody's guess."""
        if (width, height) == (self.width, self.height):
            return
        self.width, self.height = width, height
        blank = self.pens.of(None)[1]
        self._chars = [[" "] * width for _ in range(height)]
        self._inks = [[blank] * width for _ in range(height)]
        self.forget()

    def forget(self) -> None:
        """Know nothing of what the terminal shows: the next difference is everything."""
        self._shown_chars = [[_UNSEEN] * self.width for _ in range(self.height)]
        self._shown_inks = [[0] * self.width for _ in range(self.height)]
        self._dirty = set(range(self.height))
        self._ink = None

    def doubt(self, rows: int = 1) -> None:
        """Write the next few rows again whatever they show, from the top on after the last.

        Something else may have written on the terminal; nobody tells, so the screen heals bit by bit.
        """
        for _ in range(min(rows, self.height)):
            self._doubted = (self._doubted + 1) % self.height
            self._shown_chars[self._doubted] = [_UNSEEN] * self.width
            self._dirty.add(self._doubted)
        self._ink = None  # nor is it known what it writes in

    def apply(self, update: Update) -> None:
        """Take what the compositor painted."""
        if isinstance(update, LayoutUpdate):
            region = update.region
            for y, line in enumerate(update.strips, region.y):
                x = region.x
                for strip in line:
                    x = self._put(y, x, strip, self.width)
            return
        for y, x1, x2 in update.spans:
            for end, (x, chop) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                if chop is not None and x <= x2 and end > x1:
                    self._put(y, x, chop, min(end, x2))

    def put(self, y: int, x: int, strip: Strip, width: int, ground: Style) -> None:
        """Take a strip of ``width`` cells; ``ground`` is what it stands on where it names no background."""
        segments = [
            segment
            if segment.style is not None and segment.style.bgcolor is not None
            else _on(segment, ground)
            for segment in strip
        ]
        self._put(y, x, segments, x + width)

    def _put(self, y: int, x: int, strip: Iterable[Segment], limit: int) -> int:
        """Set cells from ``x`` up to ``limit``; return where the strip ended."""
        if not 0 <= y < self.height:
            return x
        chars, inks = self._chars[y], self._inks[y]
        limit = min(limit, self.width)
        self._dirty.add(y)
        for text, style, control in strip:
            if control:
                continue
            cells = _split(text) or text
            if x + len(cells) > limit:
                cells = cells[: max(0, limit - x)]
            end = x + len(cells)
            pen, blank = self.pens.of(style)
            chars[x:end] = cells
            if pen == blank or " " not in text:
                inks[x:end] = [pen] * len(cells)
            else:
                inks[x:end] = [blank if cell == " " else pen for cell in cells]
            x = end
            if x >= limit:
                break
        return x

    @property
    def is_dirty(self) -> bool:
        """Whether there may be a difference to write."""
        return bool(self._dirty)

    def difference(self) -> str:
        """Return what must be written now, empty if nothing; the terminal is taken to have it then."""
        runs: list[Run] = []
        for y in sorted(self._dirty):
            if self._chars[y] != self._shown_chars[y] or self._inks[y] != self._shown_inks[y]:
                self._collect(y, runs)
        self._dirty.clear()
        return self._write(self._ordered(runs)) if runs else ""

    def _collect(self, y: int, runs: list[Run]) -> None:
        """Add the runs of changed cells of a row, each in one ink, over short gaps where that is shorter."""
        chars, pens = self._chars[y], self._inks[y]
        shown_chars, shown_pens = self._shown_chars[y], self._shown_inks[y]
        joined = self.pens.joined
        start = end = pen = -1
        for x in range(self.width):
            if chars[x] == shown_chars[x] and pens[x] == shown_pens[x]:
                continue
            at = x - 1 if not chars[x] and x else x  # half of a wide character: write the character
            if at < end:
                at = end
            both = joined(pen, pens[x]) if start >= 0 else None
            if both is not None and (at == end or self._is_bridge(y, end, at, both)):
                pen, end = both, x + 1
                continue
            if start >= 0:
                runs.append((pen, y, start, end))
            start, end, pen = at, x + 1, pens[x]
        runs.append((pen, y, start, end))
        shown_chars[:], shown_pens[:] = chars, pens

    def _is_bridge(self, y: int, start: int, end: int, pen: int) -> bool:
        """Return whether unchanged cells are cheaper written again than moved over."""
        if end - start > _HOP or not all(char.isascii() and char for char in self._chars[y][start:end]):
            return False
        return all(self.pens.joined(pen, other) == pen for other in self._inks[y][start:end])

    def _ordered(self, runs: list[Run]) -> list[Run]:
        """Return the runs in the order of the fewest bytes.

        With many colours a change of ink is longer than a cursor move: then one ink after the other.
        """
        if not self.pens.is_dear:
            return runs
        groups: dict[int, list[Run]] = {}
        for run in runs:
            if run[0] not in self.pens.blanks:
                groups.setdefault(run[0], []).append(run)
        for run in runs:
            if run[0] in self.pens.blanks:
                # Blanks are written in any ink of their ground.
                host = next((pen for pen in groups if self.pens.joined(pen, run[0]) == pen), run[0])
                groups.setdefault(host, []).append(run)
        return [run for group in groups.values() for run in sorted(group, key=_PLACE)]

    def _write(self, runs: list[Run]) -> str:
        """Return the runs as text with moves and colours; the cursor may be anywhere before."""
        out: list[str] = []
        ink = self._ink
        if ink is None:
            out.append("\x1b[0m")
            ink = _DEFAULT
        row, column = -1, 0
        for pen, y, start, end in runs:
            if y == row and column <= start:
                hop = start - column
                out.append("" if not hop else "\x1b[C" if hop == 1 else f"\x1b[{hop}C")
            else:
                out.append(f"\x1b[{y + 1};{start + 1}H" if start else f"\x1b[{y + 1}H")
            sequence, ink = self.pens.switch(ink, pen)
            out.append(sequence)
            out += self._chars[y][start:end]
            # After the last column the cursor may or may not have moved on.
            row, column = (y, end) if end < self.width else (-1, 0)
        self._ink = ink
        return "".join(out)


_PLACE: Final = itemgetter(1, 2)
