"""The port over a byte stream: every message between a feed of its own process and what attaches to it.

A message is four bytes of length (big-endian) and as many bytes of msgpack, a tagged struct below. The first
of a client is ``Hello``; it is answered by ``Welcome`` or ``Refusal``. What the feed sends may be compressed
as one stream, each message flushed; what a client sends never is.
"""

import struct
from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec

from mdterm.feeds.alerts import Alarm, Rule
from mdterm.feeds.events import (
    Balance,
    Book,
    Candle,
    FeedStatus,
    Funding,
    Liquidation,
    OpenInterest,
    Order,
    Stream,
    Trade,
    TradeAgg,
    VolumeProfile,
)
from mdterm.feeds.frames import (
    AccountFrame,
    ChartFrame,
    CompareFrame,
    DerivativesFrame,
    FrameSet,
    HeaderFrame,
    LadderFrame,
    LinkLine,
    PanelFrame,
    PlotFrame,
    ReplayLine,
    TapeFrame,
    WatchFrame,
)
from mdterm.feeds.frames_away import AwayFrame, AwaySpec
from mdterm.feeds.specs import (
    AccountSpec,
    ChartSpec,
    CompareSpec,
    DerivativesSpec,
    HeaderSpec,
    LadderSpec,
    PlotSpec,
    TapeSpec,
    WatchSpec,
)
from mdterm.feeds.status import Caution, Shown

VERSION: Final = 1
"""Of these messages; both ends must have the same."""
PREAMBLE: Final = b"\0mdterm port\n"
"""What comes before the messages over a login to another machine: before it, that one's shell may talk."""
HEAD: Final = struct.Struct(">I")
LARGEST_ASKED: Final = 1_000_000
"""Bytes of a client's message; a watchlist of two thousand has less than a tenth of it."""
LARGEST_TOLD: Final = 64_000_000
"""Bytes of a feed's message."""
MOST_ROWS: Final = 5_000
"""Rows, bars, points that a view may ask for."""
MOST_PANELS: Final = 64
MOST_ADDRESSES: Final = 5_000
MOST_RULES: Final = 1_000
MOST_LISTENINGS: Final = 16

Role = Literal["screen", "panel", "tail", "once", "record", "control"]

AnySpec = (
    LadderSpec
    | TapeSpec
    | HeaderSpec
    | ChartSpec
    | PlotSpec
    | WatchSpec
    | DerivativesSpec
    | AccountSpec
    | CompareSpec
    | AwaySpec
)
AnyFrame = (
    LadderFrame
    | TapeFrame
    | HeaderFrame
    | ChartFrame
    | PlotFrame
    | WatchFrame
    | DerivativesFrame
    | AccountFrame
    | CompareFrame
    | AwayFrame
)
AnyEvent = (
    Trade
    | TradeAgg
    | Book
    | Candle
    | Liquidation
    | Funding
    | OpenInterest
    | VolumeProfile
    | Balance
    | Order
    | FeedStatus
)


class WireError(Exception):
    """What came is no message of this protocol; the words say why."""


# What a client says.


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The first message. ``settings`` is the fingerprint of the client's providers, None where any will do.

    ``compress`` asks for a compressed stream from ``Welcome`` on, ``changes`` for frame sets as ``Changes``.
    """

    version: int
    program: str
    role: Role
    pid: int
    settings: str | None
    compress: bool = False
    changes: bool = False


class Watch(msgspec.Struct, frozen=True, tag="watch"):
    """Set the watchlist. The addresses are resolved ones, of instruments that were opened."""

    addresses: list[str]


class Bind(msgspec.Struct, frozen=True, tag="bind"):
    """Bind a panel."""

    panel: str
    address: str
    spec: AnySpec


class Respec(msgspec.Struct, frozen=True, tag="respec"):
    """Change a bound panel's view."""

    panel: str
    spec: AnySpec


class Unbind(msgspec.Struct, frozen=True, tag="unbind"):
    """Let a panel go."""

    panel: str


class Ack(msgspec.Struct, frozen=True, tag="ack"):
    """Return the credit for a frame set."""

    number: int


