"""Frames of a market that stands still: bars, a watchlist, derivatives, connections."""

import math
from itertools import pairwise
from typing import Any

import msgspec

from mdterm.feeds.events import Side
from mdterm.feeds.frames import (
    AccountFrame,
    BalanceRow,
    ChangeRow,
    ChartBar,
    ChartFrame,
    CompareFrame,
    DerivativesFrame,
    LegRow,
    LinkLine,
    LiquidationRow,
    OrderRow,
    PairRow,
    ProfileFrame,
    WatchFrame,
    WatchRow,
)
from mdterm.feeds.frames_away import AwayAlarm, AwayFrame, AwayGap, AwayPrint, AwayRow, AwaySpec
from mdterm.feeds.intervals import HOUR, MINUTE, SECOND
from mdterm.feeds.specs import WatchSpec
from mdterm.feeds.status import Shown
from mdterm.feeds.view_watch import arrange, fits

WALL = 1_763_682_461_997_000_000
"""2025-11-20 23:47:41.997 UTC."""
LIVE = Shown("LIVE", age=0.1)


def make_bars(count: int = 240) -> list[ChartBar]:
    """Return minutes of a price that wanders as two waves do, the newest begun at 23:47."""
    newest, closes = WALL - WALL % MINUTE, []
    for at in range(count + 1):
        wave = 34 * math.sin(at / 17) + 11 * math.sin(at / 3.1) + 5 * math.sin(at * 1.7)
        closes.append(round(61_700 + wave, 1))
    bars = []
    for at, (opened, closed) in enumerate(pairwise(closes)):
        wick = 2.5 + 4 * abs(math.sin(at * 2.3))
        high, low = round(max(opened, closed) + wick, 1), round(min(opened, closed) - wick / 2, 1)
        volume = round(12 + 11 * math.sin(at / 5) + 6 * abs(math.sin(at * 1.3)), 3)
        bars.append(ChartBar(newest - (count - 1 - at) * MINUTE, opened, high, low, closed, volume, None))
    return bars


def make_chart(**changes: Any) -> ChartFrame:
    bars = make_bars()
    frame = ChartFrame("sim:X", "1m", bars, 0, 1, 3, bars[-1].close, 1, bars[-45].open_ts, 1)
    return msgspec.structs.replace(frame, **changes)


def make_watch() -> WatchFrame:
    states = {
        2: Shown("LIVE", age=1.3),
        3: Shown("CLOSED", since=WALL - 4 * HOUR),
        4: Shown("RECONNECTING", age=3.2, attempt=2),
        5: Shown("STALE", age=72.0),
        6: Shown("WARMING"),
    }
    rows = [
        WatchRow(
            address=f"{provider}:{symbol}",
            symbol=symbol,
            provider=provider,
            shown=states.get(at, LIVE),
            last=last,
            direction=(1, -1, 0)[at % 3],
            change=change,
            bid=None if last is None else last - 10.0**-digits,
            ask=None if last is None else last + 10.0**-digits,
            volume=volume,
            digits=digits,
            spark=[] if last is None else [last * (1 + math.sin(x / 2 + at) / 1000) for x in range(30)],
            pace=None if last is None else (1.0, 0.4, 3.25, 1.8, 12.4, 0.0, None)[at],
            place=at + 1,
        )
        for at, (provider, symbol, last, digits, change, volume) in enumerate(
            [
                ("kiyotaka", "BTCUSDT", 61_722.4, 1, 0.0042, 21_308.123),
                ("kiyotaka", "ETHUSDT", 2_681.62, 2, -0.0011, 91_308.1),
                ("alltick", "GOLD", 2_431.1, 1, 0.0003, None),
                ("alltick", "700.HK", 371.4, 1, None, 1.2e6),
                ("jayx", "BTCUSDT", 61_720.0, 1, 0.004, 12.4),
                ("kiyotaka", "DOGEUSDT", 0.12345, 5, -0.1234, 9.1e9),
                ("kiyotaka", "1000PEPEUSDT", None, 0, None, None),
            ]
        )
    ]
    return WatchFrame(rows)


