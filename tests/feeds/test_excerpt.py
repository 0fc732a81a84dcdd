"""A recording begun in the middle of a feed's streams: what it begins with, and what it leaves out."""

from mdterm.feeds.carried import Carried
from mdterm.feeds.contract import Want
from mdterm.feeds.events import FeedStatus, Trade
from mdterm.feeds.excerpt import Excerpt, Fan
from mdterm.feeds.journal import MemoryJournal, Record, RecordKind
from mdterm.feeds.journal_notes import pack_events, pack_wants, read_events, read_wants

BTC, ETH = "fake:BTCUSDT", "fake:ETHUSDT"
BOTH = (Want(0, BTC, "trade"), Want(0, ETH, "trade"))


def record(kind: RecordKind, link: str, data: bytes = b"", text: str = "", at: int = 1) -> Record:
    return Record(kind, link, at, at / 1e9, data, text)


def wanting(link: str, *wants: Want) -> Record:
    return record("want", link, pack_wants(wants), "ws://here")


def told(journal: MemoryJournal) -> list[tuple[str, str, str]]:
    return [(one.kind, one.link, one.text) for one in journal.records]


def begun(*before: Record) -> tuple[Fan, MemoryJournal, MemoryJournal]:
    """Return a journal that had records before an excerpt of one instrument began, and both files."""
    whole, part = MemoryJournal(), MemoryJournal()
    fan = Fan([whole])
    for one in before:
        fan.write(one)
    fan.join(Excerpt(part, [(BTC, "trade")]), 100, 0.1)
    return fan, whole, part


def test_it_begins_with_the_links_as_they_stand_and_with_nothing_that_was_said_before() -> None:
    before = [
        record("note", "", b"{}", "session"),
        record("note", "fake", b"{}", "provider"),
        record("note", "other", b"{}", "provider"),
        record("note", "", b"[]", "watch"),
        record("note", "", b"[]", "listen"),
        wanting("fake/one", *BOTH),
        record("open", "fake/one"),
        record("in", "fake/one", b"before"),
        wanting("fake/gone", *BOTH),
        record("want", "fake/gone", text="gone"),
    ]
    _, whole, part = begun(*before)
    assert whole.records == before
    assert told(part) == [
        ("note", "", "session"),
        ("note", "fake", "provider"),
        ("want", "fake/one", "ws://here"),
        ("open", "fake/one", ""),
        ("out", "fake/one", ""),
    ]
    assert {one.at for one in part.records} == {100}
    assert read_wants(part.records[2].data) == [BOTH[0]]


def test_only_links_that_carry_some_of_it_are_written() -> None:
    fan, _, part = begun()
    fan.write(record("note", "fake/late", b"words", "link"))
    fan.write(wanting("fake/other", BOTH[1]))
    fan.write(record("in", "fake/other", b"not this"))
    fan.write(wanting("fake/late", *BOTH))
    fan.write(record("in", "fake/late", b"this"))
    fan.write(record("want", "fake/late", text="gone"))
    fan.write(record("in", "fake/late", b"nor this"))
    assert told(part) == [
        ("note", "fake/late", "link"),
        ("want", "fake/late", "ws://here"),
        ("in", "fake/late", ""),
        ("want", "fake/late", "gone"),
    ]


def test_polled_events_bars_and_statuses_are_its_own() -> None:
    fan, _, part = begun()
    trades = [Trade(address, 1, 2, "7", 1.0, 1.0, "buy") for address in (ETH, BTC)]
    fan.write(record("told", "poll", pack_events(trades)))
    fan.write(record("told", "status", pack_events([FeedStatus(BTC, None, 1, "live", None)])))
    fan.write(record("bars", ETH))
    fan.write(record("merged", BTC))
    fan.write(record("http", "fake", b"body"))
    assert told(part) == [("told", "poll", ""), ("merged", BTC, ""), ("http", "fake", "")]
    assert read_events(part.records[0].data) == trades[1:]


def test_who_has_left_is_written_no_more() -> None:
    part = MemoryJournal()
    fan, excerpt = Fan([]), Excerpt(part, [(BTC, "candle")])
    fan.join(excerpt, 1, 0.0)
    fan.write(wanting("fake/one", BOTH[0]))  # bars are cut from trades
    fan.leave(excerpt)
    fan.write(record("in", "fake/one", b"after"))
    assert told(part) == [("want", "fake/one", "ws://here")]


def test_what_is_carried_does_not_grow_with_what_is_said_again() -> None:
    carried = Carried()
    for at in range(1_000):
        carried.take(record("note", "", b"same", "listen", at))
        carried.take(wanting(f"fake/{at}", *BOTH))
        carried.take(record("want", f"fake/{at}", text="gone"))
        carried.take(record("in", "fake/one", b"frame", at=at))
    assert [one.text for one in carried.records(5, 0.5)] == ["listen"]
