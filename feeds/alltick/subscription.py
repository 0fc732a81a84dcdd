"""One kind's subscription on one socket: what is wanted, what the server has, and what to ask for next.

Each request replaces the one before, so every one carries all that shall be subscribed. A code that the
server refuses may fail the whole request: halves find it, and what is known to be good stays in each.
"""

from collections.abc import Sequence

from mdterm.feeds.alltick import facts


class Subscription:
    """Codes in order of importance; pure."""

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.wanted: tuple[str, ...] = ()
        self.refused: dict[str, str] = {}
        """Codes that are asked for no more, with the words."""
        self.accepted: frozenset[str] = frozenset()
        """What the server has, as far as it said so."""
        self.asked: tuple[str, ...] | None = None
        """The request that is not answered yet."""
        self._suspects: list[list[str]] = []
        """Groups of which at least one code spoilt a request."""
        self._is_doubtful = False
        """Whether a failed request may have changed what the server has."""
        self._is_settled = False
        """Whether nothing is to be said until something changes: thousands of codes are compared once."""

    def want(self, codes: Sequence[str]) -> None:
        """Set what shall be subscribed, the most important first."""
        self._is_settled = False
        self.wanted = tuple(dict.fromkeys(codes))
        still = set(self.wanted)
        self.refused = {code: words for code, words in self.refused.items() if code in still}

    def reopened(self) -> None:
        """Begin anew: a fresh socket has nothing subscribed."""
        self._is_settled = False
        self.accepted, self.asked, self._is_doubtful = frozenset(), None, False

    def target(self) -> list[str]:
        """Return what can be subscribed: all that is wanted, not refused, and within the cap."""
        return [code for code in self.wanted if code not in self.refused][: self.cap]

    def beyond(self) -> list[str]:
        """Return what is wanted and over the cap."""
        return [code for code in self.wanted if code not in self.refused][self.cap :]

    def next(self) -> list[str] | None:
        """Return what to ask for now, an empty list to cancel, None if there is nothing to say."""
        if self.asked is not None or self._is_settled:
            return None
        found = self._next()
        self._is_settled = found is None
        return found

    def _next(self) -> list[str] | None:
        target = self.target()
        still = set(target) - self.accepted
        self._suspects = [
            rest for group in self._suspects if (rest := [one for one in group if one in still])
        ]
        if not target:
            return [] if self.accepted else None
        # What is new goes before what is suspected, so that a search does not hold it up.
        fresh = still.difference(*self._suspects)
        if fresh or self._suspects:
            asked = self.accepted.union(fresh or self._suspects[0])
            return [code for code in target if code in asked]
        if self._is_doubtful or self.accepted != set(target):
            return target
        return None

    def missing(self) -> set[str]:
        """Return what shall be subscribed and is not yet, asked for or not."""
        return set(self.target()) - self.accepted

    def ask(self, codes: Sequence[str]) -> None:
        """Remember that ``codes`` were asked for."""
        self.asked = tuple(codes)

    def confirm(self) -> tuple[str, ...]:
        """Take what was asked for as subscribed; return it."""
        self._is_settled = False
        asked, self.asked = self.asked or (), None
        self.accepted, self._is_doubtful = frozenset(asked), False
        self._suspects = [
            rest for group in self._suspects if (rest := [one for one in group if one not in self.accepted])
        ]
        return asked

    def retry(self) -> None:
        """Take a request back that was not carried out; ``next`` asks for the same again."""
        self._is_settled = False
        self.asked, self._is_doubtful = None, True

    def refuse(self, words: str) -> None:
        """Take back a request that one of its codes spoilt: mark it if it was alone, else look further."""
        self._is_settled = False
        asked, self.asked = self.asked or (), None
        self._is_doubtful = True
        suspects = [code for code in asked if code not in self.accepted]
        if not suspects:
            # What was good is no more: nothing is known of any of them.
            suspects, self.accepted = list(asked), frozenset()
        self._suspects = [
            rest for group in self._suspects if (rest := [one for one in group if one not in suspects])
        ]
        if len(suspects) == 1:
            self.refused[suspects[0]] = words
            return
        half = (len(suspects) + 1) // 2
        self._suspects[:0] = [suspects[:half], suspects[half:]]

    def refuse_all(self, words: str) -> None:
        """Ask no more for what was asked for and is not subscribed."""
        self._is_settled = False
        asked, self.asked = self.asked or (), None
        self._is_doubtful = True
        lost = tuple(code for code in asked if code not in self.accepted) or asked
        self.accepted -= set(lost)
        self.refused.update(dict.fromkeys(lost, words))

    def shrink(self, words: str) -> None:
        """Ask for fewer codes: the plan allows less than was thought. A single one is refused."""
        count = len(self.asked or ())
        if count <= 1:
            self.refuse(words)
            return
        self.cap = next((cap for cap in facts.CODE_CAPS if cap < count), count // 2)
        self.retry()
        self.accepted, self._suspects = frozenset(), []
