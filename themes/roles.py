"""Colour roles: what a colour means. Widgets know roles, themes know colours, nobody knows both."""

from typing import Final

TEXT_ROLES: Final = (
    "text",
    "muted",
    "key",
    "bid",
    "ask",
    "up",
    "down",
    "flat",
    "live",
    "stale",
    "warn",
    "big-1",
    "big-2",
    "liq-long",
    "liq-short",
    "own",
    "line-1",
    "line-2",
    "line-3",
)
"""Roles that carry words or numbers: each must be legible on the theme's background."""

LINE_ROLES: Final = ("grid",)
"""Roles that only draw rules and marks."""

FILL_ROLES: Final = ("bid-bar", "ask-bar", "cursor")
"""Roles painted behind numbers; ``ansi_default`` where a theme has no such fill."""

ROLES: Final = (*TEXT_ROLES, *LINE_ROLES, *FILL_ROLES)

STYLE_SUFFIX: Final = "-style"
"""``bid-style`` holds the text attributes of ``bid``: what remains of a role where colour is missing."""
