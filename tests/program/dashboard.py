"""The dashboard on markets of a venue, ready to be looked at."""

from collections.abc import Sequence
from pathlib import Path

from tests.program.launch import TOKEN, WITHIN_S
from tests.program.market import Market, faults_of
from tests.program.terminal import Terminal
from tests.program.venue import Venue


def open_dashboard(
    home: Path,
    venue: Venue,
    markets: Sequence[Market],
    *,
    columns: int = 80,
    lines: int = 24,
    answers: bool = True,
    watch: Sequence[Market] = (),
    options: Sequence[str] = (),
) -> Terminal:
    """Open the dashboard on ``watch``, else on markets; return once it hears of all of ``markets``."""
    terminal = Terminal(
        home,
        *(f"kiyotaka:{market.symbol}" for market in watch or markets),
        *venue.options(),
        *options,
        env={"MDTERM_KIYOTAKA_TOKEN": TOKEN},
        columns=columns,
        lines=lines,
        answers=answers,
    )
    try:
        venue.wait_subscribed(*channels_of(markets))
    except AssertionError as error:
        with terminal:
            raise AssertionError(f"{error}\n{terminal.picture()}") from None
    return terminal


def channels_of(markets: Sequence[Market]) -> list[tuple[str, str]]:
    """Return the channels that the dashboard needs for markets."""
    return [(kind, market.symbol) for market in markets for kind in ("TRADE", "BLOCK_BOOK_SNAPSHOT")]


def wait_for_truth(
    terminal: Terminal, market: Market, *, least_prints: int = 1, within: float = WITHIN_S
) -> None:
    """Return once the whole screen is right; else tell what stayed wrong."""
    found: list[str] = []

    def is_right(lines: list[str]) -> bool:
        found[:] = faults_of(lines, market, least_prints)
        return not found

    try:
        terminal.wait_for(is_right, within)
    except AssertionError as error:
        raise AssertionError("\n".join([*found, str(error)])) from None
