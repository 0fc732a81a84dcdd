"""What both JayX links share: frames read under any framing, subscriptions sent in the chosen one."""

import logging
from collections.abc import Mapping

import msgspec

from mdterm.feeds.contract import Due, Refusal
from mdterm.feeds.jayx import framing, wire
from mdterm.feeds.jayx.framing import Dialect, Line
from mdterm.feeds.text import clean, mask

log = logging.getLogger(__name__)

# Text that is none, and nesting without end, are raised as themselves.
_READ_ERRORS = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)
_PACE_WORDS = ("rate limit", "too many", "too fast", "limit exceeded")


class Talk:
    """One connection's talk beneath its meaning, with the counters that every codec has."""

    def __init__(self, dialect: Dialect, namespace: str, secrets: tuple[str, ...] = ()) -> None:
        self.verdicts: list[Refusal] = []
        self.bad_frames = 0
        self.unknown = 0
        self.needs_reset = False
        self._dialect = dialect
        self._namespace = namespace
        self._secrets = secrets
        self._line = Line(dialect, namespace)
        self._logged = False
        self._flowing = False

    def opened(self, now: float) -> None:
        """Begin anew on a fresh socket."""
        self._line.opened(now)
        self._flowing = False
        self.needs_reset = False

    def _update(self, frame: bytes) -> wire.Update | None:
        """Return what a frame says, None where it says nothing or is not understood. Never raise."""
        try:
            packet = framing.read_packet(frame)
            if packet.kind == "message":
                self._line.heard()
                update, left_out = wire.understand(packet.name, packet.body, self._dialect.envelope)
                self.bad_frames += left_out
                if update is None:
                    self.unknown += 1
                    self._log_once(frame)
                return update
        except _READ_ERRORS:
            self.bad_frames += 1
            self._log_once(frame)
            return None
        if packet.kind == "unknown":
            self.unknown += 1
            self._log_once(frame)
            return None
        self._line.take(packet)
        if self._line.refusal is not None:
            refusal, self._line.refusal = self._line.refusal, None
            self.verdicts.append(self._verdict(f"the server refused to connect: {wire.words_of(refusal)}"))
        if self._line.broken is not None:
            self.needs_reset = True
        return None

    def _talk_due(self, now: float) -> Due:
        due = self._line.due(now)
        if self._line.broken is not None and not self.needs_reset:
            log.info("%s", self._line.broken)
            self.needs_reset = True
        return due

    def _ask(self, event: str, fields: Mapping[str, str]) -> str:
        return framing.encode(self._dialect, self._namespace, event, fields)

    def _verdict(self, words: str, addresses: tuple[str, ...] = ()) -> Refusal:
        """Return the refusal that a complaint stands for; too many of anything is no refusal but a pause."""
        said = clean(mask(words, self._secrets), 160)
        if any(word in said.lower() for word in _PACE_WORDS):
            return Refusal(said, final=False)
        return Refusal(said, addresses)

    def _log_once(self, frame: bytes) -> None:
        if not self._logged:
            self._logged = True
            text = frame[:400].decode("utf-8", "replace")
            log.warning("not understood: %s", clean(mask(text, self._secrets)))
