"""Connections of a recording: their frames and changes come from records instead of sockets."""

from collections.abc import Sequence
from typing import Any

import msgspec

from mdterm.feeds.connection import Connection
from mdterm.feeds.contract import Link, Want
from mdterm.feeds.journal import Record
from mdterm.feeds.journal_notes import read_health, read_wants
from mdterm.feeds.links import Links
from mdterm.feeds.status import StreamHealth


class ReplayConnection(Connection):
    """A link that was recorded. It is never started: records are its socket."""

    _asked_at: float | None = None

    def take(self, record: Record) -> bool:
        """Do what the recorded link did; return whether events came of it."""
        kind = record.kind
        if kind == "in":
            return self._frame(record)
        if kind == "out":
            # One look of the codec may have given several messages.
            if record.mono != self._asked_at:
                self._asked_at = record.mono
                self.codec.due(record.mono)
        elif kind == "open":
            self.data_at = record.mono
            self.opened_count += 1
            self.codec.opened(record.mono)
        elif kind == "phase":
            self.health = read_health(record.data)
            self.changed_at = record.at
            self._changed(self)
        return False

    def _frame(self, record: Record) -> bool:
        events = self.codec.feed(record.data, record.at)
        self.health.frames += 1
        if events:
            self.data_at = record.mono
            self._deliver(self, events)
            return True
        if self.codec.verdicts:
            verdicts, self.codec.verdicts[:] = list(self.codec.verdicts), []
            # What concerns the whole link was recorded as its phase.
            self.refusals += [verdict for verdict in verdicts if verdict.addresses]
            self._changed(self)
        return False


class ReplayLinks(Links):
    """The connections that a recording had. What is wanted now changes none of them."""

    _wished: Sequence[Want] = ()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._notes: dict[str, str] = {}

    def plan(self, wants: Sequence[Want]) -> dict[str, list[Want]]:
        """Note what is wanted; nothing is subscribed and no past is fetched."""
        self._wished = wants
        self._keep_health()
        return {}

    def take(self, record: Record) -> bool:
        """Hand a record to its connection, made with the first; return whether events came of it."""
        connection = self.connections.get(record.link)
        if record.kind == "want":
            self._want(record, connection)
            return False
        if connection is None:
            return False
        assert isinstance(connection, ReplayConnection)
        return connection.take(record)

    def describe(self, record: Record) -> None:
        """Note how a link talks; it may be told before the link is."""
        self._notes[record.link] = record.data.decode()
        connection = self.connections.get(record.link)
        if connection is not None:
            connection.link = msgspec.structs.replace(connection.link, note=self._notes[record.link])

    def _want(self, record: Record, connection: Connection | None) -> None:
        if record.text == "gone":
            self.connections.pop(record.link, None)
        elif record.text == "same":
            if connection is not None:
                connection.rewant(connection.link)
        else:
            wants = tuple(read_wants(record.data))
            note = self._notes.get(record.link, "")
            link = Link(record.link, record.link.partition("/")[0], record.text, wants, note=note)
            for want in wants:
                self._resolve(want.address)
            if connection is None:
                self.connections[link.key] = ReplayConnection(
                    link,
                    self._providers[link.provider],
                    deliver=self._deliver,
                    changed=self._changed,
                    clock=self._clock,
                )
            else:
                connection.rewant(msgspec.structs.replace(connection.link, wants=wants, url=record.text))
        self._of = {
            (want.address, want.stream): one for one in self.connections.values() for want in one.link.wants
        }
        self._keep_health()

    def _keep_health(self) -> None:
        """Have a health for every stream that was carried or is wanted, and for no other."""
        now = self._clock.mono()
        carried = [want for one in self.connections.values() for want in one.link.wants]
        kept = set()
        for want in (*carried, *self._wished):
            key = (want.address, want.stream)
            kept.add(key)
            if key in self.streams:
                continue
            instrument = self._resolve(want.address)
            provider = self._providers[instrument.provider]
            health = StreamHealth(now, provider.silence(want.stream).stale_after_s)
            health.refused = provider.carries(instrument, want.stream)
            if health.refused is None and want in self._wished and key not in self._of:
                health.waiting = "not in the recording"
            self.streams[key] = health
        for key in self.streams.keys() - kept:
            del self.streams[key]
