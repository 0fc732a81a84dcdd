"""AllTick as a provider: addresses, links, codecs, hours, history and polling."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec

from mdterm.feeds.address import Address, AddressError, Instrument, parse_address
from mdterm.feeds.alltick import codes, facts, hours
from mdterm.feeds.alltick.codec import AllTickCodec
from mdterm.feeds.alltick.http import About, AllTickHttp
from mdterm.feeds.alltick.memory import Prints, Pulse
from mdterm.feeds.alltick.pace import Limits, TokenGate, limits_of
from mdterm.feeds.alltick.poller import AllTickPoller
from mdterm.feeds.clock import Clock, SystemClock
from mdterm.feeds.contract import (
    Backoff,
    Capabilities,
    Gate,
    History,
    Link,
    Listing,
    Poller,
    Silence,
    Want,
)
from mdterm.feeds.events import Candle, Stream
from mdterm.feeds.intervals import Session, bucket_start

_HALF_HOUR_NS = 1_800_000_000_000
_AFTER_HOURS_NS = 120_000_000_000
"""A market that spoke so lately of a time after its close is not closed, whatever the hours say."""


class Options(msgspec.Struct, frozen=True):
    """An instance's configuration, credential included. Never log it."""

    token: str
    plan: facts.PlanName = "basic"
    stock_url: str | None = None
    generic_url: str | None = None
    stock_http_url: str | None = None
    generic_http_url: str | None = None
    simulated: bool = False


class Learnt(msgspec.Struct, frozen=True):
    """What a recording has to know besides what came: opening and close of days, facts, polled streams."""

    closes: dict[str, list[tuple[int, float]]] = {}
    abouts: dict[str, About] = {}
    standing_in: list[tuple[str, Stream]] = []


