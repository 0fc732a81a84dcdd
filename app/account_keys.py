"""What the keys do to the account."""

from mdterm.app.deck import Deck


class AccountKeys(Deck):
    """The part of the board that shows what changed in the account."""

    def action_account_log(self) -> None:
        """Show all that changed in the account since the program began to watch it."""
        from mdterm.app.accountlog import AccountLogScreen

        self.app.push_screen(AccountLogScreen(self, self.keymap))
