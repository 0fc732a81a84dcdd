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
        self._is_doubtful = False
        """Whether a failed request may have changed what the server has."""

    def want(self, codes: Sequence[str]) -> None:
        """Set what shall be subscribed, the most important first."""
        self.wanted = tuple(dict.fromkeys(codes))
        self.refused = {code: words for code, words in self.refused.items() if code in self.wanted}

    def reopened(self) -> None:
        """Begin anew: a fresh socket has nothing subscribed."""
        self.accepted, self.asked, self._is_doubtful = frozenset(), None, False
        if self._suspects:
            # In the middle of a search: what was good goes first, together.
            known = {code for group in self._suspects for code in group}
            good = [code for code in self.target() if code not in known]
            self._suspects = [good, *self._suspects] if good else self._suspects

    def target(self) -> list[str]:
        """Return what can be subscribed: all that is wanted, not refused, and within the cap."""
        return [code for code in self.wanted if code not in self.refused][: self.cap]

    def beyond(self) -> list[str]:
        """Return what is wanted and over the cap."""
        return [code for code in self.wanted if code not in self.refused][self.cap :]

    def next(self) -> list[str] | None:
        """Return what to ask for now, an empty list to cancel, None if there is nothing to say."""
        if self.asked is not None:
            return None
        target = self.target()
        self._sort_suspects(target)
        if not target:
            self._suspects = []
            return [] if self.accepted else None
        if self._suspects:
            asked = self.accepted.union(self._suspects[0])
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
        asked, self.asked = self.asked or (), None
        self.accepted, self._is_doubtful = frozenset(asked), False
        self._suspects = [
            rest for group in self._suspects if (rest := [one for one in group if one not in self.accepted])
        ]
        return asked

    def retry(self) -> None:
        """Take a request back that was not carried out; ``next`` asks for the same again."""
        self.asked, self._is_doubtful = None, True

    def refuse(self, words: str) -> tuple[str, ...]:
        """Take back a request that a code spoilt; return the code if it is known now, else look further."""
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
            return (suspects[0],)
        half = (len(suspects) + 1) // 2
        self._suspects[:0] = [part for part in (suspects[:half], suspects[half:]) if part]
        return ()

    def refuse_all(self, words: str) -> tuple[str, ...]:
        """Ask no more for what was asked for and is not subscribed; return it."""
        asked, self.asked = self.asked or (), None
        self._is_doubtful = True
        lost = tuple(code for code in asked if code not in self.accepted) or asked
        self.accepted -= set(lost)
        self.refused.update(dict.fromkeys(lost, words))
        return lost

    def shrink(self, words: str) -> tuple[str, ...]:
        """Ask for fewer codes: the plan allows less than was thought; return a code that is refused alone."""
        count = len(self.asked or ())
        if count <= 1:
            return self.refuse(words)
        self.cap = next((cap for cap in facts.CODE_CAPS if cap < count), count // 2)
        self.retry()
        self.accepted, self._suspects = frozenset(), []
        return ()

    def _sort_suspects(self, target: Sequence[str]) -> None:
        """Keep only suspects that are still wanted and missing; new codes come first, as one group."""
        open_ = [code for code in target if code not in self.accepted]
        still = set(open_)
        groups = [rest for group in self._suspects if (rest := [one for one in group if one in still])]
        known = {code for group in groups for code in group}
        fresh = [code for code in open_ if code not in known]
        self._suspects = [fresh, *groups] if fresh else groups
