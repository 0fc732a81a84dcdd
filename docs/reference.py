"""Write the two pages that are made from the program itself: every key, every setting.

    python docs/reference.py [--check]

``--check`` writes nothing and ends with 1 where a page is not what would be written.
"""

import sys
from pathlib import Path

from mdterm.app.keytable import COMMANDS, GROUPS
from mdterm.app.settings_text import template

HERE = Path(__file__).resolve().parent


def keys_page() -> str:
    """Return every key: what it does, and the name by which it is rebound."""
    lines = [
        "# Keys",
        "",
        "Made by `python docs/reference.py` from the table that the program itself reads. `?` shows the keys",
        "on the screen, those of the focused panel first; `:` finds a command by its name; `mdterm keys`",
        "prints them as they are bound now. Any of them is rebound by its name:",
        "",
        "```toml",
        "[keys]",
        'quit = ["q", "x"]',
        "freeze = []        # no key",
        "```",
        "",
    ]
    for group in GROUPS:
        lines += [f"## {group}", "", "| key | name | does |", "|---|---|---|"]
        for one in COMMANDS:
            if one.group == group:
                keys = " ".join(_code(key) for key in one.keys)
                lines.append(f"| {keys} | `{one.id}` | {one.help} |")
        lines.append("")
    return "\n".join(lines)


def _code(key: str) -> str:
    return "`` ` ``" if key == "`" else f"`{key}`"


def settings_page() -> str:
    """Return every setting with its default, as `mdterm config init` writes them."""
    return "\n".join(
        [
            "# Configuration",
            "",
            "Made by `python docs/reference.py`. This is the file that `mdterm config init` writes: every",
            "key with its default or an example. A flag wins over the environment, the environment over the",
            "file, the file over the default; `mdterm config show` says what is in force and where it comes",
            "from, `mdterm config check` what is wrong, with line and key. A changed file is taken up while",
            "mdterm runs; a wrong one leaves the last good one in force, and the log (`L`) says why.",
            "",
            "```toml",
            template().rstrip(),
            "```",
            "",
        ]
    )


PAGES = {"keys.md": keys_page, "configuration.md": settings_page}


def stale() -> list[str]:
    """Return the pages that are not what would be written."""
    found = []
    for name, make in PAGES.items():
        path = HERE / name
        if not path.exists() or path.read_text(encoding="utf-8") != make():
            found.append(name)
    return found


def main() -> int:
    """Write the pages, or only look."""
    if "--check" in sys.argv[1:]:
        for name in stale():
            sys.stdout.write(f"docs/{name} is not up to date: python docs/reference.py\n")
        return 1 if stale() else 0
    for name, make in PAGES.items():
        (HERE / name).write_text(make(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
