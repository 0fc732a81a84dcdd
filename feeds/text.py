"""Make text from the outside safe to show on a terminal and to write to a log."""

import unicodedata

# Controls, format characters (bidirectional overrides, zero-width), surrogates, private use, unassigned,
# and the line and paragraph separators: none of them may reach a terminal.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: str, limit: int = 200) -> str:
    """Return ``text`` with everything invisible or directional replaced by ``·``, at most ``limit`` long."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if unicodedata.category(c) not in _HIDDEN else "·" for c in text)


def mask(text: str, secrets: tuple[str, ...]) -> str:
    """Return ``text`` with every secret replaced, for logs, errors and journals."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "•••")
    return text
