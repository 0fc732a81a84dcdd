"""The line about the instrument."""

from typing import Final

from rich.cells import cell_len
from rich.style import Style

from mdterm.feeds.frames import HeaderFrame, HeaderSpec, PanelFrame
from mdterm.widgets.figures import fit, format_price, format_time
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import View
from mdterm.widgets.rows import NO_STYLE, Part, Row, spread, width_of

_BOLD: Final = Style(bold=True)
_LONGEST_NAME: Final = 24


class Header(View):
    """The instrument in one line: name, venue, last, day figures, and the clock where there is room."""

    def __init__(self, *, id: str = "header") -> None:  # noqa: A002  # Textual's own name for it
        super().__init__(id=id)
        self.symbol = ""
        self.venue = ""
        self._wall = 0
        self._price_width = 0

    def switch(self, symbol: str, venue: str) -> None:
        """Name another instrument; its figures come with its first frame."""
        self.symbol, self.venue, self._price_width = symbol, venue, 0
        self.repaint()

    def spec(self) -> HeaderSpec:
        """Return the line's view."""
        return HeaderSpec()

    def show(self, panel: PanelFrame, made: float, wall: int) -> None:
        """Take a frame, and its time for the clock."""
        self._wall = wall
        super().show(panel, made, wall)

    def tick(self, now: float, wall: int) -> None:
        """Let the clock advance."""
        self._wall = wall
        super().tick(now, wall)

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return the line; what matters least goes first where there is no room."""
        frame = self.frame if isinstance(self.frame, HeaderFrame) else None
        body = palette if self.shown.is_current or frame is None else palette.dimmed
        symbol = fit(self.symbol, min(cell_len(self.symbol), _LONGEST_NAME))
        venue = fit(self.venue, min(cell_len(self.venue), _LONGEST_NAME + 8))
        price = format_price(frame.last if frame else None, frame.digits if frame else 0)
        self._price_width = max(self._price_width, len(price))
        mark = "▲" if frame and frame.direction > 0 else "▼" if frame and frame.direction < 0 else " "
        moved = body.moved(frame.direction if frame else 0)
        left: list[Part] = [(f" {symbol}", body.text + _BOLD), (f"  {venue}", body.muted)]
        left += [(f"  {price.rjust(self._price_width)} {mark}", moved + _BOLD)]
        if frame is not None:
            left += _figures(frame, body)
        clock: list[Part] = [(f"  {format_time(self._wall)} UTC ", palette.muted)] if self._wall else []
        if width_of(left[:3]) + width_of(clock) > width:
            clock = []
        if width_of(left[:3]) > width:
            del left[1]
        return [spread(left, clock, width, " ", NO_STYLE)]


def _figures(frame: HeaderFrame, palette: Palette) -> list[Part]:
    """Return change, VWAP, high and low; each is one part, so that it can be left out whole."""
    parts: list[Part] = []
    if frame.change is not None:
        parts += [(f"  {frame.change * 100:+.2f} %", palette.moved((frame.change > 0) - (frame.change < 0)))]
    digits = frame.digits
    if frame.vwap is not None:
        parts += [(f"  VWAP {format_price(frame.vwap, digits)}", palette.text)]
    if frame.high is not None and frame.low is not None:
        high, low = format_price(frame.high, digits), format_price(frame.low, digits)
        parts += [(f"  H {high}  L {low}", palette.text)]
    return parts
