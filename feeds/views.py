"""What a panel shows, computed from market state: from a spec to a frame, by pure functions.

Grouping, filters and windows are in the modules beside, not in the market and not in the widgets.
"""

from mdterm.feeds.frames import Frame
from mdterm.feeds.market import Market
from mdterm.feeds.specs import ChartSpec, HeaderSpec, LadderSpec, PlotSpec, TapeSpec, ViewSpec
from mdterm.feeds.view_chart import chart_view
from mdterm.feeds.view_header import header_view
from mdterm.feeds.view_ladder import ladder_view
from mdterm.feeds.view_plot import plot_view
from mdterm.feeds.view_tape import tape_view


def view(market: Market, spec: ViewSpec, now: float) -> Frame | None:
    """Return the frame for a spec of one instrument, or None while there is nothing to show."""
    if isinstance(spec, LadderSpec):
        return ladder_view(market, spec)
    if isinstance(spec, TapeSpec):
        return tape_view(market, spec, now)
    if isinstance(spec, HeaderSpec):
        return header_view(market)
    if isinstance(spec, ChartSpec):
        return chart_view(market, spec)
    if isinstance(spec, PlotSpec):
        return plot_view(market, spec)
    raise TypeError(f"no view for {type(spec).__name__}")
