"""What was let go given back to the system, where the C library keeps it for itself.

Columns that grow leave holes of every size behind. glibc fills them again, but gives whole pages inside its
heap back only when asked: with twenty markets they come to 20 MB within a minute. Asking takes a millisecond
or two, beside the feed's loop. Elsewhere nothing is done.
"""

import sys

EVERY_S = 5.0


def give_back() -> None:
    """Give back what pages are free; needs no lock of the interpreter while it does."""
    if sys.platform != "linux":
        return
    import ctypes  # nobody else wants it, and a start should not wait for it

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # musl has none
        trim(0)
