"""`mdterm themes`: the themes, what their colours are, and what is wrong with one's own."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from mdterm.app import completing
from mdterm.app.commands.context import USAGE, Context, Failed, common_options

if TYPE_CHECKING:
    from textual.theme import Theme

    from mdterm.app.theme_files import ThemeFiles

ACTIVE = "*"
_GAP = "  "


@click.command()
@click.option("--show", is_flag=True, help="Every role of every theme with its colour and attributes.")
@click.option("--check", is_flag=True, help="What is wrong with your own themes, and what is hard to read.")
@click.option(
    "--template",
    metavar="THEME",
    shell_complete=completing.brought_themes,
    help="A theme as a file, to make one of your own from.",
)
@common_options
@click.pass_obj
def themes(context: Context, show: bool, check: bool, template: str | None) -> int:
    """Print the names of the themes, one a line; the one in use is marked with *.

    Your own are TOML files in the folder `themes` beside the configuration; --check looks at them, and ends
    with 2 where something in them is wrong.
    """
    from mdterm.app.choices import theme_names
    from mdterm.app.settings_problems import nearest
    from mdterm.app.stdout import write_out
    from mdterm.app.theme_files import folders_of, read_themes
    from mdterm.app.theme_files import template as file_of
    from mdterm.themes.palettes import DEFAULT_THEME, MONO_THEME, THEMES
    from mdterm.themes.palettes import themes as all_themes

    settings = context.settings()
    folders = folders_of(settings)
    files = read_themes(folders)
    if check:
        write_out("".join(f"{line}\n" for line in _checked(files) or _none(map(str, folders))))
        return USAGE if files.problems else 0
    if template is not None:
        brought = {one.name: one for one in THEMES}
        if template not in brought:
            words = f"--template: mdterm brings no theme {template}{nearest(template, brought)}"
            raise Failed(words, USAGE)
        write_out(file_of(brought[template]))
        return 0
    names = theme_names(files)
    if settings.theme is not None and settings.theme not in (*names, *files.broken):
        raise settings.error("theme", f"unknown theme{nearest(settings.theme, names)}")
    # What the environment asks for wins over the file, as on the screen.
    active = settings.theme or DEFAULT_THEME
    if context.environ.get("NO_COLOR"):
        active = MONO_THEME
    elif active in files.broken:
        active = DEFAULT_THEME
    lines = []
    for theme in all_themes(is_red_up=settings.red_up, own=files.themes):
        lines.append(f"{theme.name} {ACTIVE}" if theme.name == active else theme.name)
        lines += _roles(theme) if show else []
    write_out("".join(f"{line}\n" for line in lines))
    if told := files.words():
        click.echo(f"mdterm: {told}", err=True)
    return 0


def _roles(theme: "Theme") -> list[str]:
    from mdterm.themes.roles import ROLES, STYLE_SUFFIX

    lines, width = [], max(map(len, ROLES))
    for role in ROLES:
        colour, style = theme.variables[role], theme.variables[f"{role}{STYLE_SUFFIX}"]
        cells = (role.ljust(width), colour if style == "none" else f"{colour}{_GAP}{style}")
        lines.append(_GAP + _GAP.join(cells))
    return lines


def _checked(files: "ThemeFiles") -> list[str]:
    """Return a line for each fault, then for each thing that is hard to read, then for each theme without."""
    marked = {problem.path for problem in (*files.problems, *files.warnings)}
    fine = [name for name, path in files.paths.items() if path not in marked]
    return [
        *map(str, files.problems),
        *(f"{problem} (a warning)" for problem in files.warnings),
        *(f"{name}: no mistakes" for name in fine),
    ]


def _none(folders: Iterable[str]) -> list[str]:
    return [f"no themes of your own in {' or '.join(folders)}"]
