"""`mdterm keys`: every key, what it does, and the name by which it is rebound."""

import click

from mdterm.app.commands.context import Context, common_options

UNBOUND = "—"
_HEADS = ("KEYS", "NAME", "DOES", "IN")
_GAP = "  "


@click.command()
@common_options
@click.pass_obj
def keys(context: Context) -> int:
    """Print every key as it is bound now: keys, the name for [keys] in the configuration, what it does."""
    from mdterm.app.keymap import bind_keys
    from mdterm.app.settings_sources import dotted
    from mdterm.app.stdout import write_out

    settings = context.settings()
    keymap, problems = bind_keys(settings.keys)
    if problems:
        raise settings.error(dotted(("keys", problems[0].id)), problems[0].words)
    rows = [(" ".join(one.keys) or UNBOUND, one.id, one.help, one.group) for one in keymap.commands]
    write_out("".join(f"{line}\n" for line in table([_HEADS, *rows])))
    return 0


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Return rows as lines, the columns as wide as they need."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        _GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
