"""Frame sets for a far screen: each told by what changed since the last one.

Both ends keep the plain values of every panel, with what changes by itself told by what it changes from: an
age by when it began, sums along rows by what the rows do not explain. When a set was made is told to the
millisecond, ages to a hundredth of a second.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from mdterm.feeds.frame_delta import SAME, diff, patch
from mdterm.feeds.frames import FrameSet
from mdterm.feeds.port_wire import MOST_PANELS, Changes, Frames, WireError, WirePanel, wire_frames

_KEPT: Final = 2 * MOST_PANELS
"""Panels whose values are kept; with more than that everything is told anew."""
_MS: Final = 1_000_000
_DECIMALS: Final = 9
"""Of sums of sizes."""
_Tree = dict[str, Any]
_Row = list[Any]


class FrameTeller:
    """The feed's end."""

    def __init__(self) -> None:
        self._head: _Tree = {}
        self._panels: dict[str, _Tree] = {}

    def tell(self, frames: FrameSet) -> Changes:
        """Return what is new in a frame set."""
        # There and back: what the other end will have, with lists for tuples and the like.
        tree: _Tree = msgspec.msgpack.decode(msgspec.msgpack.encode(wire_frames(frames)))
        made = tree["made"] = round(tree["made"], 3)
        tree["wall"] //= _MS
        told = {name: _folded(one, made) for name, one in tree.pop("panels").items()}
        tree["links"] = [_folded(one, made) for one in tree["links"]]
        is_first = not self._head or len(self._panels.keys() | told.keys()) > _KEPT
        if is_first:
            self._head, self._panels = {}, {}
        places = {name: at for at, name in enumerate(self._panels)}
        panels: dict[int | str, Any] = {}
        for name, new in told.items():
            old = self._panels.get(name)
            if old is None:
                panels[name] = [new]
            else:
                change = diff(old, new)
                panels[places[name]] = {} if change is SAME else change
            self._panels[name] = new
        head = diff(self._head, tree)
        self._head = tree
        return Changes(is_first, {} if head is SAME else head, panels)


class FrameReader:
    """The screen's end."""

    def __init__(self) -> None:
        self._head: _Tree = {}
        self._panels: dict[str, _Tree] = {}

    def read(self, told: Changes) -> Frames:
        """Return the frame set. Raise WireError for one that does not follow from those before."""
        if told.is_first:
            self._head, self._panels = {}, {}
        try:
            head = self._head = patch(self._head, told.head)
            made = head["made"]
            names, panels = list(self._panels), {}
            for place, change in told.panels.items():
                name = names[place] if isinstance(place, int) else place
                tree = self._panels[name] = patch(self._panels.get(name), change)
                panels[name] = msgspec.convert(_unfolded(tree, made), WirePanel)
            if len(self._panels) > _KEPT:
                raise ValueError("too many panels")
            links = [_unfolded(one, made) for one in head["links"]]
            whole = {**head, "wall": head["wall"] * _MS, "links": links, "panels": panels}
            return msgspec.convert(whole, Frames)
        except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError) as error:
            raise WireError(f"frames that do not follow from those before: {error}") from error


def _folded(tree: _Tree, made: float) -> _Tree:
    """Return a panel or a connection with moments for ages, and for sums what no row explains."""
    return _each(tree, lambda age: round(made - age, 2), _unexplained)


def _unfolded(tree: _Tree, made: float) -> _Tree:
    return _each(tree, lambda began: round(made - began, 2), _explained)


def _each(tree: _Tree, time: Callable[[float], float], sums: Callable[[_Row, _Row], _Row]) -> _Tree:
    """Return a copy with every age changed, and the sums along the rows of a ladder."""
    found = dict(tree)
    for key, value in tree.items():
        kind = type(value)
        if kind is dict:
            found[key] = _each(value, time, sums)
        elif kind is list:
            if value and type(value[0]) is dict and any(type(one) is dict for one in value[0].values()):
                found[key] = [_each(one, time, sums) for one in value]
        elif key == "age" and kind is float:
            found[key] = time(value)
    if "cum_bids" in found:
        # Both from the touch outwards.
        found["cum_bids"] = sums(found["cum_bids"], found["bids"])
        found["cum_asks"] = sums(found["cum_asks"][::-1], found["asks"][::-1])[::-1]
    return found


def _unexplained(sums: _Row, rows: _Row) -> _Row:
    """Return by how much each sum differs from the one before it and its row; as it is what is not known."""
    if len(sums) != len(rows) or None in sums or None in rows:
        return sums
    found, so_far = [], 0.0
    for total, row in zip(sums, rows, strict=True):
        found.append(round(total - so_far - row, _DECIMALS))
        so_far = round(so_far + row + found[-1], _DECIMALS)
    return found


def _explained(rests: _Row, rows: _Row) -> _Row:
    """Undo ``_unexplained``."""
    if len(rests) != len(rows) or None in rests or None in rows:
        return rests
    found, so_far = [], 0.0
    for rest, row in zip(rests, rows, strict=True):
        so_far = round(so_far + row + rest, _DECIMALS)
        found.append(so_far)
    return found
