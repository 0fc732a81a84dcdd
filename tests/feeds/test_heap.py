"""What was let go goes back to the system, where there is a way to ask for it."""

import ctypes
import os
import sys
from pathlib import Path

import pytest

from mdterm.feeds.heap import give_back


def resident() -> int:
    """Return the bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="no glibc"
)
def test_holes_in_the_heap_are_given_back() -> None:
    # Blocks below the size that has a mapping of its own; every other one stays, so that none can join.
    blocks = [bytearray(b"x" * 60_000) for _ in range(1_000)]
    del blocks[::2]
    before = resident()
    give_back()
    assert before - resident() > 20_000_000
    assert len(blocks) == 500


def test_elsewhere_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str | None) -> None:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    monkeypatch.setattr(sys, "platform", "darwin")
    give_back()
