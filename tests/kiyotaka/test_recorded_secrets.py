"""A server that repeats the key inside compressed frames leaves it in no journal."""

import brotli
import pytest

from mdterm.feeds.clock import SystemClock
from mdterm.feeds.connection import Connection
from mdterm.feeds.contract import Want
from mdterm.feeds.journal import MemoryJournal
from tests.kiyotaka.support import ADDRESS, TOKEN, provider


def connection(journal: MemoryJournal) -> Connection:
    of = provider(book_url="ws://127.0.0.1:9", nonbook_url="ws://127.0.0.1:9", compression="brotli")
    (link,) = of.plan([Want(0, ADDRESS, "trade")])
    return Connection(
        link,
        of,
        deliver=lambda connection, events: None,
        changed=lambda connection: None,
        clock=SystemClock(),
        journal=journal,
    )


ANSWER = b'{"jsonrpc":"2.0","id":1,"result":{"token":"%s"}}' % TOKEN.encode()


@pytest.mark.parametrize(
    ("frame", "kept"),
    [
        (ANSWER, ANSWER),
        (brotli.compress(ANSWER), ANSWER.replace(TOKEN.encode(), b"***")),
        (brotli.compress(b'{"id":1}'), brotli.compress(b'{"id":1}')),
        (b"\xff\xfe", b"\xff\xfe"),
    ],
)
async def test_what_is_kept_of_a_frame(frame: bytes, kept: bytes) -> None:
    journal = MemoryJournal()
    one = connection(journal)
    assert one._safe(frame) == kept
    one._record("in", one._safe(frame))
    assert TOKEN.encode() not in journal.records[-1].data
