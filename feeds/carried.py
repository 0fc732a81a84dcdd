"""What of a journal cannot be done without by whoever reads from somewhere in its middle on."""

import msgspec

from mdterm.feeds.journal import Record

_KINDS = frozenset({"note", "want", "phase", "open", "merged"})


class Carried:
    """The newest of each record that what follows is read with: notes, and the links as they stand."""

    def __init__(self) -> None:
        self._newest: dict[tuple[str, str], Record] = {}

    def take(self, record: Record) -> None:
        """Keep a record if it is such a one; of a link that is gone nothing stays."""
        if record.kind not in _KINDS or record.text == "lost":
            return
        if record.kind == "want" and record.text in ("same", "gone"):
            if record.text == "gone":
                for kind in ("want", "phase", "open"):
                    self._newest.pop((kind, record.link), None)
            return
        kind = f"{record.kind} {record.text}" if record.kind == "note" else record.kind
        if kind == "note listen":
            kind += record.data.decode("utf-8", "replace")  # each adds to those before
        self._newest.pop((kind, record.link), None)
        self._newest[kind, record.link] = record

    def records(self, at: int, mono: float) -> list[Record]:
        """Return the records as of a moment: wall clock (ns) and monotonic clock (s)."""
        return [msgspec.structs.replace(one, at=at, mono=mono) for one in self._newest.values()]
