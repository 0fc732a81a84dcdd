"""Whether somebody is there: keys and the mouse tell it, and what can come between the screen and an eye."""

from typing import Final, Literal

Veil = Literal["unfocused", "stalled", "stopped", "rewound"]
"""The terminal has not the focus; it takes nothing; the program stood still; the past is shown."""
Step = Literal["left", "returned", "told"] | None
"""Sum anew from now on; keep what was summed; keep it, and tell it without being asked."""

ASLEEP_S: Final = 10.0
"""A look later than this was missed: the program was stopped, or the machine slept."""
SETTLE_S: Final = 2.0
"""How long after that what had piled up in the sockets is waited for: it came while nobody looked."""
_EVERY_S: Final = 1.0
"""Keys that follow one another closer than this are one sign of life."""


class Presence:
    """Follows when somebody was last there. All times are seconds of a clock that runs during suspends.

    Who was away for ``after_s`` is told what passed meanwhile without asking, if something hid the screen.
    """

    def __init__(self, after_s: float, now: float) -> None:
        self._after_s = after_s
        self._since = now
        """When somebody was last there, or the screen was hidden."""
        self.away_s = 0.0
        """How long the last absence was."""
        self._looked_at = now
        self._woke_at = now
        self._veils: set[Veil] = set()

    @property
    def tells(self) -> bool:
        """Whether anybody is ever told without asking."""
        return self._after_s < float("inf")

    @property
    def is_in_the_past(self) -> bool:
        """Whether the past is shown."""
        return "rewound" in self._veils

    def act(self, now: float) -> Step:
        """Take note of a key or the mouse. Who types is there, whatever the terminal says of its focus."""
        self._look(now)
        if self.is_in_the_past:
            return None
        if "stopped" in self._veils:
            self._veils = {"stopped"}
            return None  # told when what had piled up is in
        is_hidden = bool(self._veils)
        self._veils.clear()
        return self._back(now, is_hidden=is_hidden)

    def hide(self, veil: Veil, now: float) -> Step:
        """Take note that something hides the screen from now on."""
        self._look(now)
        if veil in self._veils:
            return None
        is_seen = not self._veils
        self._veils.add(veil)
        if not is_seen:
            return None
        self._since = now
        return "left"

    def show(self, veil: Veil, now: float) -> Step:
        """Take note that something hides it no longer."""
        self._look(now)
        if veil not in self._veils:
            return None
        self._veils.remove(veil)
        if self._veils:
            return None
        return self._back(now, is_hidden=True)

    def tick(self, now: float) -> Step:
        """Look at the clock, about once a second."""
        self._look(now)
        return self.show("stopped", now) if now - self._woke_at >= SETTLE_S else None

    def _look(self, now: float) -> None:
        if now - self._looked_at > ASLEEP_S:
            self._veils.add("stopped")
            self._woke_at = now
        self._looked_at = now

    def _back(self, now: float, *, is_hidden: bool) -> Step:
        away_s = now - self._since
        if away_s < _EVERY_S:
            return None
        self._since = now
        if away_s < self._after_s:
            return "left"
        self.away_s = away_s
        return "told" if is_hidden else "returned"
