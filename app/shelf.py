"""The themes that a screen can wear: those that mdterm brings, and somebody's own as their files are now."""

from typing import Any

from textual.app import App

from mdterm.app.theme_files import ThemeFiles, Watched
from mdterm.themes.palettes import DEFAULT_THEME, themes


class Shelf:
    """Registers themes with an app, in the convention of colours that is asked for."""

    def __init__(self, app: App[Any], *, is_red_up: bool, own: Watched | None = None) -> None:
        self._app = app
        self._own = own
        self._is_red_up = is_red_up
        self.names: tuple[str, ...] = ()
        """The themes there are, in the order in which they follow each other."""
        self._register(self.files)

    @property
    def files(self) -> ThemeFiles:
        """What somebody's own files are."""
        return ThemeFiles() if self._own is None else self._own.read

    def after(self, name: str) -> str:
        """Return the theme that follows another one."""
        at = self.names.index(name) if name in self.names else -1
        return self.names[(at + 1) % len(self.names)]

    def wear(self, name: str) -> None:
        """Have the app wear a theme, if it is there now: its file may be newer than the last look."""
        if name not in self.names and self._own is not None:
            self._own.read_now()
            self._register(self.files)
        if name in self.names:
            self._app.theme = name

    def turn(self, *, is_red_up: bool) -> None:
        """Take the other convention up."""
        self._is_red_up = is_red_up
        self._register(self.files)
        self._app.refresh_css(animate=False)

    def look(self) -> ThemeFiles | None:
        """Take changed files up; return what they are then, None where none has changed."""
        new = None if self._own is None else self._own.look()
        if new is not None:
            self._register(new)
            if self._app.theme not in self.names:
                self._app.theme = DEFAULT_THEME  # its file has gone
            self._app.refresh_css(animate=False)
        return new

    def _register(self, files: ThemeFiles) -> None:
        known = themes(is_red_up=self._is_red_up, own=files.themes)
        for one in known:
            self._app.register_theme(one)
        self.names = tuple(one.name for one in known)
