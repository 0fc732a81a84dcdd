"""The command palette: every command of the keymap, found by its words."""

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from mdterm.app.keymap import Command

if TYPE_CHECKING:
    from mdterm.app.dashboard import Dashboard


class KeymapCommands(Provider):
    """Offers the commands of the keymap, with their keys."""

    @property
    def _commands(self) -> list[Command]:
        keymap = cast("Dashboard", self.app).bound_keys
        return [one for one in keymap.commands if one.id != "palette"]

    def _run(self, command: Command) -> None:
        self.app.call_later(self.app.run_action, command.action)

    async def discover(self) -> Hits:
        """Yield every command."""
        for command in self._commands:
            yield DiscoveryHit(_words(command), partial(self._run, command), text=command.id)

    async def search(self, query: str) -> Hits:
        """Yield the commands whose words match."""
        matcher = self.matcher(query)
        for command in self._commands:
            words = _words(command)
            score = matcher.match(words)
            if score > 0:
                yield Hit(score, matcher.highlight(words), partial(self._run, command), text=command.id)


def _words(command: Command) -> str:
    keys = " ".join(command.keys)
    return f"{command.group}: {command.help}" + (f"  ({keys})" if keys else "")
