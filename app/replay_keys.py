"""What the keys of a replay do. Where nothing is replayed they say so."""

from typing import TYPE_CHECKING, Final, Protocol

from mdterm.app.deck import Deck
from mdterm.feeds.frames import ReplayLine

if TYPE_CHECKING:
    from mdterm.feeds.player import PlayCommand

SKIP_S: Final = 10.0
"""How far one press goes back or forward."""


class Playing(Protocol):
    """What can be told how to go on."""

    def play(self, command: "PlayCommand", *args: float) -> None:
        """Have something done; return at once."""


def has_arrived(before: ReplayLine | None, now: ReplayLine | None) -> bool:
    """Return whether a replay has just come to where it was sent, or to its end."""
    if before is None or now is None:
        return False
    return before.is_seeking > now.is_seeking or before.has_ended < now.has_ended


class ReplayKeys(Deck, inherit_bindings=False):
    """The part of the board that drives a replay; ``player`` is None while the market is live."""

    player: Playing | None = None
    no_player = ""
    """Why there is none, where it is not as a matter of course."""

    def _play(self, command: "PlayCommand", *args: float) -> None:
        if self.player is None:
            words = self.no_player or "nothing is replayed"
            self.app.notify(f"{words}: mdterm replay FILE shows a recording", markup=False)
        else:
            self.player.play(command, *args)

    def action_replay_pause(self) -> None:
        """Stop the replay, or let it go on."""
        self._play("pause")

    def action_replay_step(self) -> None:
        """Go on by one message of the shown instrument."""
        self._play("step")

    def action_replay_slower(self) -> None:
        """Replay slower."""
        self._play("slower")

    def action_replay_faster(self) -> None:
        """Replay faster."""
        self._play("faster")

    def action_replay_back(self) -> None:
        """Go back by ten seconds."""
        self._play("skip", -SKIP_S)

    def action_replay_on(self) -> None:
        """Go on by ten seconds."""
        self._play("skip", SKIP_S)

    def action_replay_big(self) -> None:
        """Go on to the next big trade of the shown instrument."""
        self._play("next_big")

    def action_replay_jump(self) -> None:
        """Ask for a time, and go there."""
        if self.player is None:
            self._play("pause")
            return
        from mdterm.app.jump import JumpScreen

        self.app.push_screen(JumpScreen(self.keymap, self.replay_at()), self._jump)

    def replay_at(self) -> int:
        """Return the recorded time (ns) that is shown."""
        raise NotImplementedError

    def _jump(self, at: int | None) -> None:
        if at is not None:
            self._play("jump", at)
