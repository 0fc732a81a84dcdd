"""Notice that the program did not run: it was stopped (Ctrl-Z, SIGSTOP), or the machine slept."""

from typing import Final

from mdterm.feeds.clock import Clock

UNSEEN_S: Final = 10.0
"""Later than this a look is not late but missed: nobody sent heartbeats, and venues hang up or leave out."""


class Vigil:
    """Looks at a clock that runs during stops and suspends, whenever it is asked to."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at = clock.mono()

    def missed(self) -> int | None:
        """Return when (wall, ns) the last look was, if it was too long ago; None if all is well."""
        now, before = self._clock.mono(), self._at
        self._at = now
        return self._clock.wall() - round((now - before) * 1e9) if now - before > UNSEEN_S else None
