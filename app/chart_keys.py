"""What the keys of the chart do. Their names are the ids of the keymap."""

from mdterm.app.deck import Deck
from mdterm.widgets.chart import INTERVALS


class ChartKeys(Deck, inherit_bindings=False):
    """The keys of the chart."""

    def action_next_interval(self) -> None:
        """Show longer bars."""
        self._change_interval(1)

    def action_previous_interval(self) -> None:
        """Show shorter bars."""
        self._change_interval(-1)

    def _change_interval(self, by: int) -> None:
        at = INTERVALS.index(self.chart.interval) + by
        if 0 <= at < len(INTERVALS):
            self.chart.choose_interval(INTERVALS[at])
            self.bind_views()

    def action_bar_before(self) -> None:
        """Mark the bar before."""
        self.chart.move_cursor(-1)

    def action_bar_after(self) -> None:
        """Mark the bar after."""
        self.chart.move_cursor(1)

    def action_zoom_in(self) -> None:
        """Give each bar more room."""
        self.chart.choose_zoom(1)

    def action_zoom_out(self) -> None:
        """Give each bar less room."""
        self.chart.choose_zoom(-1)

    def on_chart_scrolled(self) -> None:
        """Ask for the bars that are wanted now."""
        self.bind_views()
