"""`mdterm ssh` against the program itself through ssh: the same market, at the same time, over a far link.

Bytes are counted at a relay before a real ssh daemon, in both directions; a key is pressed on a
pseudoterminal and its paint is looked for on the screen that it draws.
"""

import contextlib
import os
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.screen import percentile
from tests.benchmarks.table import Row, at_most
from tests.program.launch import Running, environment, options_to
from tests.program.slow_link import SlowLink
from tests.program.ssh import IS_THERE, Sshd
from tests.program.terminal import Terminal

DELAY_S = 0.1
"""Each way."""
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
ADDRESSES = tuple(f"kiyotaka:BINANCE_FUTURES:{symbol}" for symbol in SYMBOLS)
COLUMNS, LINES = 120, 40
WARM_S = 8.0
"""After the first screen, until nothing is loaded any more."""
TOKEN = "benchmark-token"


class Screen(NamedTuple):
    """A screen behind its own link."""

    name: str
    terminal: Terminal
    link: SlowLink


@contextlib.contextmanager
def screens(*, delay_s: float = DELAY_S, bytes_per_s: float | None = None) -> Iterator[dict[str, Screen]]:
    """Run the program here on a feed there, and the program there, each behind a link of its own."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name in ("sshd", "venue", "here", "there", "plain"):
            (folder / name).mkdir()
        venue = stack.enter_context(Running(folder / "venue", "simulate", "--port", "0", "--seed", "7"))
        sshd = stack.enter_context(Sshd(folder / "sshd"))
        told = " ".join(shlex.quote(one) for one in options_to(venue))

        def program(home: Path) -> str:
            words = environment(home, {"MDTERM_KIYOTAKA_TOKEN": TOKEN, "COLORTERM": "truecolor"})
            env = " ".join(shlex.quote(f"{name}={value}") for name, value in words.items())
            return f"env {env} {sys.executable} -m mdterm.app.main {told}"

        far = {"COLORTERM": "truecolor"}
        found = {}
        for name in ("mdterm ssh", "plain", "plain -C"):
            link = stack.enter_context(SlowLink(sshd.port, delay_s=delay_s, bytes_per_s=bytes_per_s))
            if name == "mdterm ssh":
                stack.callback(_stop, folder / "there")
                called = ("ssh", "127.0.0.1", *ADDRESSES, "--remote-command", program(folder / "there"))
                arguments = [*called, "--", *sshd.options(link.port)]
                terminal = Terminal(folder / "here", *arguments, env=far, columns=COLUMNS, lines=LINES)
            else:
                remote = f"{program(folder / 'plain')} {' '.join(ADDRESSES)}"
                home = folder / name.replace(" ", "")
                home.mkdir(exist_ok=True)
                run = sshd.client(remote, link.port)
                run = [*run[:1], *name.split()[1:], *run[1:]]
                terminal = Terminal(home, run=run, env=far, columns=COLUMNS, lines=LINES)
            found[name] = Screen(name, stack.enter_context(terminal), link)
            terminal.wait_for(lambda lines: any("TAPE" in line for line in lines), 60)
        time.sleep(WARM_S)
        yield found


def _stop(home: Path) -> None:
    """End the feed that was started there."""
    from mdterm.app.feed_place import Place, read_note

    note = read_note(Place(home / "state" / "mdterm" / "run"))
    if note is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(note.pid, signal.SIGTERM)


def presses(screen: Screen, key: str, is_there: Callable[[list[str]], bool]) -> float:
    """Press a key; return how long (ms) until the screen shows what it does."""
    begun = time.perf_counter()
    screen.terminal.press(key)
    screen.terminal.wait_for(is_there)
    return (time.perf_counter() - begun) * 1000


def helps(screen: Screen) -> float:
    """Press ``?`` and close the help again."""
    took = presses(screen, "?", lambda lines: any("─ KEYS ─" in line for line in lines))
    presses(screen, "?", lambda lines: not any("─ KEYS ─" in line for line in lines))
    return took


def lays_out(screen: Screen) -> float:
    """Press ``l``."""
    before = titles(screen.terminal)
    return presses(screen, "l", lambda lines: titles_of(lines) != before)


def switches(screen: Screen) -> float:
    """Press ``]``: header and ladder of the next symbol."""
    first = first_line(screen.terminal)
    at = next(at for at, symbol in enumerate(SYMBOLS) if first.startswith(f" {symbol} "))
    symbol = SYMBOLS[(at + 1) % len(SYMBOLS)]

    def is_there(lines: list[str]) -> bool:
        return lines[0].startswith(f" {symbol} ") and any("BID" in line for line in lines)

    return presses(screen, "]", is_there)


def first_line(terminal: Terminal) -> str:
    """Return the header."""
    return terminal.wait_for(lambda lines: lines[0])


def titles_of(lines: list[str]) -> tuple[str, ...]:
    """Return where each panel stands."""
    words = ("LADDER", "TAPE", "CHART", "WATCH", "ACCOUNT", "DERIV")
    return tuple(f"{word}{line.find(word)}" for line in lines for word in words if word in line)


def titles(terminal: Terminal) -> tuple[str, ...]:
    """Return where each panel stands now."""
    return terminal.wait_for(titles_of)


def rows(short: bool) -> Iterator[Row]:
    """Measure bytes a second at the same time, then keys in turn."""
    if not IS_THERE:
        yield Row("mdterm ssh", "no sshd here")
        return
    with screens() as found:
        yield from _bytes(found, 10.0 if short else 30.0)
        yield from _keys(found, 14 if short else 42)


def _bytes(found: dict[str, Screen], seconds: float) -> Iterator[Row]:
    before = {name: (one.link.down.bytes, one.link.up.bytes) for name, one in found.items()}
    asked = {name: one.terminal.positions_asked for name, one in found.items()}
    time.sleep(seconds)
    rates: dict[str, tuple[float, float]] = {}
    for name, one in found.items():
        down_then, up_then = before[name]
        rates[name] = (one.link.down.bytes - down_then) / seconds, (one.link.up.bytes - up_then) / seconds
    plain = sum(rates["plain"])
    for name, (down, up) in rates.items():
        fps = (found[name].terminal.positions_asked - asked[name]) / seconds
        beside = f"{down / 1000:.2f} down, {up / 1000:.2f} up, {fps:.1f} frames/s"
        if name == "mdterm ssh":
            yield at_most(f"bytes on the link, {name}", (down + up) / 1000, plain / 1000, "kB/s", beside)
        else:
            yield Row(f"bytes on the link, {name}", f"{(down + up) / 1000:.2f} kB/s", beside)


def _keys(found: dict[str, Screen], times: int) -> Iterator[Row]:
    took: dict[tuple[str, str], list[float]] = {}
    ways = {"?": helps, "l": lays_out, "]": switches}
    for key, way in ways.items():
        for _ in range(times):
            for name in ("mdterm ssh", "plain"):
                took.setdefault((key, name), []).append(way(found[name]))
                time.sleep(0.15)
    for key in ways:
        here, there = (sorted(took[key, name]) for name in ("mdterm ssh", "plain"))
        for percent in (0.5, 0.99):
            beside = f"plain {percentile(there, percent):.0f} ms"
            limit = round(percentile(there, percent))
            yield at_most(
                f"{key} to paint, p{percent * 100:.0f}", percentile(here, percent), limit, "ms", beside
            )
