"""Every decoder of what comes from outside, by name, with the good frames that its bad ones are made of."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from mdterm.feeds.jayx.framing import Dialect, Form
from tests.fuzz import bodies, files, sockets
from tests.fuzz.sockets import jayx_corpus


class Taker(Protocol):
    """What takes frames, one after another."""

    def take(self, frame: bytes) -> None:
        """Take a frame. Raise what is wrong with what comes of it."""


class Decoder(NamedTuple):
    """``share`` of the frames asked for are tried: some readers do far more with one than others."""

    make: Callable[[], Taker]
    corpus: Sequence[bytes]
    share: float = 1.0


def _jayx(form: Form, *, private: bool) -> Decoder:
    dialect = Dialect(form, rules=4 if form == "socketio" else None)
    return Decoder(lambda: sockets.JayXSocket(dialect, private=private), jayx_corpus(form))


DECODERS: Final[dict[str, Decoder]] = {
    "kiyotaka": Decoder(sockets.KiyotakaSocket, sockets.KIYOTAKA),
    "alltick": Decoder(sockets.AllTickSocket, sockets.ALLTICK),
    "jayx-socketio": _jayx("socketio", private=False),
    "jayx-envelope": _jayx("envelope", private=False),
    "jayx-flat": _jayx("flat", private=False),
    "jayx-account-socketio": _jayx("socketio", private=True),
    "jayx-account-envelope": _jayx("envelope", private=True),
    "jayx-account-flat": _jayx("flat", private=True),
    "kiyotaka-http": Decoder(bodies.KiyotakaBodies, bodies.KIYOTAKA),
    "alltick-http": Decoder(bodies.AllTickBodies, bodies.ALLTICK),
    "jayx-http": Decoder(bodies.JayXBodies, bodies.JAYX),
    "config": Decoder(files.ConfigFile, files.CONFIG),
    "state": Decoder(files.StateFile, files.STATE),
    "journal": Decoder(files.JournalFile, [files.journal_bytes()]),
    "records": Decoder(files.JournalRecords, [sockets.KIYOTAKA[0], b'{"a":1}', b"\x81\xa1a\x01"], share=0.02),
}
