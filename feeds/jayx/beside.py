"""JayX's account beside another provider's market, under one name: balances and orders from one, all else
from the other. The simulated market is put together like this."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from mdterm.feeds.address import Address, Instrument
from mdterm.feeds.contract import Codec, Link, Provider, Silence, Want
from mdterm.feeds.events import Stream
from mdterm.feeds.jayx import facts
from mdterm.feeds.jayx.feed import JayX
from mdterm.feeds.journal_notes import Replayable, TakeBody


class Beside:
    """A provider made of a market and an account. Both bear the same name; addresses are the market's."""

    def __init__(self, market: Provider, account: JayX) -> None:
        if market.name != account.name:
            raise ValueError(f"one name is needed, not {market.name!r} and {account.name!r}")
        self.market = market
        self.account = account
        self.name = market.name
        self.kind = market.kind
        self.capabilities = replace(
            market.capabilities, streams=market.capabilities.streams | facts.PRIVATE_STREAMS
        )
        self.backoff = market.backoff
        self.gate = market.gate
        self.history = market.history
        self.poller = market.poller
        self.history_intervals = market.history_intervals

    def _of(self, stream: Stream) -> Provider:
        return self.account if stream in facts.PRIVATE_STREAMS else self.market

    def resolve(self, address: Address) -> Instrument:
        """Return the instrument an address names. Raise AddressError."""
        return replace(self.market.resolve(address), has_account=True)

    def plan(self, wants: Sequence[Want]) -> list[Link]:
        """Return the links of both."""
        private = [want for want in wants if want.stream in facts.PRIVATE_STREAMS]
        public = [want for want in wants if want.stream not in facts.PRIVATE_STREAMS]
        return [*self.market.plan(public), *self.account.plan(private)]

    def codec(self, link: Link) -> Codec:
        """Return a new codec for a link of ``plan``."""
        return self._of(link.wants[0].stream).codec(link)

    def unserved(self, wants: Sequence[Want]) -> Mapping[str, str]:
        """Return the addresses that the market's limits leave out."""
        return self.market.unserved([want for want in wants if want.stream not in facts.PRIVATE_STREAMS])

    def carries(self, instrument: Instrument, stream: Stream) -> str | None:
        """Return None if the instrument can have the stream, else the reason why not."""
        return self._of(stream).carries(instrument, stream)

    # What a recording needs.

    def effective(self) -> dict[str, Any]:
        """Return the settings of both."""
        market = self.market.effective() if isinstance(self.market, Replayable) else {}
        return {"market": market, "account": self.account.effective()}

    def learnt(self) -> dict[str, Any]:
        """Return what both found out."""
        market = self.market.learnt() if isinstance(self.market, Replayable) else {}
        return {"market": market, "account": self.account.learnt()}

    def relearn(self, told: Mapping[str, Any]) -> None:
        """Take over what ``learnt`` returned."""
        if isinstance(self.market, Replayable):
            self.market.relearn(msgspec.convert(told.get("market", {}), dict[str, Any]))
        self.account.relearn(msgspec.convert(told.get("account", {}), dict[str, Any]))

    def hear_bodies(self, take: TakeBody) -> None:
        """Hand every HTTP answer on."""
        if isinstance(self.market, Replayable):
            self.market.hear_bodies(take)
        self.account.hear_bodies(take)

    async def prepare(self, instrument: Instrument, stream: Stream, price: float | None) -> None:
        """Learn what a subscription needs first. Raise Unready."""
        await self._of(stream).prepare(instrument, stream, price)

    def silence(self, stream: Stream) -> Silence:
        """Return the longest believable silence of a stream."""
        return self._of(stream).silence(stream)

    def closed_since(self, instrument: Instrument, now_ns: int) -> int | None:
        """Return when the instrument's market closed, None while it is open or nobody knows."""
        return self.market.closed_since(instrument, now_ns)