class Pace(msgspec.Struct, frozen=True, tag="pace"):
    """Make frame sets so far apart (s)."""

    period_s: float


class Repaint(msgspec.Struct, frozen=True, tag="repaint"):
    """Send every panel's frame again."""


class Left(msgspec.Struct, frozen=True, tag="left"):
    """Sum anew what passes from now on, while nobody looks at this screen."""


class Returned(msgspec.Struct, frozen=True, tag="returned"):
    """Keep what has passed since ``Left``, or since the last screen left."""


class SetAlerts(msgspec.Struct, frozen=True, tag="alerts"):
    """Set all of this client's alerts."""

    rules: list[Rule]


class SetPairs(msgspec.Struct, frozen=True, tag="pairs"):
    """Set the pairs that this client compares."""

    pairs: list[tuple[str, str]]


class Search(msgspec.Struct, frozen=True, tag="search"):
    """Ask the providers' own search; ``Found`` comes once for each of them."""

    id: int
    query: str


class Listen(msgspec.Struct, frozen=True, tag="listen"):
    """Hear every event of some streams; ``Heard`` comes with the same id."""

    id: int
    wants: list[tuple[str, Stream]]
    interval: str


class Unlisten(msgspec.Struct, frozen=True, tag="unlisten"):
    """Hear no more."""

    id: int


class Missed(msgspec.Struct, frozen=True, tag="missed"):
    """Say that there was no feed from ``since`` (wall, ns) until now: trades may be missing."""

    since: int


class Join(msgspec.Struct, frozen=True, tag="join"):
    """Switch symbols together with all others that joined ``link``.

    ``address`` is what the client shows; a link that has nobody yet shows it as well.
    """

    link: str
    address: str = ""


class Switch(msgspec.Struct, frozen=True, tag="switch"):
    """Tell the others of the link what is shown now."""

    address: str


class Call(msgspec.Struct, frozen=True, tag="call"):
    """Ask for something beyond the market; ``Reply`` or ``Failure`` comes with the same id."""

    id: int
    name: str
    args: dict[str, Any]


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Ask for a ``Pong``: a sign of life, and what the feed's clocks show. ``sent`` comes back."""

    sent: float


# What a feed says.


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """The client is in. The feed's clocks show ``mono`` (s) and ``wall`` (ns); ``instance`` names this run.

    ``began`` (wall, ns) is when this run began.
    """

    version: int
    program: str
    pid: int
    instance: str
    began: int
    mono: float
    wall: int


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """The connection ends, and why; ``status`` is what a command that needs it shall exit with."""

    words: str
    status: int = 2


class Frames(msgspec.Struct, frozen=True, tag="frames"):
    """A frame set."""

    number: int
    made: float
    wall: int
    panels: dict[str, "WirePanel"]
    links: list[LinkLine]
    delay_ms: float | None
    now: float | None = None
    replay: ReplayLine | None = None


class WirePanel(msgspec.Struct, frozen=True):
    """A panel of a frame set, as ``PanelFrame``."""

    shown: Shown
    frame: AnyFrame | None
    simulated: bool
    address: str | None
    caution: Caution | None


class Changes(msgspec.Struct, frozen=True, tag="changes"):
    """A frame set for who asked for changes: patches of what was told before (see ``frame_delta``).

    Panels are named by their place among those told since ``is_first``, new ones by their name.
    """

    is_first: bool
    head: Any
    panels: dict[int | str, Any]


class Alarmed(msgspec.Struct, frozen=True, tag="alarmed"):
    """An alert fired."""

    alarm: Alarm


class Found(msgspec.Struct, frozen=True, tag="found"):
    """What one provider's search found."""

    id: int
    addresses: list[str]
    problem: str | None


class Heard(msgspec.Struct, frozen=True, tag="heard"):
    """Events of a listening, in the order they came."""

    id: int
    events: list[AnyEvent]


class Switched(msgspec.Struct, frozen=True, tag="switched"):
    """Somebody of the link shows another instrument."""

    address: str


class Shared(msgspec.Struct, frozen=True, tag="shared"):
    """So many clients look or listen now, this one included."""

    clients: int


