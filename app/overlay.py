"""What lies over the board: one way to close it by the mouse, and to choose in its list."""

from typing import Protocol, TypeVar, runtime_checkable

from textual import events
from textual.screen import ModalScreen

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
