"""What changed from one tree of plain values to the next, told shortly: frames for a far screen.

Trees are what msgspec makes of structs: dicts whose keys keep their order, lists, atoms. A patch is of
msgpack's own types, and means by what the old value is:

- an int changes a number: of an int it is the difference, of a time in whole milliseconds so many of these,
  of a float the difference in its decimals;
- a map changes the entries of a dict that it names, by their place or, where they are new, by their name;
- an array of two changes elements of a list: how far each is from the one before, and the patch of each;
- an array of four, with length and shift before these, is a list of another length or one that has moved:
  element ``i`` begins as the old ``i - shift``, one without an old one as its neighbour;
- an array of one holds the new value; None, a string, a bool and a float are it themselves.

Both ends compute decimals in the same way, and the sender makes sure that what the receiver gets is equal.
Floats that are sums carry noise far behind any digit that is ever shown; it is rounded off.
"""

from typing import Any, Final

SAME: Final = object()
"""What ``diff`` returns where nothing changed."""
LONGEST: Final = 100_000
"""Elements of a list that a patch may make."""
LEAST: Final = 3
_LEASTS: Final = {"age": 2}
"""The same of what has always as many, by its name."""
_MOST: Final = 9
_MS, _TIMES = 1_000_000, 10**15
_EXACT: Final = 2**53
_LOOK: Final = 64
"""So far a list may have moved."""
_DECIMALS: Final = {
    "change": 8,
    "imbalance": 6,
    "usual": 4,
    "rate": 4,
    "delay_ms": 2,
    "pace": 4,
    "volume_pace": 6,
}
"""Decimals of what is told coarsely on any screen, by its name."""


def diff(old: Any, new: Any, least: int = LEAST) -> Any:
    """Return the patch that makes ``new`` of ``old``, SAME where there is nothing to do.

    A float is taken to have ``least`` decimals at least, so that one more digit is no news. Floats in
    ``new`` that differ are rounded in place, so that it is what the other end has then.
    """
    kind = type(new)
    if kind is type(old):
        if old == new:
            return SAME
        if kind is int:
            count, rest = divmod(new - old, _unit(old))
            return [new] if rest else count
        if kind is float:
            return _step(old, new, least)
        if kind is dict:
            return _entries(old, new)
        if kind is list:
            return _elements(old, new)
    return new if kind in _THEMSELVES else [new]


def patch(old: Any, told: Any, least: int = LEAST) -> Any:
    """Return what a patch makes of ``old``, which stays as it is. Raise ValueError where it fits not."""
    kind = type(told)
    if kind in _THEMSELVES:
        return told
    if kind is int:
        if type(old) is int:
            return old + told * _unit(old)
        if type(old) is float:
            scale = 10 ** _decimals(old, least)
            return (round(old * scale) + told) / scale
    elif kind is dict:
        if type(old) is dict:
            return _patch_entries(old, told)
    elif kind is list:
        if len(told) == 1:
            return told[0]
        if type(old) is list and len(told) == 2:
            return _patch_elements(old, len(old), 0, *told)
        if type(old) is list and len(told) == 4 and 0 <= told[0] <= LONGEST:
            return _patch_elements(old, *told)
    raise ValueError("a change that does not fit what it is of")


_THEMSELVES: Final = frozenset({type(None), str, bool, float})


def rounded(value: float, decimals: int | None = None) -> float:
    """Return a float without what no screen shows."""
    if decimals is not None:
        return round(value, decimals)
    size = abs(value)
    if size >= 1e-3:
        return round(value, 10 if size < 1 else 8 if size < 1e3 else 6 if size < 1e6 else 4)
    return float(f"{value:.12g}")


def _unit(value: int) -> int:
    """Return what an int is counted in: times in ns that are whole milliseconds in these."""
    return _MS if value > _TIMES and value % _MS == 0 else 1


def _decimals(value: float, least: int) -> int:
    """Return how many decimals a float is counted in; the same at both ends."""
    _, point, behind = repr(value).partition(".")
    if not point or "e" in behind:
        return least
    return min(max(len(behind), least), _MOST)


