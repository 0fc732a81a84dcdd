"""`mdterm completion`: the shell's half of completion."""

import click
from click.shell_completion import get_completion_class

from mdterm.app.commands.context import common_options
from mdterm.app.completing import BASH

PROGRAM = "mdterm"


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common_options
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    bash: mdterm completion bash > ~/.local/share/bash-completion/completions/mdterm
    zsh:  mdterm completion zsh > a folder of your $fpath, as _mdterm
    fish: mdterm completion fish > ~/.config/fish/completions/mdterm.fish
    """
    script = get_completion_class(shell)
    assert script is not None
    complete = script(context.find_root().command, {}, PROGRAM, f"_{PROGRAM.upper()}_COMPLETE")
    # Not source(): for bash that first runs whatever bash is found here to ask for its version.
    template = BASH if shell == "bash" else complete.source_template
    click.echo(template % complete.source_vars())