class AllTick:
    """One instance of the provider. What is beyond the contract is for the header and the chart."""

    kind = "alltick"
    capabilities: Capabilities = facts.CAPABILITIES
    history_intervals: frozenset[str] = facts.HISTORY_INTERVALS

    def __init__(
        self, name: str, options: Options, *, clock: Clock | None = None, limits: Limits | None = None
    ) -> None:
        self.name = name
        self.plan_facts = facts.PLANS[options.plan]
        self.backoff: Backoff = facts.backoff(self.plan_facts)
        self.token_gate = TokenGate(limits or limits_of(self.plan_facts))
        self.gate: Gate = self.token_gate
        self.pulse = Pulse()
        self.prints = Prints()
        self._options = options
        self._instruments: dict[str, Instrument] = {}
        self._closes: dict[str, tuple[list[Candle], int, float | None]] = {}
        """By address: of which bars, for which half hour, and the close."""
        self._recorded_standing: set[tuple[str, Stream]] = set()
        clock = clock or SystemClock()
        urls: dict[facts.Family, str] = {
            "stock": options.stock_http_url or facts.HTTP_URLS["stock"],
            "generic": options.generic_http_url or facts.HTTP_URLS["generic"],
        }
        self.http = AllTickHttp(name, urls, options.token, self.plan_facts, clock)
        self.history: History | None = self.http
        self.polling = AllTickPoller(
            self.http,
            self.plan_facts,
            pulse=self.pulse,
            prints=self.prints,
            resolve=self._instrument,
            is_closed=lambda instrument, now: self.closed_since(instrument, now) is not None,
            clock=clock,
        )
        self.poller: Poller | None = self.polling
        self.http.rank_of = self.polling.rank_of

    # The contract.

    def resolve(self, address: Address) -> Instrument:
        """Return the instrument of an address. The code is taken as it is written: case matters."""
        code = address.symbol
        if address.exchange is not None:
            raise AddressError(
                f"address {address}: AllTick names no exchanges: write {self.name}:{address.exchange}."
                f"{code} if that is the code"
            )
        meant = codes.suggestion(code)
        if code[:3] in ("HK-", "US-", "SH-", "SZ-") and meant is not None:
            raise AddressError(f"address {address}: AllTick's codes are written {meant} now")
        instrument = Instrument(
            address=str(address),
            provider=self.name,
            kind=self.kind,
            symbol=code,
            simulated=self._options.simulated,
        )
        return self._instruments.setdefault(instrument.address, instrument)

    def plan(self, wants: Sequence[Want]) -> list[Link]:
        """One socket a family, that of the visible instruments first; bars alone need none."""
        by_family: dict[facts.Family, list[Want]] = {}
        for want in wants:
            instrument = self._instrument(want.address)
            if self.carries(instrument, want.stream) is None:
                by_family.setdefault(codes.family_of(instrument.symbol), []).append(want)
        links = [
            Link(
                key=f"{self.name}/{family}",
                provider=self.name,
                url=self._url(family),
                wants=tuple(sorted(found)),
                secrets=(self._options.token, quote(self._options.token, safe="")),
            )
            for family, found in by_family.items()
            if any(want.stream in facts.SOCKET_STREAMS for want in found)
        ]
        return sorted(links, key=lambda link: (_rank(link), link.key))

    def codec(self, link: Link) -> AllTickCodec:
        """Return the codec of a link."""
        return AllTickCodec(
            link=link.key,
            plan=self.plan_facts,
            gate=self.token_gate,
            resolve=self._instrument,
            prints=self.prints,
            pulse=self.pulse,
            nonce=secrets.token_hex(6),
        )

    def carries(self, instrument: Instrument, stream: Stream) -> str | None:
        """Return None if the instrument can have the stream, else the reason why not."""
        return None if stream in self.capabilities.streams else "AllTick has no stream of this kind"

    async def prepare(self, instrument: Instrument, stream: Stream, price: float | None) -> None:
        """Return at once: nothing has to be known before a subscription."""

    def silence(self, stream: Stream) -> Silence:
        """Return the longest believable silence of a stream in trading hours."""
        if stream == "candle" and self.plan_facts.is_polled:
            return facts.SILENCE_CANDLE_FREE
        return facts.SILENCE.get(stream, Silence(None))

    def unserved(self, wants: Sequence[Want]) -> Mapping[str, str]:
        """Return nothing: codes over the plan's cap are refused by name, with the plan in words."""
        return {}

    def closed_since(self, instrument: Instrument, now_ns: int) -> int | None:
        """Return when (ns) the market closed; None in trading hours, and while it speaks all the same."""
        week = hours.hours_of(instrument.symbol)
        since = None if week is None else hours.closed_since(week, now_ns)
        if since is None:
            return None
        heard = self.pulse.last(instrument.address)
        speaks = heard is not None and now_ns - heard < _AFTER_HOURS_NS
        return None if speaks and self.pulse.stamped.get(instrument.address, 0) > since else since

    # Beyond the contract.

    def session(self, instrument: Instrument) -> Session | None:
        """Return when the instrument's trading day begins, for its VWAP and daily bars; None for UTC."""
        return hours.session_of(instrument.symbol)

    def tick(self, instrument: Instrument, price: float) -> float | None:
        """Return the smallest price step at a price, None where no rule tells it."""
        if codes.kind_of(instrument.symbol) != "hk":
            return None
        return codes.hong_kong_tick(price)

    def about(self, instrument: Instrument) -> About | None:
        """Return what is known of a stock, None while nothing is; asking has it fetched."""
        self.polling.look_up(instrument.address, "about")
        return self.polling.abouts.get(instrument.address)

    def listing(self, instrument: Instrument) -> Listing:
        """Return name, board lot and currency, as far as they are known; asking has them fetched.

        A lot of a mainland stock is the unit of its sizes already.
        """
        about = self.about(instrument)
        name = codes.NAMES.get(instrument.symbol)
        if about is None:
            return Listing(name)
        is_counted_in_lots = codes.kind_of(instrument.symbol) == "cn"
        return Listing(about.name or name, None if is_counted_in_lots else about.lot_size, about.currency)

    def previous_close(self, instrument: Instrument, ts: int) -> float | None:
        """Return the close of the trading day before the one that ``ts`` (ns, of the last print) lies in.

        The provider tells no change: it is computed from this. None while it is not known; asking has it
        fetched.
        """
        self.polling.look_up(instrument.address, "daily")
        bars = self.polling.dailies.get(instrument.address)
        if not bars:
            return None
        known, half_hour = self._closes.get(instrument.address), ts // _HALF_HOUR_NS
        if known is None or known[0] is not bars or known[1] != half_hour:
            # Asked for thousands of times a second: no date changes within a half hour.
            dates = hours.date_of(instrument.symbol)
            today = bucket_start(ts, "1d", dates)
            before = [bar.close for bar in bars if bucket_start(bar.open_ts, "1d", dates) < today]
            known = self._closes[instrument.address] = (bars, half_hour, before[-1] if before else None)
        return known[2]

    def stands_in(self, instrument: Instrument, stream: Stream) -> str | None:
        """Return that ticks are polled over HTTP, in words; None where the socket speaks."""
        key = (instrument.address, stream)
        if self.polling.standing_in(*key) is None and key not in self._recorded_standing:
            return None
        missing = "prints" if stream == "trade" else "books"
        return f"polled over HTTP: the socket sends nothing on this plan; {missing} between polls are missing"

    # What a recording needs.

    def effective(self) -> dict[str, Any]:
        """Return the settings in force, without token and URLs."""
        return {"plan": self._options.plan, "simulated": self._options.simulated}

    def learnt(self) -> dict[str, Any]:
        """Return what was learnt over HTTP beside bars: closes, names and lots, and where it stands in."""
        learnt = Learnt(
            {
                address: [(bar.open_ts, bar.close) for bar in bars]
                for address, bars in self.polling.dailies.items()
            },
            dict(self.polling.abouts),
            self.polling.all_standing_in(),
        )
        found: dict[str, Any] = msgspec.to_builtins(learnt)
        return found if any(found.values()) else {}

    def relearn(self, told: Mapping[str, Any]) -> None:
        """Take over what ``learnt`` returned."""
        learnt = msgspec.convert(dict(told), Learnt)
        self.polling.abouts.update(learnt.abouts)
        self._recorded_standing = set(learnt.standing_in)
        for address, days in learnt.closes.items():
            self.polling.dailies[address] = [
                Candle(address, None, 0, "1d", open_ts, close, close, close, close, None, closed=True)
                for open_ts, close in days
            ]

    def hear_bodies(self, take: Callable[[str, int, bytes], None]) -> None:
        """Hand every HTTP answer on."""
        self.http.hear_bodies(take)

    def _instrument(self, address: str) -> Instrument:
        found = self._instruments.get(address)
        return found if found is not None else self.resolve(parse_address(address))

    def _url(self, family: facts.Family) -> str:
        given = self._options.stock_url if family == "stock" else self._options.generic_url
        parts = urlsplit(given or facts.WS_URLS[family])
        path = urlsplit(facts.WS_URLS[family]).path if parts.path in ("", "/") else parts.path
        token = f"token={quote(self._options.token, safe='')}"
        query = f"{parts.query}&{token}" if parts.query else token
        return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


def make(name: str, options: Options) -> AllTick:
    """Return an instance of the provider."""
    return AllTick(name, options)


def revive(name: str, settings: Mapping[str, Any]) -> AllTick:
    """Return an instance that tells a recording again; it connects nowhere. Raise ValidationError."""
    return AllTick(name, msgspec.convert({"token": "", **settings}, Options))


def _rank(link: Link) -> int:
    return min(want.rank for want in link.wants)