def make_quotes(spec: WatchSpec | None = None) -> WatchFrame:
    """Return the watchlist of the instruments that the board's tests watch, as a spec asks for it."""
    rows = [
        WatchRow(
            address=f"sim:{symbol}",
            symbol=symbol,
            provider="sim",
            shown=LIVE,
            last=last,
            direction=(1, -1, 0)[at % 3],
            change=(0.0042, -0.0011, 0.0003, -0.0214)[at],
            bid=last - 10.0**-digits,
            ask=last + 10.0**-digits,
            volume=21_308.5 * (at + 1),
            digits=digits,
            spark=[last * (1 + math.sin(x / 2 + at) / 1000) for x in range(30)],
            pace=(1.0, 0.4, 3.2, 1.8)[at],
            place=at + 1,
        )
        for at, (symbol, last, digits) in enumerate(
            [
                ("BTCUSDT", 61_722.4, 1),
                ("ETHUSDT", 2_681.62, 2),
                ("SOLUSDT", 141.07, 2),
                ("DOGEUSDT", 0.15123, 5),
            ]
        )
    ]
    if spec is None:
        return WatchFrame(rows, len(rows))
    listed = [one for one in rows if spec.among is None or one.address in spec.among]
    listed = [msgspec.structs.replace(one, place=at) for at, one in enumerate(listed, 1)]
    asked = [one for one in listed if fits(spec.words, one.address)]
    return WatchFrame(arrange(asked, spec, 0.0)[1], len(listed))


def make_away(spec: AwaySpec | None = None) -> AwayFrame:
    """Return eight hours of four instruments: a gap that was filled, one that lasts, alerts, a new one."""
    since = WALL - 8 * HOUR - 19 * MINUTE
    if spec is not None and spec.is_running:
        row = AwayRow(
            "sim:BTCUSDT", "BTCUSDT", "sim", LIVE, 61_720.0, 61_722.4, 61_722.5, 61_719.9, 4.2, 1.1, 38, 1, 3
        )
        return AwayFrame(WALL - 12 * SECOND, None, [row], is_past=True)
    biggest = [
        AwayPrint(WALL - 7 * HOUR, "sell", 61_344.1, 212.433, 214),
        AwayPrint(WALL - 2 * HOUR, "buy", 61_800.0, 98.1, 31),
        AwayPrint(WALL - 3 * MINUTE, None, 61_722.5, 42.25, 1),
    ]
    rows = [
        AwayRow(
            address="sim:BTCUSDT",
            symbol="BTCUSDT",
            provider="sim",
            shown=LIVE,
            first=61_765.5,
            last=61_722.4,
            high=61_999.9,
            low=61_203.4,
            volume=21_308.123,
            delta=-1_234.567,
            trades=1_221_308,
            digits=1,
            size_digits=3,
            is_estimated=True,
            biggest=biggest,
            gaps=[AwayGap(WALL - 6 * HOUR, WALL - 6 * HOUR + 139 * SECOND, is_filled=True)],
            alarms=[AwayAlarm(WALL - 7 * HOUR, "cross 61500", "crossed 61 500 downward: 61 499.9")],
            alarm_count=1,
        ),
        AwayRow(
            address="sim:ETHUSDT",
            symbol="ETHUSDT",
            provider="sim",
            shown=Shown("RECONNECTING", age=3.2, attempt=2),
            first=2_650.11,
            last=2_681.62,
            high=2_690.0,
            low=2_644.02,
            volume=308_123.4,
            delta=45_120.5,
            trades=88_120,
            digits=2,
            size_digits=2,
            biggest=biggest[1:],
            gaps=[
                AwayGap(WALL - (9 - at) * MINUTE, WALL - (9 - at) * MINUTE + SECOND, False) for at in range(4)
            ]
            + [AwayGap(WALL - 4 * SECOND, None, False)],
        ),
        AwayRow(
            address="sim:SOLUSDT",
            symbol="SOLUSDT",
            provider="sim",
            shown=LIVE,
            first=141.07,
            last=141.07,
            high=142.0,
            low=140.5,
            volume=None,
            delta=None,
            trades=12,
            digits=2,
            size_digits=0,
            alarms=[
                AwayAlarm(WALL - at * MINUTE, "big 10 again", "12 bought at 141.07") for at in (9, 8, 7, 6)
            ],
            alarm_count=41,
        ),
        AwayRow("sim:DOGEUSDT", "DOGEUSDT", "sim", LIVE, None, None, None, None, None, None, 0, 5, 0),
    ]
    return AwayFrame(since, WALL - 2 * SECOND, rows, is_past=True)


