"""What passed while nobody looked: noticed by who comes back, asked for by a key."""

from typing import Final

from textual import events

from mdterm.app.alarms import Alarms
from mdterm.app.presence import Presence, Step
from mdterm.widgets.figures import format_age

STALLED_S: Final = 5.0
"""A terminal that has been owed a frame for so long shows nothing to anybody."""
ABSENT_S: Final = 60.0
"""Who attaches again after so long is told what passed."""
BEHIND_KEY_S: Final = 0.1
"""The key that tells of somebody's return is for the board: it is obeyed before anything lies over that."""


class Absences(Alarms, inherit_bindings=False):
    """Tells the feed when somebody leaves and comes back, and shows what passed meanwhile."""

    presence: Presence
    absent_s: float | None = None
    """For how long (s) nobody had looked at the feed when this screen came."""
    knows_focus: bool = False
    """Whether the terminal has ever told of its focus; tmux does not unless it is told to."""

    def open_absences(self) -> None:
        """Begin to sum; what passed before this screen came is kept where the feed ran without it."""
        self.port.returned()
        self.port.left()
        if self.absent_s is not None and self.absent_s >= ABSENT_S and self.presence.tells:
            self.set_timer(BEHIND_KEY_S, self.action_away)

    async def on_event(self, event: events.Event) -> None:
        """Take note of keys and the mouse, then do what they ask."""
        if isinstance(event, events.AppFocus | events.AppBlur):
            self.knows_focus = True
        if isinstance(event, events.InputEvent) and not event.is_forwarded:
            self._attend(self.presence.act(self.clock.mono()))
        await super().on_event(event)

    def watch_app_focus(self, focus: bool) -> None:
        """Take note of where the terminal's focus is."""
        super().watch_app_focus(focus)
        if self.outlet.is_open:
            now = self.clock.mono()
            self._attend(
                self.presence.show("unfocused", now) if focus else self.presence.hide("unfocused", now)
            )

    def attend_terminal(self, behind_s: float | None) -> None:
        """Take note, once a second, of how far (s) the terminal is behind, None where it is not."""
        now = self.clock.mono()
        self._attend(self.presence.tick(now))
        if behind_s is None:
            self._attend(self.presence.show("stalled", now))
        elif behind_s >= STALLED_S:
            self._attend(self.presence.hide("stalled", now))

    def attend_past(self, is_past: bool) -> None:
        """Take note of whether the past is shown."""
        now = self.clock.mono()
        self._attend(self.presence.hide("rewound", now) if is_past else self.presence.show("rewound", now))

    def _attend(self, step: Step) -> None:
        if step == "left":
            self.port.left()
        elif step is not None:
            self.port.returned()
            if step == "told":
                self.set_timer(BEHIND_KEY_S, self.action_away)
            elif not self.knows_focus:
                # Who only watched needs no more than this, and who was away not to be watched for.
                keys = " or ".join(self.bound_keys.keys_of("away")) or "the palette"
                away = format_age(self.presence.away_s, whole=True)
                self.tell(f"{keys} tells what passed in the {away} since the last key")

    def action_away(self) -> None:
        """Show what passed while nobody looked."""
        if self.presence.is_in_the_past:
            self.tell("what passed is told of the live market: > leads back to it", "warning")
            return
        from mdterm.app.awayscreen import AwayScreen

        there = next((one for one in self.screen_stack if isinstance(one, AwayScreen)), None)
        if there is None:
            self.push_screen(AwayScreen(self.board, self.bound_keys))
        else:
            there.show(is_running=False)
