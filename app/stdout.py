"""Standard output: data, whole, to a reader that may have gone."""

import sys

from mdterm.app.commands.context import PipeClosed


def write_out(text: str) -> None:
    """Write and flush, what the locale cannot say as the stream has it replaced. Raise PipeClosed."""
    out = sys.stdout
    errors = out.errors if out.errors not in (None, "strict") else "replace"
    data = text.encode(out.encoding or "utf-8", errors)
    try:
        out.flush()
        out.buffer.write(data)
        out.buffer.flush()
    except BrokenPipeError:
        raise PipeClosed from None
    except OSError as error:
        raise PipeClosed(f"standard output cannot be written: {error.strerror}") from None
