"""The short way to the canvas: what nothing covers is painted without asking who else is there.

Textual's compositor works out for every change what lies over what. Our lines seldom lie under anything:
which of them do is looked up once per layout, and the others put their changed rows on the canvas directly.
The compositor's caches are told, so that it paints the same whenever it has to.
"""

from collections.abc import Sequence
from typing import Any

from rich.style import Style
from textual.app import App
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip

from mdterm.app.outlet import Outlet
from mdterm.widgets.panel import Line


class Express:
    """Knows which lines nothing covers. All methods run on the UI thread."""

    def __init__(self, app: App[Any], outlet: Outlet) -> None:
        self._app = app
        self._outlet = outlet
        self._screen: Screen[Any] | None = None
        self._free: dict[Line, tuple[Region, Style]] = {}
        self._is_due = False

    def survey(self, screen: Screen[Any]) -> None:
        """Look where the lines of a screen are, and which are wholly visible; called after each layout."""
        self._screen = screen
        self._free = {}
        seen = screen._compositor.visible_widgets
        for line, (region, clip) in seen.items():
            if not isinstance(line, Line) or line.size != region.size or not clip.contains_region(region):
                continue
            around = set(line.ancestors_with_self)
            if any(other not in around and region.overlaps(where) for other, (where, _) in seen.items()):
                continue
            if line.styles.has_rule("tint") or any(node.styles.opacity != 1.0 for node in around):
                continue
            self._free[line] = (region, Style(bgcolor=line.background_colors[1].rich_color))
            line.express = self.put

    def put(self, line: Line, rows: Sequence[tuple[int, Strip]]) -> bool:
        """Put rows of a line on the canvas; False where they must take the long way."""
        found, app = self._free.get(line), self._app
        screen, canvas = self._screen, self._outlet.canvas
        if (
            found is None
            or screen is None
            or app.screen is not screen
            or app._batch_count
            or screen._layout_required
            or screen._scroll_required
            or (canvas.width, canvas.height) != app.size
        ):
            return False
        region, ground = found
        if line.size != region.size:
            return False
        for y, strip in rows:
            canvas.put(region.y + y, region.x, strip, region.width, ground)
        if not self._is_due and app._loop is not None:
            # What is put in one turn of the loop is written at once.
            self._is_due = True
            app._loop.call_soon(self._flush)
        return True

    def _flush(self) -> None:
        self._is_due = False
        if self._outlet.canvas.is_dirty:
            self._outlet.release()