def make_derivatives(**changes: Any) -> DerivativesFrame:
    volumes = [900 * math.exp(-(((at - 13) / 6) ** 2)) + 40 for at in range(30)]
    profile = ProfileFrame(
        step=20.0,
        digits=0,
        low=61_400 // 20,
        buys=[volume * (0.5 + math.sin(at) / 8) for at, volume in enumerate(volumes)],
        sells=[volume * 0.45 for volume in volumes],
        neutral=[0.0] * len(volumes),
        poc=13,
        val=9,
        vah=18,
        source="session",
        since=WALL - 3 * HOUR,
    )
    liquidations = [
        LiquidationRow(
            WALL - at * 1_412_000_000,
            61_712.0 + at * 7 % 11,
            round(0.4 + 7 * abs(math.sin(at * 3)), 3),
            ("long", "short", "short", None)[at % 4],
            ("SELL", "BUY", "BUY", None)[at % 4],
        )
        for at in range(30)
    ]
    frame = DerivativesFrame(
        address="sim:X",
        funding=0.0001,
        predicted=0.000112,
        funding_shown=LIVE,
        open_interest=78_412.1,
        open_interest_change=243.1,
        open_interest_share=0.0031,
        liquidations=liquidations,
        liquidation_count=30,
        liquidated={
            "60s": (412_600.0, 3_210.0, 0.0),
            "5m": (1.41e6, 53_210.0, 0.0),
            "1h": (2.4e6, 7.5e5, 0.0),
        },
        profile=profile,
        missing=[],
        digits=1,
        size_digits=3,
    )
    return msgspec.structs.replace(frame, **changes)


def make_account() -> AccountFrame:
    """Return an account with two assets, two open orders and what became of a third."""
    placed: list[tuple[Side, str, int, float]] = [
        ("buy", "61000.00", 7224, 117.0),
        ("sell", "61730.50", 81, 1.3),
    ]
    orders = [
        OrderRow(
            address="sim:BTCUSDT",
            symbol="BTCUSDT",
            id=str(at),
            side=side,
            type="LIMIT",
            state="open",
            price=price,
            size="1.0000",
            remaining="0.6000",
            filled=0.4,
            average=None,
            ticks=ticks,
            bps=bps,
            created=WALL - HOUR,
        )
        for at, (side, price, ticks, bps) in enumerate(placed)
    ]
    return AccountFrame(
        provider="sim-account",
        quote="USDT",
        balances=[
            BalanceRow("USDT", "9932.44065", "8932.44065", "1000", 9932.44065, 0.9938),
            BalanceRow("BTC", "0.000998", "0.000998", "0", 61.60, 0.0062),
        ],
        value=9994.04,
        unpriced=[],
        orders=orders,
        open_orders=2,
        log=[
            ChangeRow(WALL - 60 * SECOND, "filled", "BTCUSDT sell 2", "filled", "0.005", "0.01", "61730.50")
        ],
    )


LINKS = [
    LinkLine("kiyotaka/book", "kiyotaka", LIVE, 38.2, 412.0),
    LinkLine("kiyotaka/nonbook", "kiyotaka", LIVE, 1238.2, 31.0),
    LinkLine(
        "alltick/stock", "alltick", Shown("REFUSED", detail="the token is not valid for this plan"), None, 0
    ),
    LinkLine(
        "jayx/BTCUSDT",
        "jayx",
        Shown("RECONNECTING", age=3.2, attempt=2, detail="the server closed the connection: try again later"),
        None,
        0,
    ),
]


def make_pairs() -> CompareFrame:
    """Return two pairs: one goes together with a lag, one has parted."""
    btc = LegRow("sim:BTCUSDT", "BTCUSDT", "sim", LIVE, 61722.4, 61722.3, 61722.5, 1)
    late = LegRow("other:BTCUSDT", "BTCUSDT", "other", LIVE, 61725.0, 61724.9, 61725.1, 1)
    eth = LegRow("sim:ETHUSDT", "ETHUSDT", "sim", LIVE, 2677.91, None, None, 2)
    stale = LegRow("other:ETHUSDT", "ETHUSDT", "other", Shown("STALE", age=72.0), 2690.05, None, None, 2)
    return CompareFrame(
        [
            PairRow(btc, late, 0.42, True, 250.0, 0.93, False),
            PairRow(eth, stale, 45.33, False, None, None, True),
        ],
        10.0,
    )
