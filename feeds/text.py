"""Make text from the outside safe to show on a terminal and to write to a log."""

import json
import re
import unicodedata
from functools import lru_cache
from urllib.parse import quote, quote_plus

# Controls, format characters (bidirectional overrides, zero-width), surrogates, private use, unassigned,
# and the line and paragraph separators: none of them may reach a terminal.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_ESCAPE = re.compile("%[0-9A-F]{2}")


def clean(text: str, limit: int = 200) -> str:
    """Return ``text`` with everything invisible or directional replaced by ``·``, at most ``limit`` long."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if unicodedata.category(c) not in _HIDDEN else "·" for c in text)


@lru_cache(maxsize=64)
def forms(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Return every form in which secrets may stand in text: bare, in JSON, percent-encoded in a URL.

    Longest first, so that no secret that contains another leaves its rest behind.
    """
    found: set[str] = set()
    for secret in secrets:
        if secret:
            found |= {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
            found.add(json.dumps(secret)[1:-1].replace("/", "\\/"))
            for quoted in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
                found |= {quoted, _ESCAPE.sub(lambda escape: escape[0].lower(), quoted)}
    return tuple(sorted(found, key=lambda form: (-len(form), form)))


def mask(text: str, secrets: tuple[str, ...]) -> str:
    """Return ``text`` with every secret replaced, in all forms, for logs, errors and journals."""
    for form in forms(secrets):
        text = text.replace(form, "•••")
    return text
