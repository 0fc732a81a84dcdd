"""Two providers of one instrument, one of them late and dearer: the screen tells by how much."""

import re
import threading
import time
from collections import deque
from pathlib import Path

import pytest

from tests.program.launch import TOKEN
from tests.program.terminal import Terminal
from tests.program.venue import EXCHANGE, Point, Venue, book_point, trade_point

SYMBOL, BLOCK = "BTCUSDT", 0.1
LAG_S = 0.3
DEARER = 12
"""Basis points that the late one is above the other."""


def points(at: int, factor: float) -> list[Point]:
    """Return a trade and a book around it."""
    now = time.time_ns()
    price = round((60_000 + (at * 37 % 101)) * factor, 1)
    levels = [(round(price - step * BLOCK, 1), 1.0) for step in (1, 2)], [(round(price + BLOCK, 1), 1.0)]
    return [
        trade_point(SYMBOL, f"{at}", now, price, 0.5, "BUY"),
        book_point(SYMBOL, now, BLOCK, *levels),
    ]


def test_drift_and_lag_of_two_providers_are_those_that_were_sent(tmp_path: Path) -> None:
    block_sizes = {SYMBOL: BLOCK}
    with Venue(block_sizes=block_sizes) as prompt, Venue(block_sizes=block_sizes) as late:
        tables = []
        for name, venue in (("prompt", prompt), ("late", late)):
            tables.append(
                f'[providers.{name}]\nkind = "kiyotaka"\ntoken = {{ env = "TOKEN_{name.upper()}" }}\n'
                f'book_url = "ws://127.0.0.1:{venue.port}/ws"\n'
                f'nonbook_url = "ws://127.0.0.1:{venue.port}/nonbook/ws"\n'
                f'rest_url = "http://127.0.0.1:{venue.port}"\n'
                f'block_sizes = {{ "{EXCHANGE}:{SYMBOL}" = {BLOCK} }}\n'
            )
        config = tmp_path / "pairs.toml"
        pair = f'["prompt:{SYMBOL}", "late:{SYMBOL}"]'
        config.write_text(f'pairs = [{pair}]\nlayout = "compare"\n' + "\n".join(tables))
        stopped = threading.Event()

        def send() -> None:
            at, due = 0, deque[tuple[float, int]]()
            while not stopped.wait(0.02):
                now = time.monotonic()
                if at * 0.12 <= now - began:
                    prompt.publish(points(at, 1.0))
                    due.append((now + LAG_S, at))
                    at += 1
                while due and due[0][0] <= now:
                    late.publish(points(due.popleft()[1], 1 + DEARER / 10_000))

        keys = {"TOKEN_PROMPT": TOKEN, "TOKEN_LATE": TOKEN}
        with Terminal(
            tmp_path, "--config", str(config), f"prompt:{SYMBOL}", env=keys, columns=100, lines=24
        ) as terminal:
            prompt.wait_subscribed(("TRADE", SYMBOL), ("BLOCK_BOOK_SNAPSHOT", SYMBOL))
            late.wait_subscribed(("TRADE", SYMBOL), ("BLOCK_BOOK_SNAPSHOT", SYMBOL))
            began = time.monotonic()
            sender = threading.Thread(target=send)
            sender.start()
            try:
                lag = terminal.wait_for(lag_told, within=40)
            finally:
                stopped.set()
                sender.join()
            # The market stands still: both say the same now, each at its own price.
            for venue, factor in ((prompt, 1.0), (late, 1 + DEARER / 10_000)):
                venue.publish(points(7, factor))
            terminal.wait_for(lambda lines: drift_told(lines) == pytest.approx(DEARER, abs=0.02))
            assert any("PARTED" in line for line in terminal.lines())
            assert terminal.words() == ""
    assert lag == pytest.approx(LAG_S * 1000, abs=60)


def lag_told(lines: list[str]) -> float | None:
    """Return by how many milliseconds the second is told to be behind."""
    found = re.search(r"(\d+) ms behind", "\n".join(lines))
    return None if found is None else float(found[1])


def drift_told(lines: list[str]) -> float | None:
    """Return the drift in basis points."""
    found = re.search(r"drift +([+-][\d.]+) bps of mids", "\n".join(lines))
    return None if found is None else float(found[1])
