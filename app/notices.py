"""What happened, in a person's words: kept for the log panel, newest last."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple

from mdterm.feeds.frames import LinkLine
from mdterm.feeds.status import Word
from mdterm.feeds.text import clean
from mdterm.widgets.state import format_state

Level = Literal["info", "warning", "error"]
KEPT: Final = 500
_LONGEST: Final = 400


class Notice(NamedTuple):
    """One thing that happened; ``wall`` in ns."""

    wall: int
    level: Level
    words: str


class Notices:
    """The newest notices. They may be added from any thread."""

    def __init__(self, wall: Callable[[], int]) -> None:
        self.kept: deque[Notice] = deque(maxlen=KEPT)
        self._wall = wall
        self._words: dict[str, Word] = {}

    def add(self, words: str, level: Level = "info") -> Notice:
        """Keep a notice."""
        notice = Notice(self._wall(), level, clean(words, _LONGEST))
        self.kept.append(notice)
        return notice

    def compare(self, links: Sequence[LinkLine]) -> list[Notice]:
        """Return what is new of the connections since they were last looked at."""
        news: list[Notice] = []
        for link in links:
            had, word = self._words.get(link.key), link.shown.word
            if had == word:
                continue
            self._words[link.key] = word
            if word in ("LIVE", "QUIET"):
                if had not in (None, "LIVE", "QUIET", "CONNECTING", "WARMING"):
                    news.append(self.add(f"{link.key} is live again"))
            elif word not in ("CONNECTING", "WARMING"):
                reason = f": {link.shown.detail}" if link.shown.detail else ""
                level: Level = "error" if word == "REFUSED" else "warning"
                news.append(self.add(f"{link.key} {format_state(link.shown)}{reason}", level))
        return news


class NoticeHandler(logging.Handler):
    """Keeps warnings and errors of the log as notices, secrets struck out."""

    def __init__(self, notices: Notices, mask: Callable[[str], str]) -> None:
        super().__init__(logging.WARNING)
        self._notices = notices
        self._mask = mask

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record. Without its traceback: that is for the log file."""
        level: Level = "error" if record.levelno >= logging.ERROR else "warning"
        self._notices.add(self._mask(record.getMessage()), level)