class Reply(msgspec.Struct, frozen=True, tag="reply"):
    """What a call returned."""

    id: int
    value: Any


class Failure(msgspec.Struct, frozen=True, tag="failure"):
    """Why something was not done; ``id`` is a call's, None for what has no answer."""

    id: int | None
    words: str
    status: int = 2


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    """The answer to a ping: what it brought, and the feed's clocks (s, ns)."""

    sent: float
    mono: float
    wall: int


Asked = (
    Hello
    | Watch
    | Bind
    | Respec
    | Unbind
    | Ack
    | Pace
    | Repaint
    | Left
    | Returned
    | SetAlerts
    | SetPairs
    | Search
    | Listen
    | Unlisten
    | Missed
    | Join
    | Switch
    | Call
    | Ping
)
Told = (
    Welcome
    | Refusal
    | Frames
    | Changes
    | Alarmed
    | Found
    | Heard
    | Switched
    | Shared
    | Reply
    | Failure
    | Pong
)

_encoder = msgspec.msgpack.Encoder()
_asked: msgspec.msgpack.Decoder[Asked] = msgspec.msgpack.Decoder(Asked)
_told: msgspec.msgpack.Decoder[Told] = msgspec.msgpack.Decoder(Told)


def encode(message: Asked | Told) -> bytes:
    """Return a message with its length before it."""
    body = _encoder.encode(message)
    return HEAD.pack(len(body)) + body


def wire_frames(frames: FrameSet) -> Frames:
    """Return a frame set as a message."""
    panels = {
        name: WirePanel(one.shown, one.frame, one.simulated, one.address, one.caution)  # type: ignore[arg-type]  # every frame is one of AnyFrame
        for name, one in frames.panels.items()
    }
    return Frames(
        frames.number,
        frames.made,
        frames.wall,
        panels,
        frames.links,
        frames.delay_ms,
        frames.now,
        frames.replay,
    )


def frame_set(told: Frames, *, mono_ahead_s: float = 0.0) -> FrameSet:
    """Return the frame set of a message, made on this end's monotonic clock: the feed's is so far ahead."""
    return FrameSet(
        told.number,
        told.made - mono_ahead_s,
        told.wall,
        {
            name: PanelFrame(one.shown, one.frame, one.simulated, one.address, one.caution)
            for name, one in told.panels.items()
        },
        told.links,
        told.delay_ms,
        told.now,
        told.replay,
    )


class Unpacker:
    """Cuts a byte stream into message bodies. ``largest`` bytes of one are believed."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the bodies that are whole by now. Raise WireError for one that is too long."""
        self._held += data
        held, at = self._held, 0
        try:
            while len(held) - at >= HEAD.size:
                (length,) = HEAD.unpack_from(held, at)
                if length > self._largest:
                    raise WireError(f"a message of {length} bytes is too long ({self._largest} at most)")
                end = at + HEAD.size + length
                if len(held) < end:
                    break
                body = bytes(held[at + HEAD.size : end])
                at = end
                yield body
        finally:
            del held[:at]


def read_asked(body: bytes) -> Asked:
    """Return a client's message. Raise WireError."""
    try:
        return _asked.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise WireError(f"no message of version {VERSION}: {error}") from error


def read_told(body: bytes) -> Told:
    """Return a feed's message. Raise WireError."""
    try:
        return _told.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise WireError(f"no message of version {VERSION}: {error}") from error


_SIZES: Final = (
    "rows",
    "margin",
    "bars",
    "points",
    "spark",
    "liquidations",
    "profile",
    "orders",
    "log",
    "levels",
    "biggest",
)


def check_spec(spec: AnySpec) -> None:
    """Raise WireError where a view asks for more than any screen shows."""
    for name in _SIZES:
        asked = getattr(spec, name, 0)
        if not 0 <= asked <= MOST_ROWS:
            raise WireError(f"a view of {asked} {name}")
    if isinstance(spec, LadderSpec) and not 1 <= spec.group <= 10_000_000:
        raise WireError(f"a ladder grouped by {spec.group}")
    if isinstance(spec, TapeSpec) and not 0 <= spec.back <= 10_000_000:
        raise WireError(f"a tape scrolled back by {spec.back}")
