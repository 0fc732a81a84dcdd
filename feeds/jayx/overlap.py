"""Which trades of a list are new: JayX repeats its newest trades with every push and numbers none of them."""

from collections import Counter
from collections.abc import Sequence

from mdterm.feeds.jayx.wire import Trade

_REMEMBERED = 1000


class Overlap:
    """Remembers the newest trades told (at most 1,000), newest first, also across connections."""

    def __init__(self) -> None:
        self._known: list[Trade] = []
        self.repeated = 0
        """Trades that had been told before."""

    def continues(self, told: Sequence[Trade]) -> bool:
        """Return whether a list begins where what is known ends or before, so that nothing lies between."""
        return not told or not self._known or _shift(_newest_first(told), self._known) is not None

    def is_met_by(self, told: Sequence[Trade]) -> bool:
        """Return whether a list holds the newest that is known: nothing can have been missed before it."""
        return bool(told and self._known) and self.continues(told)

    def fresh(self, told: Sequence[Trade]) -> list[Trade]:
        """Return the trades of ``told`` that are new, in the order of their happening.

        The new list is the old one shifted: the first ``k`` entries are new, for the smallest ``k`` at which
        the rest equals the beginning of what is known. Where nothing lines up, new are those that happened
        after the newest known, and those of the known span that are not among the known (they came late).
        """
        new = _newest_first(told)
        if not new:
            return []
        known = self._known
        shift = _shift(new, known)
        if shift is None:
            fresh = _unknown(new, known)
            older = [one for one in known if one.created < new[-1].created]
            self._known = [*new, *older][:_REMEMBERED]
        else:
            fresh = new[:shift]
            if shift + len(known) < len(new):
                self._known = new[:_REMEMBERED]
            elif fresh:
                self._known = [*fresh, *known][:_REMEMBERED]
        self.repeated += len(new) - len(fresh)
        fresh.reverse()
        return fresh


def _newest_first(told: Sequence[Trade]) -> list[Trade]:
    new = list(told)
    if len(new) > 1 and new[0].created < new[-1].created:
        new.reverse()  # the docs' example is newest first; nothing promises it
    return new


def _shift(new: list[Trade], known: list[Trade]) -> int | None:
    """Return the smallest shift at which the two lists agree, None where they never do."""
    if not known:
        return None
    newest = known[0]
    for shift, one in enumerate(new):
        if one == newest:
            length = min(len(new) - shift, len(known))
            if new[shift : shift + length] == known[:length]:
                return shift
    return None


def _unknown(new: list[Trade], known: list[Trade]) -> list[Trade]:
    if not known:
        return new
    since, had = known[-1].created, Counter(known)
    fresh: list[Trade] = []
    for one in new:
        # Older than all that is known: told before anybody listened, or forgotten.
        if one.created < since or (one.created == since and since != known[0].created):
            continue
        if had[one] > 0:
            had[one] -= 1
        else:
            fresh.append(one)
    return fresh
