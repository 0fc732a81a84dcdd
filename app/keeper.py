"""Keeps what a person chooses on the screen: notes what differs from before, and has it saved."""

from collections.abc import Mapping
from typing import Final

from mdterm.app.board import BoardScreen
from mdterm.app.layout_keys import LAYOUTS
from mdterm.app.state import Leaf, State
from mdterm.feeds.grid import GROUP_STEPS

_Chosen = dict[tuple[str, ...], Leaf]
_GROUP: Final = "group"


class Keeper:
    """Between the board and the state file. ``with_list`` where the list that is shown is the saved one."""

    def __init__(self, state: State, *, with_list: bool = True) -> None:
        self.state = state
        self._with_list = with_list
        self._noted: _Chosen | None = None

    def restore(self, board: BoardScreen) -> None:
        """Have a board as it was left, before it is painted. Nothing of the file is taken on trust."""
        state = self.state
        panels = state.table("panels")
        board.restore({name: kept for name, kept in panels.items() if isinstance(kept, dict)})
        board.in_quote = state.get("screen", "in_quote") is True
        for view in board.views.values():
            view.in_quote = board.in_quote
        names = {panel.name_of_view for panel in board.panels}
        for layout, kept in state.table("hidden").items():
            if layout in LAYOUTS and isinstance(kept, dict):
                board.hidden[layout] = {name for name in kept if name in names}
        for address, kept in state.table("instruments").items():
            group = kept.get(_GROUP) if isinstance(kept, dict) else None
            if type(group) is int and group in GROUP_STEPS:
                board.groups[address] = group
        if self._with_list:
            group_name = state.text("screen", "watchlist_group")
            if group_name in board.roster.groups():
                board.group = group_name
            board.begin_with(state.text("screen", "symbol"))

    def note(self, board: BoardScreen, theme: str) -> None:
        """Put what was chosen since the last time; what the program started with is nobody's choice."""
        chosen = self._chosen(board, theme)
        if self._noted is not None:
            for path in chosen.keys() | self._noted.keys():
                if chosen.get(path) != self._noted.get(path):
                    self.state.put(chosen.get(path), *path)
        self._noted = chosen

    def _chosen(self, board: BoardScreen, theme: str) -> _Chosen:
        chosen: _Chosen = {
            ("screen", "layout"): board.layout_name,
            ("screen", "theme"): theme,
            ("screen", "time_zone"): board.zone.name,
            ("screen", "in_quote"): board.in_quote,
        }
        if self._with_list:
            chosen[("screen", "watchlist_group")] = board.group or ""
            if board.at:  # the first one of the list is what every start begins with
                chosen[("screen", "symbol")] = board.instrument.address
        for name, kept in board.keep().items():
            chosen |= {("panels", name, key): value for key, value in kept.items()}
        chosen |= {("hidden", layout, name): True for layout, names in board.hidden.items() for name in names}
        return chosen | _grouped(board.groups)


def _grouped(groups: Mapping[str, int]) -> _Chosen:
    return {("instruments", address, _GROUP): group for address, group in groups.items()}
