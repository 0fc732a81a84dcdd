"""Whether two processes would open the same connections: one hash over everything that decides it.

A screen attaches to a feed whose providers are set as its own would be. The hash is made of the keys too, so
it never leaves this machine: the feed writes it into a file of its user alone, where the screen reads it.
"""

import hashlib
import hmac
from typing import Any, Final

import msgspec

from mdterm.app.secrets import Secret
from mdterm.app.settings import Settings

_SALT: Final = b"mdterm providers 1"


def fingerprint(settings: Settings) -> str:
    """Return the hash of the effective provider tables, keys included; commands are not run."""
    # Sorted, so that the order of a file's tables does not count; defaults are as good as what is written.
    text = msgspec.json.encode(msgspec.to_builtins(settings.providers, enc_hook=_told), order="sorted")
    return hmac.new(_SALT, text, hashlib.sha256).hexdigest()


def _told(value: object) -> Any:
    if isinstance(value, Secret):
        return value.identity()
    return str(value)
