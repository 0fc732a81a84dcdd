"""A recording as it lies on the disk: its files, what they were made of, its records in order."""

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec

from mdterm.feeds.contract import Provider
from mdterm.feeds.events import Stream
from mdterm.feeds.journal import Record
from mdterm.feeds.journal_file import Ending, JournalError, JournalReader
from mdterm.feeds.journal_notes import ListenNote, ProviderNote, Session, read_wants
from mdterm.feeds.recorder import CARRIED, parts_of

HEAD_RECORDS: Final = 20_000
"""Records looked at for what was watched, at most."""
HEAD_S: Final = 20.0
SENSELESS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What reading a record's content raises where it is not what mdterm writes."""
_ACCOUNT: Final = frozenset({"balance", "order"})


class Head(msgspec.Struct):
    """What a recording's beginning tells: who, what, and when it began (wall ns, monotonic s)."""

    providers: dict[str, ProviderNote] = {}
    learnt: list[Record] = []
    accounts: dict[str, str] = {}
    addresses: list[str] = []
    """What was shown, watched or listened to, in this order; without the account's own."""
    wants: list[tuple[str, Stream]] = []
    interval: str = "1m"
    began_at: int = 0
    began_mono: float = 0.0


class Recording:
    """One recording of one or more files that follow one another."""

    def __init__(self, path: Path) -> None:
        """Open a recording. Raise JournalError."""
        self.parts = parts_of(path)
        self.endings: list[Ending] = []
        """How each file ended that was read to its end; of the last round."""
        self.lost: list[str] = []
        """What the recorder itself said it had to drop."""
        with_first = JournalReader(self.parts[0])
        with_first.close()
        self.head = self._read_head()

    def records(self) -> Generator[Record, None, None]:
        """Yield every record that can be read, in order. Raise JournalError."""
        self.endings, self.lost = [], []
        for number, path in enumerate(self.parts):
            reader = JournalReader(path)
            skip = 0
            try:
                for record in reader:
                    if skip:
                        skip -= 1
                    elif record.kind == "note" and record.text == CARRIED:
                        # Who reads on from the part before knows it already.
                        skip = record.code if number else 0
                    else:
                        if record.text == "lost":
                            self.lost.append(record.data.decode("utf-8", "replace"))
                        yield record
                if reader.ending is not None:
                    self.endings.append(reader.ending)
            finally:
                reader.close()

    def span(self) -> tuple[int, int]:
        """Return the first and the last record's wall time (ns). Raise JournalError."""
        first, last = 0, 0
        for path in self.parts:
            reader = JournalReader(path)
            places = reader.places()
            reader.close()
            if places:
                first = first or places[0].first_at
                last = max(last, places[-1].last_at)
        return first, last

    def told_end(self) -> str | None:
        """Return in words what is wrong with how it ended, None where all was read and closed well."""
        words = list(self.lost)
        for path, ending in zip(self.parts, self.endings, strict=False):
            if ending.how != "closed":
                words.append(f"{path.name}: {ending.words}")
            if ending.lost_bytes:
                words.append(f"{path.name}: {ending.lost_bytes} bytes could not be read")
        return "; ".join(words) or None

    def _read_head(self) -> Head:
        head = Head()
        shown: list[str] = []
        listed: list[str] = []
        wanted: list[str] = []
        with closing(self.records()) as records:
            for count, record in enumerate(records):
                if not head.began_at:
                    head.began_at, head.began_mono = record.at, record.mono
                if count >= HEAD_RECORDS or record.mono - head.began_mono > HEAD_S:
                    break
                if record.kind == "want" and record.data:
                    try:
                        wants = read_wants(record.data)
                    except SENSELESS as error:
                        raise JournalError(f"what was wanted cannot be read: {error}") from error
                    wanted += [want.address for want in wants if want.stream not in _ACCOUNT]
                elif record.kind == "note":
                    _take_note(head, record, shown, listed)
        if not head.providers:
            raise JournalError(f"{self.parts[0]} does not say of which providers it is")
        head.addresses = list(dict.fromkeys([*shown, *listed, *wanted]))
        return head


def _take_note(head: Head, record: Record, shown: list[str], listed: list[str]) -> None:
    try:
        if record.text == "provider":
            note = msgspec.json.decode(record.data, type=ProviderNote)
            head.providers.setdefault(note.name, note)
        elif record.text == "learnt":
            head.learnt.append(record)
        elif record.text == "session":
            head.accounts = msgspec.json.decode(record.data, type=Session).accounts
        elif record.text == "show" and not shown:
            shown += msgspec.json.decode(record.data, type=list[str])
        elif record.text == "watch":
            listed += msgspec.json.decode(record.data, type=list[str])
        elif record.text == "listen":
            heard = msgspec.json.decode(record.data, type=ListenNote)
            head.wants += heard.wants
            head.interval = heard.interval
            listed += [address for address, stream in heard.wants if stream not in _ACCOUNT]
    except SENSELESS as error:
        raise JournalError(f"a note of the recording cannot be read: {error}") from error


def revive(note: ProviderNote) -> Provider:
    """Return a provider like the one that was recorded; it connects nowhere. Raise JournalError."""
    try:
        return _revive(note)
    except (*SENSELESS, KeyError, TypeError) as error:
        raise JournalError(
            f"the settings recorded of provider {note.name!r} cannot be read: {error}"
        ) from error


def _revive(note: ProviderNote) -> Provider:
    settings: dict[str, Any] = note.settings
    if "account" in settings:
        from mdterm.feeds.jayx.beside import Beside
        from mdterm.feeds.jayx.feed import revive as revive_account

        market = _revive(ProviderNote(note.name, note.kind, settings["market"], note.has_history))
        return Beside(market, revive_account(note.name, settings["account"]))
    if note.kind == "kiyotaka":
        from mdterm.feeds.kiyotaka.feed import revive as revive_kiyotaka

        return revive_kiyotaka(note.name, settings)
    if note.kind == "alltick":
        from mdterm.feeds.alltick.feed import revive as revive_alltick

        return revive_alltick(note.name, settings)
    if note.kind == "jayx":
        from mdterm.feeds.jayx.feed import revive as revive_jayx

        return revive_jayx(note.name, settings)
    import importlib.metadata

    for point in importlib.metadata.entry_points(group="mdterm.providers", name=note.kind):
        made: Provider = point.load()(note.name, settings)
        return made
    raise JournalError(f"there is no provider of kind {note.kind!r} to read the recording with")
