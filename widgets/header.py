"""The line about the instrument."""

from typing import Final

from rich.cells import cell_len
from rich.style import Style

from mdterm.feeds.frames import HeaderFrame, PanelFrame
from mdterm.feeds.specs import HeaderSpec
from mdterm.feeds.text import clean
from mdterm.widgets.figures import fit, format_age, format_price, format_size, format_time
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import View
from mdterm.widgets.rows import NO_STYLE, Part, Row, spread

_BOLD: Final = Style(bold=True)
_LONGEST_NAME: Final = 24
_LONGEST_VENUE: Final = 32
_LONGEST_CURRENCY: Final = 8
OLD_S: Final = 10
"""From how many seconds on the age of the last trade is told."""


class Header(View):
    """The instrument in one line: name, venue, last, day figures, and the clock where there is room."""

    def __init__(self, *, id: str = "header") -> None:  # noqa: A002  # Textual's own name for it
        super().__init__(id=id)
        self.symbol = ""
        self.venue = ""
        self.zone = "UTC"
        """What the clock is called."""
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

    def fit(self) -> None:
        """Let columns and scales be those of what is shown now."""
        self._price_width = 0

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return the line. What matters least is left out first where there is no room."""
        frame = self.frame if isinstance(self.frame, HeaderFrame) else None
        body = palette if self.shown.is_current or frame is None else palette.dimmed
        symbol = fit(self.symbol, min(cell_len(self.symbol), _LONGEST_NAME))
        venue = fit(self.venue, min(cell_len(self.venue), _LONGEST_VENUE))
        price = format_price(frame.last if frame else None, frame.digits if frame else 0)
        self._price_width = max(self._price_width, len(price))
        direction = frame.direction if frame else 0
        mark = "▲" if direction > 0 else "▼" if direction < 0 else " "
        told = {
            "symbol": (f" {symbol}", body.text + _BOLD),
            "price": (f"  {price.rjust(self._price_width)} {mark}", body.moved(direction) + _BOLD),
            **({"caution": (f"  {self.caution.badge}", palette.warn)} if self.caution else {}),
            "venue": (f" {venue.replace(' · ', '·')}", body.muted),
            **(_figures(frame, body, self.offset_ns) if frame else {}),
            **(self._age(frame.last_ts, body) if frame and frame.last_ts else {}),
        }
        if self._wall:
            clock = format_time(self._wall + self.offset_ns)
            told["clock"] = (f"  {clock[:5]} {self.zone} ", palette.muted)
        # The same at more length; it takes the place of the short form where there is room.
        longer = {"venue": (f"  {venue}", body.muted)}
        if self._wall:
            longer["clock"] = (f"  {clock} {self.zone} ", palette.muted)
        shown: dict[str, Part] = {}
        room = width
        for name in _PRIORITY:
            part = (longer if name in shown else told).get(name)
            if part is None:
                continue
            more = cell_len(part[0]) - (cell_len(shown[name][0]) if name in shown else 0)
            if more <= room or name == "symbol":
                shown[name] = part
                room -= more
        left = [shown[name] for name in _ORDER if name in shown]
        right = [shown["clock"]] if "clock" in shown else []
        return [spread(left, right, width, " ", NO_STYLE)]

    def _age(self, last_ts: int, palette: Palette) -> dict[str, Part]:
        """Return how long ago it traded last, where that is no matter of seconds.

        A market that is closed is not stale, and what a provider repeats on subscription is not new: only
        the print's own time tells its age. The panels' titles tell what is younger.
        """
        age_s = (self._wall - last_ts) // 1_000_000_000
        if not self._wall or age_s < OLD_S:
            return {}
        return {"age": (f"  traded {format_age(age_s, whole=True)} ago", palette.muted)}


_ORDER: Final = (
    "symbol",
    "name",
    "venue",
    "caution",
    "price",
    "change",
    "vwap",
    "since",
    "range",
    "lot",
    "age",
)
_PRIORITY: Final = (
    *("symbol", "price", "caution", "change", "age", "name", "venue", "clock", "vwap"),
    *("clock", "venue", "range", "since", "lot"),
)
"""What is told first; a name that stands twice gets its longer form the second time."""


def _figures(frame: HeaderFrame, palette: Palette, offset_ns: int) -> dict[str, Part]:
    """Return name, change, VWAP with its start, high and low, lot and currency."""
    told: dict[str, Part] = {}
    digits = frame.digits
    if frame.name is not None:
        told["name"] = (f" {fit(frame.name, min(cell_len(frame.name), _LONGEST_NAME))}", palette.text)
    terms = [] if frame.lot is None else [f"lot {format_size(frame.lot, 0)}"]
    terms += [] if frame.currency is None else [clean(frame.currency, _LONGEST_CURRENCY)]
    if terms:
        told["lot"] = (f"  {' '.join(terms)}", palette.muted)
    if frame.change is not None:
        moved = palette.moved((frame.change > 0) - (frame.change < 0))
        told["change"] = (f"  {frame.change * 100:+.2f} %", moved)
    if frame.vwap is not None:
        doubtful = frame.unreliable_since is not None
        about = "~" if frame.is_vwap_estimated else ""
        vwap = f"  VWAP {about}{format_price(frame.vwap, digits)}{'?' if doubtful else ''}"
        told["vwap"] = (vwap, palette.warn if doubtful else palette.text)
        if frame.vwap_since is not None:
            told["since"] = (f" since {format_time(frame.vwap_since + offset_ns)}", palette.muted)
    if frame.high is not None and frame.low is not None:
        high, low = format_price(frame.high, digits), format_price(frame.low, digits)
        told["range"] = (f"  H {high}  L {low}", palette.text)
    return told
