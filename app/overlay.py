"""What lies over the board: one way to close it, to choose in its list, and to type in its line."""

from typing import ClassVar, Protocol, TypeVar, runtime_checkable

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from mdterm.app.keymap import Keymap, textual_key
from mdterm.widgets.panel import Line

FRAMED = 82
"""Columns from which on a prompt of 80 has a blank on either side."""
Result = TypeVar("Result")


@runtime_checkable
class Pointed(Protocol):
    """A list whose cursor can be put where somebody clicks."""

    def point(self, y: int, x: int = 0) -> bool:
        """Put the cursor on what stands at row ``y``; return whether anything does."""


@runtime_checkable
class Moved(Protocol):
    """A list with a cursor."""

    def move(self, by: int) -> None:
        """Move the cursor; the ends do not wrap."""


class Overlay(ModalScreen[Result], inherit_bindings=False):
    """A modal screen. A click beside it, or on its title, closes it; one on a row chooses that."""

    def is_closed(self, event: events.Key) -> bool:
        """Return whether this was closed before a key came, which is handed on to what is there now.

        A key that is for this must be stopped: it would come to what is there when this is gone.
        """
        if self.is_current:
            return False
        event.stop()
        self.app.post_message(events.Key(event.key, event.character))
        return True

    def clicked(self) -> None:
        """Do what enter does to the row under the cursor; by default that it is marked is all."""

    def on_click(self, event: events.Click) -> None:
        """Choose, or close."""
        if not self.is_current:
            return
        event.stop()
        widget, region = self.get_widget_at(event.screen_x, event.screen_y)
        x, y = event.screen_x - region.x, event.screen_y - region.y
        if widget is self or y == 0:
            self.dismiss(None)
            return
        clicked: object = widget
        if isinstance(clicked, Pointed) and clicked.point(y, x):
            self.clicked()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Go up in the list."""
        self._scroll(event, -1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Go down in the list."""
        self._scroll(event, 1)

    def _scroll(self, event: events.MouseEvent, by: int) -> None:
        event.stop()
        for widget in self.query("*"):
            if isinstance(widget, Moved):
                widget.move(by)


class PromptLine(Line):
    """A line to type in, and what is told below it."""

    LONGEST: ClassVar[int]

    def __init__(self) -> None:
        super().__init__(id="palette-list")
        self.typed = ""

    def type(self, text: str) -> None:
        """Take what has been typed so far."""
        self.typed = text[: self.LONGEST]
        self.retyped()
        self.repaint()

    def retyped(self) -> None:
        """Draw the conclusions from what is typed now."""


class Prompt(Overlay[Result], inherit_bindings=False):
    """An overlay with a line to type in. Escape closes it, and the key of the command that opens it.

    Where that key is a character it is typed once something has been typed before it.
    """

    OPENED_BY: ClassVar[str]
    """The id of that command."""

    def __init__(self, line: PromptLine, keymap: Keymap) -> None:
        super().__init__()  # no id: one may open while the one before is still being taken away
        self.line = line
        self.keymap = keymap

    def compose(self) -> ComposeResult:
        """Show the line."""
        with Vertical(id="palette-box"):
            yield self.line

    def on_resize(self, event: events.Resize) -> None:
        """Keep off what stands beside, where there is room for that."""
        self.query_one("#palette-box").set_class(event.size.width >= FRAMED, "-framed")

    def entered(self) -> None:
        """Do what enter does."""
        raise NotImplementedError

    def pressed(self, key: str) -> None:
        """Do what another key does that types nothing."""

    def type(self, text: str) -> None:
        """Take what has been typed so far."""
        self.line.type(text)

    def on_key(self, event: events.Key) -> None:
        """Type, move, enter or close."""
        if self.is_closed(event):
            return
        event.stop()
        line, key, character = self.line, event.key, event.character
        types = character is not None and event.is_printable
        opening = {textual_key(one) for one in self.keymap.keys_of(self.OPENED_BY)}
        if key == "escape" or (key in opening and not (types and line.typed)):
            self.dismiss(None)
        elif key == "enter":
            self.entered()
        elif key in ("up", "down") and isinstance(line, Moved):
            line.move(-1 if key == "up" else 1)
        elif key == "backspace":
            self.type(line.typed[:-1])
        elif character is not None and types:
            self.type(line.typed + character)
        else:
            self.pressed(key)

    def on_paste(self, event: events.Paste) -> None:
        """Type what is pasted, as far as it can be typed."""
        event.stop()
        if self.is_current:
            self.type(self.line.typed + "".join(one for one in event.text.strip() if one.isprintable()))
