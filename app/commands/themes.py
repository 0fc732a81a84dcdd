"""`mdterm themes`: the themes, and what their colours are."""

import click

from mdterm.app.commands.context import Context, common_options

ACTIVE = "*"
_GAP = "  "


@click.command()
@click.option("--show", is_flag=True, help="Every role of every theme with its colour and attributes.")
@common_options
@click.pass_obj
def themes(context: Context, show: bool) -> int:
    """Print the names of the themes, one a line; the one in use is marked with *."""
    from mdterm.app.settings_problems import nearest
    from mdterm.app.stdout import write_out
    from mdterm.themes.palettes import DEFAULT_THEME, MONO_THEME, THEMES
    from mdterm.themes.palettes import themes as all_themes
    from mdterm.themes.roles import ROLES, STYLE_SUFFIX

    settings = context.settings()
    names = [theme.name for theme in THEMES]
    if settings.theme is not None and settings.theme not in names:
        raise settings.error("theme", f"unknown theme{nearest(settings.theme, names)}")
    # What the environment asks for wins over the file, as on the screen.
    active = MONO_THEME if context.environ.get("NO_COLOR") else settings.theme or DEFAULT_THEME
    lines = []
    for theme in all_themes(is_red_up=settings.red_up):
        lines.append(f"{theme.name} {ACTIVE}" if theme.name == active else theme.name)
        if show:
            width = max(map(len, ROLES))
            for role in ROLES:
                colour, style = theme.variables[role], theme.variables[f"{role}{STYLE_SUFFIX}"]
                cells = (role.ljust(width), colour if style == "none" else f"{colour}{_GAP}{style}")
                lines.append(_GAP + _GAP.join(cells))
    write_out("".join(f"{line}\n" for line in lines))
    return 0