def _step(old: float, new: float, least: int) -> int | float:
    """Return the difference in the old one's decimals where that is exact, else the new one."""
    scale: int = 10 ** _decimals(old, least)
    before, after = old * scale, new * scale
    if abs(before) < _EXACT and abs(after) < _EXACT:  # neither for infinity nor for NaN
        count = round(after)
        if count / scale == new:
            return count - round(before)
    return new


def _entries(old: dict[str, Any], new: dict[str, Any]) -> Any:
    if old.keys() - new.keys():
        return [new]
    changes: dict[int | str, Any] = {}
    places = {key: at for at, key in enumerate(old)}
    for key, value in new.items():
        at = places.get(key)
        if at is None:
            changes[key] = [value]
            continue
        before = old[key]
        if type(value) is float and value != before:
            value = new[key] = rounded(value, _DECIMALS.get(key))
        change = diff(before, value, _LEASTS.get(key, LEAST))
        if change is not SAME:
            changes[at] = change
    return changes or SAME


def _patch_entries(old: dict[str, Any], told: dict[int | str, Any]) -> dict[str, Any]:
    found, keys = dict(old), list(old)
    for key, change in told.items():
        if type(key) is int and 0 <= key < len(keys):
            name = keys[key]
            found[name] = patch(old[name], change, _LEASTS.get(name, LEAST))
        elif type(key) is str:
            found[key] = patch(None, change)
        else:
            raise ValueError("a change of an entry that is not there")
    return found


def _elements(old: list[Any], new: list[Any]) -> Any:
    if not old or not new:
        return [new]
    shift = _shift(old, new)
    gaps: list[int] = []
    changes: list[Any] = []
    last = 0
    for at in _order(len(old), len(new), shift):
        base, value = _base(old, new, at, shift), new[at]
        if type(value) is float and value != base:
            value = new[at] = rounded(value)
        change = diff(base, value)
        if change is not SAME:
            gaps.append(at - last)
            changes.append(change)
            last = at
    if shift or len(old) != len(new):
        return [len(new), shift, gaps, changes]
    return [gaps, changes] if gaps else SAME


def _patch_elements(
    old: list[Any], length: int, shift: int, gaps: list[int], changes: list[Any]
) -> list[Any]:
    told: dict[int, Any] = {}
    at = 0
    for gap, change in zip(gaps, changes, strict=True):
        at += gap
        told[at] = change
    if told and not (min(told) >= 0 and max(told) < length):
        raise ValueError("a change of an element that is not there")
    found: list[Any] = [None] * length
    for at in _order(len(old), length, shift):
        base = _base(old, found, at, shift)
        found[at] = patch(base, told[at]) if at in told else base
    return found


def _order(before: int, length: int, shift: int) -> list[int]:
    """Return the elements in the order in which they are told: those that were there, then outwards."""
    first, end = min(max(shift, 0), length), max(min(before + shift, length), 0)
    if first >= end:
        return list(range(length))
    return [*range(first, end), *range(first - 1, -1, -1), *range(end, length)]


def _base(old: list[Any], new: list[Any], at: int, shift: int) -> Any:
    """Return what an element begins as: itself before, else its neighbour that has been told already."""
    if 0 <= at - shift < len(old):
        return old[at - shift]
    if at < shift:
        # Nothing was kept where the shift is beyond the list: then all are told from the first on.
        return new[at + 1] if shift < len(new) else (new[at - 1] if at else None)
    return new[at - 1] if at else None


def _shift(old: list[Any], new: list[Any]) -> int:
    """Return how far what was there has moved: by the first or the last that is found again."""
    straight = sum(map(_is_equal, old, new))
    best, most = 0, straight
    if 4 * straight >= 3 * min(len(old), len(new)):
        return 0
    for shift in range(-min(_LOOK, len(old) - 1), min(_LOOK, len(new) - 1) + 1):
        ahead, behind = (new[shift:], old) if shift > 0 else (new, old[-shift:])
        last = min(len(ahead), len(behind)) - 1
        if not any(ahead[at] == behind[at] for at in {0, last // 2, last}):
            continue
        same = sum(map(_is_equal, behind, ahead))
        if same > most:
            best, most = shift, same
    return best


def _is_equal(one: Any, other: Any) -> bool:
    return bool(one == other)
