"""What AllTick tells over HTTP alone: bars as they close, yesterday's close, ticks on the free plan.

One request at a time, the one that matters most when the budget allows it: what stands on the screen
before the watchlist, holes and a first price before new bars, then whatever has waited longest. The past
from before is the history's affair.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Literal

import msgspec

from mdterm.feeds.address import Instrument
from mdterm.feeds.alltick import codes, facts, ticks
from mdterm.feeds.alltick.http import About, AllTickHttp, Asked, CodeError
from mdterm.feeds.alltick.memory import Prints, Pulse
from mdterm.feeds.alltick.tracks import ENDPOINTS, FIRST, LAST, TICKS, Job, Track, Work
from mdterm.feeds.clock import Clock
from mdterm.feeds.contract import HistoryError, Want
from mdterm.feeds.events import Candle, Event, Stream
from mdterm.feeds.intervals import LENGTHS

log = logging.getLogger(__name__)

INTERVAL = "1m"
_TOLD = 3
_CLOSED_EVERY_S = 600.0
_BUG_PAUSE_S = 60.0


class AllTickPoller:
    """Keeps bars true; stands in for silent sockets on the free plan."""

    def __init__(
        self,
        http: AllTickHttp,
        plan: facts.Plan,
        *,
        pulse: Pulse,
        prints: Prints,
        resolve: Callable[[str], Instrument],
        is_closed: Callable[[Instrument, int], bool],
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.tracks: dict[str, Track] = {}
        self.dailies: dict[str, list[Candle]] = {}
        """The last two daily bars, by address."""
        self.abouts: dict[str, About] = {}
        self.stopped: str | None = None
        """Why nothing can be asked over HTTP, in words."""
        self._http = http
        self._plan = plan
        self._pulse = pulse
        self._prints = prints
        self._resolve = resolve
        self._is_closed = is_closed
        self._clock = clock
        self._sleep = sleep
        self._changed = asyncio.Event()
        self._looked_up: dict[Work, set[str]] = {"daily": set(), "about": set()}
        self._groups = 0
        self._failures: dict[tuple[Work, facts.Family], int] = {}
        self._not_before: dict[tuple[Work, facts.Family], float] = {}

    def want(self, wants: Sequence[Want]) -> None:
        """Set the whole wanted set; rank 0 is looked at first."""
        streams: dict[str, set[Stream]] = {}
        ranks: dict[str, int] = {}
        for want in wants:
            streams.setdefault(want.address, set()).add(want.stream)
            ranks[want.address] = min(want.rank, ranks.get(want.address, want.rank))
        for address in self.tracks.keys() - streams.keys():
            del self.tracks[address]
        now, wall = self._clock.mono(), self._clock.wall()
        for address, found in streams.items():
            track = self.tracks.get(address)
            if track is None:
                track = Track(self._resolve(address), 0, frozenset(), wall, dict.fromkeys(ENDPOINTS, now))
                if address in self.dailies:
                    track.due["daily"] = now + self._daily_every_s()
                self.tracks[address] = track
            if "candle" in found - track.streams:
                # The past, which is being fetched, ends with the newest bars.
                track.told, track.mend_count = {}, 0
                track.due["bars"] = now + self._plan.bars_every_s
            track.rank, track.streams = ranks[address], frozenset(found)
        self._changed.set()

    def rank_of(self, address: str) -> int:
        """Return 1 for what only the watchlist wants, else 0."""
        track = self.tracks.get(address)
        return 0 if track is None else min(track.rank, 1)

    def look_up(self, address: str, work: Literal["daily", "about"]) -> None:
        """Say that somebody looks at a figure: what nobody looks at costs no request."""
        if address not in self._looked_up[work]:
            self._looked_up[work].add(address)
            self._changed.set()

    async def run(self, emit: Callable[[list[Event]], None]) -> None:
        """Work until cancelled, handing events on as they come. Never raise for what the network does."""
        while True:
            self._changed.clear()
            now = self._clock.mono()
            found = self._next(now)
            if found is None:
                await self._changed.wait()
                continue
            job, at = found
            if at > now:
                await self._nap(at - now)
                continue
            try:
                events = await self._do(job)
            except Exception:
                log.exception("polling failed")
                self._not_before[job.work, job.family] = now + _BUG_PAUSE_S
            else:
                if events:
                    emit(events)

    def standing_in(self, address: str, stream: Stream) -> int | None:
        """Return since when (wall, ns) HTTP stands in for the socket, None where it does not."""
        track = self.tracks.get(address)
        at = None if track is None else track.ticks_at.get(stream)
        return at if at is not None and self._pulse.heard.get((address, stream), 0) < at else None

    def all_standing_in(self) -> list[tuple[str, Stream]]:
        """Return every stream that HTTP stands in for."""
        return [
            (address, stream)
            for address, track in self.tracks.items()
            for stream in sorted(track.ticks_at)
            if self.standing_in(address, stream) is not None
        ]

    # What to do next.

    def _next(self, now: float) -> tuple[Job, float] | None:
        """Return the job that is to be done first, and when."""
        budget = self._http.turns.budget
        endpoints = set(ENDPOINTS.values())
        ready = [{one: budget.ready_at(one, now, rank) for one in endpoints} for rank in (0, 1)]
        best: tuple[bool, float, Job] | None = None
        for job in self._jobs(now):
            held = self._not_before.get((job.work, job.family), 0.0)
            at = max(job.due, held, ready[job.rank > 0][ENDPOINTS[job.work]])
            # What can be done now goes by importance, the rest by time.
            found = (at > now, at if at > now else 0.0, job)
            if best is None or found < best:
                best = found
        return None if best is None else (best[2], max(best[1], now))

    def _jobs(self, now: float) -> Iterator[Job]:
        wall = self._clock.wall()
        for address, track in self.tracks.items():
            family = codes.family_of(track.code)
            for work, due in self._works(track, now, wall):
                is_first = work in TICKS and work not in track.ticks_at
                order = FIRST.get(work, LAST) if work == "mend" or is_first else LAST
                group = track.group if work != "mend" else -1
                yield Job(track.rank, order, due, work, family, group, address)

    def _works(self, track: Track, now: float, wall: int) -> Iterator[tuple[Work, float]]:
        """Yield what can be asked for an instrument, and when it is due."""
        if track.refused is not None:
            return
        if "candle" in track.streams:
            work: Work = "mend" if track.mend_count else "bars"
            yield work, track.due[work]
        address = track.instrument.address
        if address in self._looked_up["daily"]:
            yield "daily", track.due["daily"]
        if address in self._looked_up["about"] and address not in self.abouts and _has_about(track.code):
            yield "about", track.due["about"]
        if self._plan.is_polled:
            for stream in TICKS:
                # A closed market is asked for its last price once.
                if stream in track.streams and not (
                    stream in track.ticks_at and self._is_closed(track.instrument, wall)
                ):
                    yield stream, max(track.due[stream], self._silent_at(track, stream, now, wall))

    def _silent_at(self, track: Track, stream: Stream, now: float, wall: int) -> float:
        """Return when the socket will have left a stream out for too long."""
        heard = max(self._pulse.heard.get((track.instrument.address, stream), 0), track.wanted_at)
        return now + facts.FALLBACK_AFTER_S - (wall - heard) / 1e9

    # Doing it.

    async def _do(self, job: Job) -> list[Event]:
        key = (job.work, job.family)
        batch = self._batch(job)
        try:
            events = await self._fetch(job, batch)
        except CodeError as error:
            self._split(batch, str(error))
            return []
        except HistoryError as error:
            self._failed(key, str(error), refused=error.refused)
            return []
        self._failures.pop(key, None)
        self.stopped = None
        return events

    def _batch(self, job: Job) -> list[Track]:
        """Return what is asked for together: the most important of the same group that are nearly due."""
        if job.work == "mend":
            return [self.tracks[job.address]]
        now, wall = self._clock.mono(), self._clock.wall()
        soon = now + self._every_s(job.work) / 2
        found = [
            track
            for track in self.tracks.values()
            if track.group == job.group
            and codes.family_of(track.code) == job.family
            and any(work == job.work and due <= soon for work, due in self._works(track, now, wall))
        ]
        found.sort(key=lambda track: (track.rank, track.due[job.work]))
        return found[: self._most(job.work)]

    def _most(self, work: Work) -> int:
        if work in ("bars", "daily"):
            return self._plan.batch_groups
        return facts.STATIC_CODES if work == "about" else self._plan.tick_codes

    async def _fetch(self, job: Job, batch: list[Track]) -> list[Event]:
        wanted = [track.code for track in batch]
        if job.work == "mend":
            return await self._mend(batch[0])
        if job.work == "about":
            for one in await self._http.static_info(wanted, job.rank):
                for track in batch:
                    if track.code == one.code:
                        self.abouts[track.instrument.address] = one
            self._put_off(batch, job.work, facts.DAILY_EVERY_FREE_S)
            return []
        if job.work in ("bars", "daily"):
            return await self._bars(job, batch)
        return await self._ticks(job, batch)

    async def _mend(self, track: Track) -> list[Event]:
        bars = await self._http.kline(track.instrument, INTERVAL, track.mend_count, rank=track.rank)
        track.polled_at, track.mend_count = self._clock.mono(), 0
        self._put_off([track], "bars", self._plan.bars_every_s)
        return list(self._fresh(track, bars))

    async def _bars(self, job: Job, batch: list[Track]) -> list[Event]:
        interval = INTERVAL if job.work == "bars" else "1d"
        asked = [Asked(track.code, interval) for track in batch]
        addresses = {track.code: track.instrument.address for track in batch}
        found = await self._http.batch_kline(job.family, asked, addresses, job.rank)
        now = self._clock.mono()
        self._put_off(batch, job.work, self._every_s(job.work))
        events: list[Event] = []
        for track in batch:
            bars = found.get(Asked(track.code, interval))
            if bars is None:
                continue
            if job.work == "daily":
                self.dailies[track.instrument.address] = bars
                continue
            newest = max(track.told, default=None)
            polled_at, track.polled_at = track.polled_at, now
            minute = LENGTHS[INTERVAL]
            jumped = newest is not None and bars and bars[0].open_ts > newest + minute
            if newest is not None and jumped and polled_at is not None and now - polled_at > minute / 1e9 - 1:
                # Two bars bridge two minutes: after a longer pause some may lie between.
                track.mend_count = min(facts.MAX_BARS, (bars[-1].open_ts - newest) // minute + 2)
                track.due["mend"] = now
                continue
            events += self._fresh(track, bars)
        return events

    async def _ticks(self, job: Job, batch: list[Track]) -> list[Event]:
        endpoint = ENDPOINTS[job.work]
        found = await self._http.ticks(endpoint, job.family, [track.code for track in batch], job.rank)
        stream: Stream = "trade" if job.work == "trade" else "book"
        seen = self._clock.wall()
        self._put_off(batch, job.work, facts.TICKS_EVERY_S)
        by_code = {track.code: track for track in batch}
        events: list[Event] = []
        for data in found:
            track = by_code[data.code or ""]
            track.ticks_at.setdefault(stream, seen)
            address, kind = track.instrument.address, codes.kind_of(track.code)
            if stream == "trade":
                trade = ticks.trade_of(address, kind, data, seen)
                pushed = self._pulse.traded.get(address)
                if trade is not None and self._prints.is_new_polled(trade, ticks.direction_of(data), pushed):
                    events.append(trade)
                continue
            read = ticks.book_of(address, kind, data, seen)
            if read is not None and not ticks.is_crossed(read[0]):
                plain = msgspec.structs.replace(read[0], seen=0)
                if plain != track.book:
                    track.book = plain
                    events.append(read[0])
        return events

    # Bookkeeping.

    def _fresh(self, track: Track, bars: Sequence[Candle]) -> list[Candle]:
        """Return the bars that say something new, and remember the last ones."""
        told, fresh = track.told, []
        for bar in bars:
            known = told.get(bar.open_ts)
            if known is not None and (
                (known.closed and not bar.closed) or msgspec.structs.replace(bar, seen=known.seen) == known
            ):
                continue
            told[bar.open_ts] = bar
            fresh.append(bar)
        for open_ts in sorted(told)[:-_TOLD]:
            del told[open_ts]
        return fresh

    def _every_s(self, work: Work) -> float:
        if work == "bars":
            return self._plan.bars_every_s
        return self._daily_every_s() if work == "daily" else facts.TICKS_EVERY_S

    def _daily_every_s(self) -> float:
        return facts.DAILY_EVERY_FREE_S if self._plan.is_polled else facts.DAILY_EVERY_S

    def _put_off(self, batch: Sequence[Track], work: Work, seconds: float) -> None:
        now, wall = self._clock.mono(), self._clock.wall()
        for track in batch:
            closed = self._is_closed(track.instrument, wall)
            track.due[work] = now + (max(seconds, _CLOSED_EVERY_S) if closed else seconds)

    def _split(self, batch: list[Track], words: str) -> None:
        """One of these codes spoils the request: ask for halves of them from now on, or for it no more."""
        if len(batch) == 1:
            batch[0].refused = words
            return
        for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
            self._groups += 1
            for track in half:
                track.group = self._groups

    def _failed(self, key: tuple[Work, facts.Family], words: str, *, refused: bool) -> None:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        wait = min(facts.RETRY_CAP_S, facts.RETRY_FIRST_S * 2.0 ** min(failures - 1, 8))
        if refused:
            self.stopped, wait = words, facts.RETRY_CAP_S
        self._not_before[key] = self._clock.mono() + wait
        log.info("%s over HTTP: %s; again in %.0f s", key[0], words, wait)

    async def _nap(self, seconds: float) -> None:
        tasks = [
            asyncio.ensure_future(self._sleep(seconds)),
            asyncio.ensure_future(self._changed.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _has_about(code: str) -> bool:
    return codes.kind_of(code) in ("hk", "us", "cn")
