"""What was let go given back to the system, where the C library keeps it for itself.

Columns that grow leave holes of every size behind. glibc fills them again, but gives whole pages inside its
heap back only when asked: with twenty markets they come to 20 MB within a minute. Asking takes a millisecond
or two, beside the feed's loop. Columns of some size are kept in pages of their own, where they leave no hole;
glibc does so by itself until the first of them is freed. Elsewhere nothing is done.
"""

import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ctypes import CDLL

EVERY_S = 5.0
_APART = 128 * 1024
"""Bytes from which on what is asked for has pages of its own."""
_M_MMAP_THRESHOLD = -3


@cache
def _library() -> "CDLL | None":
    """Return the C library once it has been told what to keep apart, None where it is not glibc."""
    if sys.platform != "linux":
        return None
    import ctypes  # nobody else wants it, and a start should not wait for it

    library = ctypes.CDLL(None)
    if not hasattr(library, "malloc_trim"):  # musl has none
        return None
    library.mallopt(_M_MMAP_THRESHOLD, _APART)
    return library


def give_back() -> None:
    """Give back what pages are free; needs no lock of the interpreter while it does."""
    library = _library()
    if library is not None:
        library.malloc_trim(0)
