"""The port of a feed in another process: the same calls as those of a feed in this one.

In a thread and on a loop of its own. When the feed is lost every bound panel says so at once; then it is
attached to again, everything that was wanted is asked again, and the gap is marked.
"""

import concurrent.futures
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from mdterm.feeds.address import Instrument
from mdterm.feeds.alerts import Alarm, Rule
from mdterm.feeds.asking import Answer
from mdterm.feeds.attachment import Attachment, CallError, Dial
from mdterm.feeds.clock import Clock
from mdterm.feeds.contract import Provider
from mdterm.feeds.events import Candle, FeedStatus, Stream
from mdterm.feeds.far_frames import FrameReader
from mdterm.feeds.frames import FrameSet, PanelFrame
from mdterm.feeds.listening import Listener
from mdterm.feeds.port import Post
from mdterm.feeds.port_wire import (
    Ack,
    Alarmed,
    Bind,
    Changes,
    Failure,
    Found,
    Frames,
    Heard,
    Hello,
    Join,
    Left,
    Listen,
    Missed,
    Pace,
    Pong,
    Repaint,
    Reply,
    Respec,
    Returned,
    Search,
    SetAlerts,
    SetPairs,
    Shared,
    Switch,
    Switched,
    Told,
    Unbind,
    Unlisten,
    Watch,
    Welcome,
    WireError,
    frame_set,
)
from mdterm.feeds.specs import ViewSpec
from mdterm.feeds.status import Shown

log = logging.getLogger(__name__)


