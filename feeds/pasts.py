"""The past of all markets: one backfill for each provider that has a history."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from mdterm.feeds.backfill import Backfill
from mdterm.feeds.clock import Clock
from mdterm.feeds.contract import Provider
from mdterm.feeds.journal_notes import MergedNote, RecordedHistory, Scribe
from mdterm.feeds.market import Market, Quote


class Pasts(Protocol):
    """What a feed asks about the past of its markets."""

    def want(self, provider: Provider, address: str, interval: str = "1m") -> None:
        """Have the bars of an interval fetched, where the provider has them ready-made."""

    def subscribed(self, address: str, wall: int) -> None:
        """Note when trades began to flow (ns)."""

    def gap(self, address: str) -> None:
        """Have fetched what was missed."""

    def is_settled(self, address: str) -> bool:
        """Return whether the past is there, or can't be had; live bars wait for it."""

    def failed(self, address: str) -> str | None:
        """Return why there is no past."""

    def short(self, address: str) -> str | None:
        """Return why the past is incomplete."""

    def let_go(self, address: str) -> None:
        """Forget an instrument; when it is wanted again its past is asked for anew."""

    def end(self) -> list["asyncio.Task[None]"]:
        """Stop fetching; return what is still to be waited for."""


class LivePasts:
    """Fetches from the providers. ``merged`` is told that bars of an address came, or could not be had."""

    def __init__(
        self,
        markets: Mapping[str, Market | Quote],
        clock: Clock,
        provider_of: Callable[[str], str],
        *,
        visible: Callable[[], Sequence[str]],
        merged: Callable[[str, int], None],
        scribe: Scribe | None,
    ) -> None:
        self._markets = markets
        self._clock = clock
        self._provider_of = provider_of
        self._visible = visible
        self._merged = merged
        self._scribe = scribe
        self._of: dict[str, Backfill] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def _get(self, address: str) -> Backfill | None:
        return self._of.get(self._provider_of(address))

    def want(self, provider: Provider, address: str, interval: str = "1m") -> None:
        """Have the bars of an interval fetched, where the provider has them ready-made."""
        if provider.history is None or (interval != "1m" and interval not in provider.history_intervals):
            return
        backfill = self._of.get(provider.name)
        if backfill is None:
            history = provider.history
            if self._scribe is not None:
                history = RecordedHistory(history, self._scribe)
            backfill = self._of[provider.name] = Backfill(
                history,
                self._markets,
                self._clock,
                visible=self._visible,
                merged=self._came,
                page=provider.capabilities.history_page,
            )
            self._tasks.append(asyncio.get_running_loop().create_task(backfill.run()))
        backfill.want(address, interval)

    def _came(self, address: str) -> None:
        seen = self._clock.wall()
        if self._scribe is not None:
            note = MergedNote(self.is_settled(address), self.failed(address), self.short(address))
            seen = self._scribe.merged(address, note)
        self._merged(address, seen)

    def subscribed(self, address: str, wall: int) -> None:
        """Note when trades began to flow (ns)."""
        backfill = self._get(address)
        if backfill is not None:
            backfill.subscribed(address, wall)

    def gap(self, address: str) -> None:
        """Have fetched what was missed."""
        backfill = self._get(address)
        if backfill is not None:
            backfill.gap(address)

    def is_settled(self, address: str) -> bool:
        """Return whether the past is there, or can't be had; live bars wait for it."""
        backfill = self._get(address)
        return backfill is None or backfill.is_settled(address)

    def failed(self, address: str) -> str | None:
        """Return why there is no past."""
        backfill = self._get(address)
        return None if backfill is None else backfill.failed.get(address)

    def short(self, address: str) -> str | None:
        """Return why the past is incomplete."""
        backfill = self._get(address)
        return None if backfill is None else backfill.short.get(address)

    def let_go(self, address: str) -> None:
        """Forget an instrument; when it is wanted again its past is asked for anew."""
        backfill = self._get(address)
        if backfill is not None:
            backfill.let_go(address)

    def end(self) -> list["asyncio.Task[None]"]:
        """Stop fetching; return what is still to be waited for."""
        for task in self._tasks:
            task.cancel()
        return self._tasks
