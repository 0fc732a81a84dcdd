"""A recording on the dashboard: the same screens, on a clock that was recorded."""

import logging
import os
from typing import TYPE_CHECKING

from mdterm.app.choices import choose
from mdterm.app.colours import colours_of
from mdterm.app.commands.context import USAGE, Failed
from mdterm.app.commands.watch import run_screen
from mdterm.app.dashboard import Dashboard
from mdterm.app.notices import NoticeHandler
from mdterm.app.state import State
from mdterm.feeds.address import AddressError
from mdterm.feeds.player import Player, ReplayThread
from mdterm.feeds.text import mask

if TYPE_CHECKING:
    from mdterm.app.commands.context import Context
    from mdterm.feeds.recording import Recording


def show(
    context: "Context",
    recording: "Recording",
    speed: float,
    start_at: int | None,
    paused: bool,
    fps: float | None,
) -> int:
    """Open the dashboard on a recording; return the exit status. Raise Failed.

    It looks as it was left the last time; what is changed is not kept.
    """
    settings = context.settings()
    context.start_log()
    no_color = bool(os.environ.pop("NO_COLOR", ""))
    choices = choose(settings, State(), no_color=no_color, colours=colours_of(os.environ))
    period_s = 1.0 / (fps or settings.fps)

    def make() -> Player:
        player = Player(recording, period_s=period_s, speed=speed, start_at=start_at, pairs=settings.pairs)
        if paused:
            player.pause()
        return player

    if not recording.head.addresses:
        raise Failed("the recording names no instrument", USAGE)
    thread = ReplayThread(make)
    try:
        thread.start()
    except AddressError as error:
        raise Failed(f"the recording cannot be shown: {error}", USAGE) from error
    try:
        instruments = [thread.player.feed.resolve(address) for address in recording.head.addresses]
        app = Dashboard(
            thread,
            instruments,
            theme=choices.theme,
            is_red_up=choices.is_red_up,
            own_themes=choices.own_themes,
            is_ascii=choices.is_ascii,
            units=choices.units,
            layout=choices.layout,
            zone=choices.zone,
            accounts=set(recording.head.accounts),
            keymap=choices.keymap,
            market_clock=thread.player.feed.replay_clock,
            period_s=period_s,
            away_after_s=settings.away_after * 60 or float("inf"),
        )
        app.board.player = thread
        logging.getLogger("mdterm").addHandler(
            NoticeHandler(app.notices, lambda text: mask(text, tuple(context.secrets)))
        )
        return run_screen(app)
    finally:
        thread.stop()
