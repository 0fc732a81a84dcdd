"""The accounts beside the markets: which belongs to which, and what of an account stands on a market."""

from collections.abc import Callable, Mapping, Sequence

from mdterm.feeds.account import Account, Fill, Working
from mdterm.feeds.address import Instrument
from mdterm.feeds.events import Event, Stream
from mdterm.feeds.frames import AccountFrame
from mdterm.feeds.market import Market, Quote
from mdterm.feeds.specs import AccountSpec
from mdterm.feeds.status import Caution, Shown, best
from mdterm.feeds.view_account import account_view

EVERYTHING = "*"
"""Stands for the symbol in the address of an account, which has none."""
NO_ACCOUNT = Shown("REFUSED", detail="no provider of the watchlist tells of an account")


class Accounts:
    """The accounts of all providers; ``teller`` is the provider that tells one.

    A market's provider may have its account told by another one. The account that is shown is the shown
    instrument's; where its provider has none, the one shown before stays.
    """

    def __init__(
        self,
        account_of: Mapping[str, str],
        markets: Mapping[str, Market | Quote],
        caution: Callable[[Instrument], Caution | None],
    ) -> None:
        self.of: dict[str, Account] = {}
        """Accounts by the provider that tells them."""
        self._account_of = dict(account_of)
        self._markets = markets
        self._caution = caution
        self._latest: str | None = None
        self._asked: dict[str, dict[str, Instrument]] = {}
        """Instruments whose orders were asked for by their symbols, by teller."""

    def know(self, name: str) -> None:
        """Take note of a provider that tells the account of its own markets."""
        self._account_of.setdefault(name, name)

    def open(self, instrument: Instrument) -> list[tuple[str, Stream]]:
        """Return the streams to subscribe for an instrument's account: balances once, orders by symbol."""
        teller = self._account_of.get(instrument.provider)
        if teller is None:
            return []
        wants: list[tuple[str, Stream]] = []
        if teller not in self.of:
            self.of[teller] = Account(teller)
            wants.append((f"{teller}:{EVERYTHING}", "balance"))
        asked = self._asked.setdefault(teller, {})
        if instrument.symbol not in asked:
            asked[instrument.symbol] = instrument
            wants.append((f"{teller}:{instrument.symbol}", "order"))
        return wants

    def show(self, instrument: Instrument) -> str | None:
        """Return whose account stands beside an instrument, None where there is none at all."""
        teller = self._account_of.get(instrument.provider)
        if teller in self.of:
            self._latest = teller
        elif self._latest is None:
            self._latest = next(iter(self.of), None)
        return self._latest

    def apply(self, teller: str, events: Sequence[Event]) -> None:
        """Take balances or orders in."""
        account = self.of.get(teller)
        if account is not None:
            account.apply(events)

    def state(self, teller: str | None, shown: Callable[[str, Stream], Shown]) -> Shown:
        """Return the state of an account as a whole."""
        if teller is None:
            return NO_ACCOUNT
        orders = [shown(f"{teller}:{symbol}", "order") for symbol in self._asked.get(teller, ())]
        return best([shown(f"{teller}:{EVERYTHING}", "balance"), *orders])

    def caution(self, teller: str | None) -> Caution | None:
        """Return the first warning about an instrument that orders may stand on."""
        for instrument in self._asked.get(teller or "", {}).values():
            caution = self._caution(instrument)
            if caution is not None:
                return caution
        return None

    def _is_raw(self, instrument: Instrument) -> bool:
        caution = self._caution(instrument)
        return caution is not None and caution.is_raw

    def frame(self, teller: str | None, spec: AccountSpec) -> AccountFrame | None:
        """Return an account's frame."""
        account = None if teller is None else self.of.get(teller)
        return None if account is None else account_view(account, spec, self._price_of, self._market_of_order)

    def orders_on(self, instrument: Instrument) -> list[Working]:
        """Return the account's orders on an instrument; none where prices are mere counts of ticks."""
        account, address = self._on(instrument)
        return [] if account is None or self._is_raw(instrument) else account.open_orders(address)

    def fills_on(self, instrument: Instrument) -> Mapping[int, Sequence[Fill]]:
        """Return the account's latest fills on an instrument by venue time in ms."""
        account, address = self._on(instrument)
        return {} if account is None or self._is_raw(instrument) else account.fills_by_ms(address)

    def _on(self, instrument: Instrument) -> tuple[Account | None, str]:
        teller = self._account_of.get(instrument.provider, "")
        return self.of.get(teller), f"{teller}:{instrument.symbol}"

    def _price_of(self, asset: str, quote: str) -> float | None:
        """Return the last price of an asset, where a watched market tells it."""
        for market in self._markets.values():
            if market.instrument.symbol == asset + quote and not self._is_raw(market.instrument):
                last = market.tape.last if isinstance(market, Market) else market.last
                if last is not None:
                    return last.price
        return None

    def _market_of_order(self, address: str) -> tuple[Market | Quote | None, str]:
        """Return the market an order stands on, and its symbol; the account may be told by another name."""
        teller, _, symbol = address.partition(":")
        for provider, account in self._account_of.items():
            market = self._markets.get(f"{provider}:{symbol}")
            if account == teller and market is not None and not self._is_raw(market.instrument):
                return market, symbol
        return None, symbol
