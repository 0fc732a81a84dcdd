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

    def action_newest_bar(self) -> None:
        """Go back to the newest bar."""
        self.chart.follow()

    def action_next_lines(self) -> None:
        """Draw other lines over the bars."""
        self.chart.next_lines()
        self.bind_views()

    def action_show_profile(self) -> None:
        """Show or hide the session's volume by price beside the bars."""
        self.chart.with_profile = not self.chart.with_profile
        self.bind_views()

    def action_show_cvd(self) -> None:
        """Show or hide the CVD below the bars."""
        self.chart.with_cvd = not self.chart.with_cvd
        self.bind_views()

    def action_next_plot(self) -> None:
        """Show the next plot, and after the last one the bars again."""
        self.chart.next_plot()
        self.bind_views()

    def on_chart_scrolled(self) -> None:
        """Ask for the bars that are wanted now."""
        self.bind_views()
