"""Which panels stand on the screen: layouts, one panel alone, panels that are hidden."""

from textual.widget import Widget

from mdterm.app.deck import Deck
from mdterm.app.keymap import textual_key
from mdterm.widgets.panel import Panel
from mdterm.widgets.status import StatusLine

LAYOUTS = {
    "trader": "ladder",
    "tape": "tape",
    "chart": "chart",
    "derivatives": "derivatives",
    "account": "account",
    "compare": "compare",
    "watch": "watchlist",
}
"""The layouts in the order of their key, each with its first panel; the stylesheet lays them out."""
DEFAULT_LAYOUT = "trader"


class LayoutKeys(Deck, inherit_bindings=False):
    """The keys that choose panels."""

    layout_name: str
    hidden: dict[str, set[str]]
    """Panels that are hidden, by layout."""
    alone: Widget | None = None
    """What stands on the screen whatever the keys say, None where they have the say."""

    def action_next_layout(self) -> None:
        """Show the next layout, all its panels."""
        names = list(LAYOUTS)
        self.show_layout(names[(names.index(self.layout_name) + 1) % len(names)])

    def show_layout(self, name: str) -> None:
        """Show a layout; the keys go to its first panel."""
        self.maximise(None)
        self.remove_class(*(f"-{one}" for one in LAYOUTS))
        self.add_class(f"-{name}")
        self.layout_name = name
        self.hide_panels()
        self.call_after_refresh(self._focus_first)

    def _focus_first(self) -> None:
        if self.focused is None or not is_displayed(self.focused):
            self.query_one(f"#{LAYOUTS[self.layout_name]}", Panel).focus()

    def action_maximise(self) -> None:
        """Give the focused panel the room of all, or take it back."""
        focused = self.focused if isinstance(self.focused, Panel) else self.ladder
        self.maximise(None if self.has_class("-maximised") else focused)

    def maximise(self, chosen: Widget | None) -> None:
        """Give a panel the room of all, or all their own again."""
        chosen = self.alone or chosen
        self.set_class(chosen is not None, "-maximised")
        around = () if chosen is None else chosen.ancestors_with_self
        for node in self.query("#panels, #panels *"):
            node.set_class(node in around, "-held")

    def on_status_line_pressed(self, message: StatusLine.Pressed) -> None:
        """Do what the key does whose hint was clicked; of the digits, show the next symbol."""
        is_range = "-" in message.key[1:]
        key = "right_square_bracket" if is_range else textual_key(message.key)
        self.app.call_later(self.app.simulate_key, key)

    def on_panel_enlarged(self) -> None:
        """Give the panel whose title was clicked twice the room of all, or take it back."""
        self.action_maximise()

    def action_hide_panel(self) -> None:
        """Hide the focused panel in this layout, unless it is the last one."""
        focused = self.focused
        shown = [panel for panel in self.query(Panel) if is_displayed(panel)]
        if isinstance(focused, Panel) and focused.id is not None and len(shown) > 1:
            self.maximise(None)
            self.hidden.setdefault(self.layout_name, set()).add(focused.id)
            self.hide_panels()
            next(panel for panel in shown if panel is not focused).focus()

    def action_show_panels(self) -> None:
        """Show the panels again that are hidden in this layout."""
        self.hidden.pop(self.layout_name, None)
        self.hide_panels()

    def hide_panels(self) -> None:
        """Hide the panels that are hidden in this layout, and no other."""
        hidden = self.hidden.get(self.layout_name, set())
        for panel in self.query(Panel):
            panel.set_class(panel.id in hidden, "-hidden")
        self.set_class("watchlist" in hidden, "-unlisted")


def is_displayed(widget: Widget) -> bool:
    """Return whether a widget has a place on the screen: it and all around it are displayed."""
    return all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))