class AttachedPort(Attachment):
    """A feed of another process behind the Port. Every command returns at once and may come from any thread.

    ``revive`` is called in a thread with the words of the loss, before it is attached to again; it may start
    one, and raises OSError or AttachError with the words why not. ``why`` returns better words for the loss,
    where the way to the feed has some. ``is_far`` says that the feed's clocks are not this machine's.
    """

    def __init__(
        self,
        dial: Dial,
        hello: Hello,
        *,
        clock: Clock | None = None,
        revive: Callable[[str], None] | None = None,
        why: Callable[[str], Awaitable[str]] | None = None,
        is_far: bool = False,
    ) -> None:
        super().__init__(dial, hello, clock=clock, revive=revive, why=why, is_far=is_far)
        self.lost: Callable[[str], None] = lambda words: None
        """Told on this port's thread why the feed is gone."""
        self.regained: Callable[[Welcome], None] = lambda welcome: None
        """Told on this port's thread that it is attached to a feed again."""
        self.problem: Callable[[str], None] = lambda words: None
        """Told on this port's thread what the feed could not do."""
        self.switched: Callable[[str], None] = lambda address: None
        """Told on this port's thread what another one of the link shows."""
        self.shared: Callable[[int], None] = lambda clients: None
        """Told on this port's thread how many look or listen, this one included."""
        self.clients = 1
        """The same, as it was told last."""
        self.place = ""
        """The machine that the feed is on, empty for this one."""
        self._numbers = 0
        self._post: Post | None = None
        self._raised: Callable[[Alarm], None] | None = None
        self._opened: dict[str, None] = {}
        self._watched: list[str] | None = None
        self._bound: dict[str, tuple[str, ViewSpec]] = {}
        self._rules: list[Rule] | None = None
        self._pairs: list[tuple[str, str]] | None = None
        self._period_s: float | None = None
        self._link = ""
        self._linked = ""
        """What the link shows, as far as this client has a part in it."""
        self._listened: dict[int, tuple[list[tuple[str, Stream]], Listener, str]] = {}
        self._answers: dict[int, Answer] = {}
        self._shown: dict[str, PanelFrame] = {}
        self._frames = FrameReader()

    def _lost(self, words: str) -> None:
        self.lost(words)
        self._tell("reconnecting", words)

    def _resume(self, lost_at: int, *, has_missed: bool) -> None:
        if not self._opened:
            self._want_again(lost_at, has_missed)
            return
        opened: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self._ask("open", {"addresses": list(self._opened)}, opened)
        # Answered on this thread. Where it is refused, what needs it is refused with words as well.
        opened.add_done_callback(lambda _: self._want_again(lost_at, has_missed))

    def _want_again(self, lost_at: int, has_missed: bool) -> None:
        if self._writer is None or self.welcome is None:
            return  # it was lost once more
        if self._period_s is not None:
            self._send(Pace(self._period_s))
        if self._watched is not None:
            self._send(Watch(self._watched))
        for panel, (address, spec) in self._bound.items():
            self._send(Bind(panel, address, spec))  # type: ignore[arg-type]  # every spec is one of AnySpec
        if self._rules is not None:
            self._send(SetAlerts(self._rules))
        if self._pairs is not None:
            self._send(SetPairs(self._pairs))
        if self._link:
            self._send(Join(self._link, self._linked))
        for id_, (wants, _, interval) in self._listened.items():
            self._send(Listen(id_, wants, interval))
        self._tell("gap", f"trades may be missing from {lost_at} to {self._clock.wall()} (ns)")
        if has_missed:
            self._send(Missed(lost_at + self._wall_ahead_ns))
        self.regained(self.welcome)

    def _show_lost(self, words: str, age: float, attempt: int) -> None:
        """Have every bound panel say that its data has ended."""
        if self._post is None:
            return
        shown = Shown("RECONNECTING", age=age, attempt=attempt, detail=words)
        panels = {
            panel: msgspec.structs.replace(one, shown=shown)
            for panel, one in self._shown.items()
            if panel in self._bound
        }
        self._numbers -= 1  # none of the feed's own
        self._post(FrameSet(self._numbers, self.mono(), self.wall(), panels, [], None))

    def _tell(self, state: Any, words: str) -> None:
        """Tell listeners of a change that the feed cannot tell."""
        seen = self._clock.wall()
        for wants, listener, _ in list(self._listened.values()):
            for address in sorted({address for address, _ in wants}):
                listener([FeedStatus(address, None, seen, state, words)])

    # What comes.

    def _take(self, told: Told) -> None:
        match told:
            case Changes():
                self._take(self._frames.read(told))
            case Frames():
                if self._post is None:
                    self._send(Ack(told.number))  # nobody looks yet, and nobody shall be waited for
                    return
                frames = frame_set(told, mono_ahead_s=self._mono_ahead_s)
                self._shown.update(frames.panels)
                self._post(frames)
            case Heard(id_, events):
                listened = self._listened.get(id_)
                if listened is not None:
                    listened[1](events)
            case Alarmed(alarm):
                if self._raised is not None:
                    self._raised(alarm)
            case Found(id_, addresses, problem):
                answer = self._answers.get(id_)
                if answer is not None:
                    answer(addresses, problem)
            case Switched(address):
                self._linked = address
                self.switched(address)
            case Shared(clients):
                self.clients = clients
                self.shared(clients)
            case Reply(id_, value):
                call = self._calls.pop(id_, None)
                if call is not None:
                    call.set_result(value)
            case Failure(id_, words, status):
                call = None if id_ is None else self._calls.pop(id_, None)
                if call is not None:
                    call.set_exception(CallError(words, status))
                else:
                    log.warning("the feed: %s", words)
                    self.problem(words)
            case Pong(sent, mono, wall):
                self._take_pong(sent, mono, wall)
            case _:
                raise WireError("a second welcome")

    # The port.

    def connect(self, post: Post) -> None:
        """Begin to receive frame sets."""
        self._post = post
        self._do(self._send, Repaint())

    def watch(self, instruments: Sequence[Instrument]) -> None:
        """Set the watchlist."""
        self._do(self._watch, [one.address for one in instruments])

    def _watch(self, addresses: list[str]) -> None:
        self._watched = addresses
        self._send(Watch(addresses))

    def bind(self, panel: str, address: str, spec: ViewSpec) -> None:
        """Bind a panel."""
        self._do(self._bind, panel, address, spec)

    def _bind(self, panel: str, address: str, spec: ViewSpec) -> None:
        self._bound[panel] = (address, spec)
        self._send(Bind(panel, address, spec))  # type: ignore[arg-type]  # every spec is one of AnySpec

    def respec(self, panel: str, spec: ViewSpec) -> None:
        """Change a bound panel's view."""
        self._do(self._respec, panel, spec)

    def _respec(self, panel: str, spec: ViewSpec) -> None:
        if panel in self._bound:
            self._bound[panel] = (self._bound[panel][0], spec)
            self._send(Respec(panel, spec))  # type: ignore[arg-type]  # every spec is one of AnySpec

    def unbind(self, panel: str) -> None:
        """Let a panel go."""
        self._do(self._unbind, panel)

    def _unbind(self, panel: str) -> None:
        self._bound.pop(panel, None)
        self._shown.pop(panel, None)
        self._send(Unbind(panel))

    def heed(self, raised: Callable[[Alarm], None]) -> None:
        """Begin to be told of alerts that fire."""
        self._raised = raised

    def alert(self, rules: Sequence[Rule]) -> None:
        """Set all alerts of this screen."""
        self._do(self._alert, list(rules))

    def _alert(self, rules: list[Rule]) -> None:
        self._rules = rules
        self._send(SetAlerts(rules))

    def compare(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Compare pairs of addresses."""
        self._do(self._compare, list(pairs))

    def _compare(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs
        self._send(SetPairs(pairs))

    def left(self) -> None:
        """Sum anew what passes from now on."""
        self._do(self._send, Left())

    def returned(self) -> None:
        """Keep what has passed."""
        self._do(self._send, Returned())

    def ack(self, number: int) -> None:
        """Return the credit for a frame set."""
        if number >= 0:
            self._do(self._send, Ack(number))

    def pace(self, period_s: float) -> None:
        """Make frame sets so far apart (s) from now on."""
        self._do(self._pace, period_s)

    def _pace(self, period_s: float) -> None:
        self._period_s = period_s
        self._send(Pace(period_s))

    def repaint(self) -> None:
        """Ask for every frame again."""
        self._do(self._send, Repaint())

    def provide(self, provider: Provider) -> None:
        """Do nothing: the feed has its own providers."""

    def search(self, query: str, answer: Answer) -> None:
        """Ask the providers' own search; ``answer`` is called on this port's thread, once for each."""
        self._do(self._search, query, answer)

    def _search(self, query: str, answer: Answer) -> None:
        self._ids += 1
        self._answers = {self._ids: answer}  # what was asked before is of no interest any more
        self._send(Search(self._ids, query))

    def listen(
        self, wants: Sequence[tuple[str, Stream]], listener: Listener, *, interval: str = "1m"
    ) -> None:
        """Hand every event of some streams on to ``listener``, on this port's thread."""
        self._do(self._listen, list(wants), listener, interval)

    def _listen(self, wants: list[tuple[str, Stream]], listener: Listener, interval: str) -> None:
        self._ids += 1
        self._listened[self._ids] = (wants, listener, interval)
        self._send(Listen(self._ids, wants, interval))

    def unlisten(self) -> None:
        """Hear nothing any more."""
        self._do(self._unlisten)

    def _unlisten(self) -> None:
        for id_ in list(self._listened):
            del self._listened[id_]
            self._send(Unlisten(id_))

    def join(self, link: str, address: str = "") -> None:
        """Switch symbols together with all others of a link; ``switched`` tells what they show.

        Where there are none yet, ``address`` is what the link shows.
        """
        self._do(self._join, link, address)

    def _join(self, link: str, address: str) -> None:
        self._link, self._linked = link, address
        self._send(Join(link, address))

    def switch(self, address: str) -> None:
        """Tell the others of the link what is shown now."""
        self._do(self._switch, address)

    def _switch(self, address: str) -> None:
        self._linked = address
        self._send(Switch(address))

    def open(self, addresses: Sequence[str] | None) -> list[Instrument]:
        """Have instruments made watchable, None for those that are watched where nobody says.

        Return them. Raise CallError.
        """
        value = self.call("open", {"addresses": None if addresses is None else list(addresses)})
        instruments = msgspec.convert(value, list[Instrument])
        self._do(self._opened.update, dict.fromkeys(one.address for one in instruments))
        return instruments

    def bars(self, count: int) -> dict[str, list[Candle]]:
        """Return the newest bars of a minute of every market; wait for them. Raise TimeoutError."""
        try:
            return msgspec.convert(self.call("bars", {"count": count}), dict[str, list[Candle]])
        except CallError as error:
            raise concurrent.futures.TimeoutError(str(error)) from None
