"""A recording on the dashboard: the same screens, on a clock that was recorded."""

import logging
import os
from typing import TYPE_CHECKING

from mdterm.app.commands.context import Failed
from mdterm.app.commands.watch import Ending
from mdterm.app.dashboard import Dashboard
from mdterm.app.keymap import bind_keys
from mdterm.app.notices import NoticeHandler
from mdterm.app.zones import Zone
from mdterm.feeds.address import AddressError, Instrument
from mdterm.feeds.player import Player, ReplayThread
from mdterm.feeds.text import mask
from mdterm.themes.palettes import DEFAULT_THEME

if TYPE_CHECKING:
    from mdterm.app.commands.context import Context
    from mdterm.feeds.recording import Recording

USAGE = 2


def show(
    context: "Context",
    recording: "Recording",
    speed: float,
    start_at: int | None,
    paused: bool,
    fps: float | None,
) -> int:
    """Open the dashboard on a recording; return the exit status. Raise Failed."""
    settings = context.settings()
    context.start_log()
    keymap, problems = bind_keys(settings.keys)
    if problems:
        raise settings.error(f"keys.{problems[0].id}", problems[0].words)
    try:
        zone = Zone(settings.time_zone)
    except ValueError as error:
        raise settings.error("time_zone", str(error)) from None
    period_s = 1.0 / (fps or settings.fps)
    no_color = bool(os.environ.pop("NO_COLOR", ""))

    def make() -> Player:
        player = Player(recording, period_s=period_s, speed=speed, start_at=start_at)
        if paused:
            player.pause()
        return player

    thread = ReplayThread(make)
    thread.start()
    try:
        instruments = instruments_of(thread, recording)
        thread.watch(instruments)
        app = Dashboard(
            thread,
            instruments,
            theme="mono" if no_color else settings.theme or DEFAULT_THEME,
            layout=settings.layout or "trader",
            zone=zone,
            accounts=set(recording.head.accounts),
            keymap=keymap,
            market_clock=thread.player.feed.replay_clock,
            period_s=period_s,
        )
        app.board.player = thread
        logging.getLogger("mdterm").addHandler(
            NoticeHandler(app.notices, lambda text: mask(text, tuple(context.secrets)))
        )

        def close(status: int) -> None:
            loop = app._loop
            if loop is not None:
                loop.call_soon_threadsafe(lambda: app.exit(status, return_code=status))

        ending = Ending(close)
        ending.install()
        status = app.run()
        if app._exception is not None:
            raise app._exception
        return ending.status or app.return_code or status or 0
    finally:
        thread.stop()


def instruments_of(thread: ReplayThread, recording: "Recording") -> list[Instrument]:
    """Return the instruments of a recording. Raise Failed."""
    found: list[Instrument] = []
    for address in recording.head.addresses:
        try:
            found.append(thread.player.feed.resolve(address))
        except AddressError as error:
            raise Failed(f"the recording cannot be shown: {error}", USAGE) from error
    if not found:
        raise Failed("the recording names no instrument", USAGE)
    return found
