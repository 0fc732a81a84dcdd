"""AllTick's codes: what kind of thing one is, where it trades, and the table that is searched.

Codes are case-sensitive and have no list to ask for [DOC], so the table is built in: all that the docs name
and what is watched most. Nothing is corrected silently: an alias is a suggestion.
"""

import re
from typing import Literal, NamedTuple

from mdterm.feeds.alltick.facts import HONG_KONG_TICKS, Family
from mdterm.feeds.events import Unit

Kind = Literal["crypto", "forex", "metal", "energy", "cfd", "hk", "us", "cn", "index", "unknown"]


class Listed(NamedTuple):
    """One code of the table."""

    code: str
    name: str


_SUFFIXES: dict[str, Kind] = {".HK": "hk", ".US": "us", ".SH": "cn", ".SZ": "cn"}
_INDEX = re.compile(r"\..+|[A-Z][A-Z0-9]*\.HK|000\d{3}\.SH|399\d{3}\.SZ")
_CURRENCY = re.compile(
    "AUD|BRL|CAD|CHF|CNH|CNY|CZK|DKK|EUR|GBP|HKD|HUF|IDR|ILS|INR|JPY|KRW|MXN|MYR|NOK|NZD|PHP|PLN|RON|RUB|SEK"
    "|SGD|THB|TRY|TWD|USD|VND|ZAR"
)
_METALS: dict[str, str] = {
    "GOLD": "Gold (XAUUSD)",
    "Silver": "Silver (XAGUSD)",
    "Platinum": "Platinum (XPTUSD)",
    "Palladium": "Palladium (XPDUSD)",
    "Aluminum": "Aluminum",
    "Nickel": "Nickel",
    "Lead": "Lead",
    "Zinc": "Zinc",
    "COPPER": "Copper",
}
BASE_METALS = frozenset({"Aluminum", "Nickel", "Lead", "Zinc", "COPPER"})
_CROSSES = ("XAUEUR", "XAUAUD", "XAUCNH", "XAUSGD", "XAUTHB", "XAGEUR", "XAGSGD")
_ENERGY: dict[str, str] = {
    "USOIL": "US crude oil (WTI)",
    "UKOIL": "UK crude oil (Brent)",
    "NGAS": "Natural gas",
}
_CFDS: dict[str, str] = {
    "US30": "Dow Jones 30 CFD",
    "US500": "S&P 500 CFD",
    "NAS100": "Nasdaq 100 CFD",
    "UK100": "FTSE 100 CFD",
    "GER30": "Germany 30 (DAX) CFD",
    "FRA40": "France 40 (CAC) CFD",
    "EUSTX50": "Euro Stoxx 50 CFD",
    "HK50": "Hong Kong 50 CFD",
    "JPN225": "Japan 225 (Nikkei) CFD",
    "AUS200": "Australia 200 CFD",
    "CHA50": "China A50 CFD",
    "ESP35": "Spain 35 (IBEX) CFD",
    "SMI": "Swiss Market Index CFD",
    "SG20": "Singapore 20 CFD",
    "TWRIC": "Taiwan index CFD",
    "ND25": "Netherlands 25 (AEX) CFD",
}
_CRYPTO = """BTC Bitcoin,ETH Ether,SOL Solana,BNB BNB,XRP XRP,DOGE Dogecoin,ADA Cardano,TRX Tron,LTC Litecoin,
DOT Polkadot,AVAX Avalanche,LINK Chainlink,BCH Bitcoin Cash,UNI Uniswap,ATOM Cosmos,ETC Ethereum Classic,
FIL Filecoin,NEAR Near,APT Aptos,ARB Arbitrum,OP Optimism,SUI Sui,TON Toncoin,SHIB Shiba Inu,PEPE Pepe"""
_FOREX = """EURUSD GBPUSD USDJPY AUDUSD USDCHF USDCAD NZDUSD USDCNH USDHKD EURJPY GBPJPY EURGBP EURCHF AUDJPY
CADJPY CHFJPY EURAUD EURCAD GBPCHF GBPAUD AUDNZD AUDCAD NZDJPY USDSGD USDTHB USDMXN USDZAR USDTRY USDSEK
USDNOK USDDKK USDPLN USDKRW USDINR USDTWD"""
_STOCKS = """700.HK Tencent,9988.HK Alibaba,3690.HK Meituan,1810.HK Xiaomi,9618.HK JD.com,9999.HK NetEase,
9888.HK Baidu,1024.HK Kuaishou,981.HK SMIC,1211.HK BYD,2318.HK Ping An,1299.HK AIA,5.HK HSBC,
11.HK Hang Seng Bank,388.HK Hong Kong Exchanges,941.HK China Mobile,883.HK CNOOC,857.HK PetroChina,
386.HK Sinopec,1288.HK Agricultural Bank,939.HK China Construction Bank,1398.HK ICBC,
3988.HK Bank of China,2628.HK China Life,1.HK CK Hutchison,16.HK Sun Hung Kai Properties,
27.HK Galaxy Entertainment,66.HK MTR,175.HK Geely,2020.HK Anta,AAPL.US Apple,MSFT.US Microsoft,
NVDA.US Nvidia,AMZN.US Amazon,GOOGL.US Alphabet A,GOOG.US Alphabet C,META.US Meta,TSLA.US Tesla,
AVGO.US Broadcom,BRK.B.US Berkshire Hathaway B,JPM.US JPMorgan Chase,V.US Visa,MA.US Mastercard,
UNH.US UnitedHealth,XOM.US Exxon Mobil,JNJ.US Johnson & Johnson,WMT.US Walmart,PG.US Procter & Gamble,
HD.US Home Depot,COST.US Costco,ORCL.US Oracle,NFLX.US Netflix,AMD.US AMD,INTC.US Intel,QCOM.US Qualcomm,
CRM.US Salesforce,ADBE.US Adobe,CSCO.US Cisco,IBM.US IBM,BA.US Boeing,DIS.US Disney,KO.US Coca-Cola,
PEP.US PepsiCo,MCD.US McDonald's,NKE.US Nike,BAC.US Bank of America,GS.US Goldman Sachs,PLTR.US Palantir,
COIN.US Coinbase,MSTR.US Strategy,BABA.US Alibaba ADR,PDD.US PDD ADR,JD.US JD.com ADR,NIO.US NIO ADR,
TSM.US TSMC ADR,SPY.US SPDR S&P 500 ETF,QQQ.US Invesco QQQ ETF,600519.SH Kweichow Moutai,
601318.SH Ping An,600036.SH China Merchants Bank,601398.SH ICBC,600416.SH XEMC,601899.SH Zijin Mining,
600900.SH Yangtze Power,688981.SH SMIC,600276.SH Hengrui,601012.SH LONGi,600000.SH SPD Bank,
300750.SZ CATL,000651.SZ Gree,000333.SZ Midea,002594.SZ BYD,000858.SZ Wuliangye,
002574.SZ Mingpai Jewelry,000001.SZ Ping An Bank,000055.SZ China Fangda,300059.SZ East Money,
002415.SZ Hikvision"""
_INDICES = """HSI.HK Hang Seng,HSTECH.HK Hang Seng Tech,HSCEI.HK Hang Seng China Enterprises,
.DJI.US Dow Jones Industrial Average,.INX.US S&P 500,.IXIC.US Nasdaq Composite,
000001.SH SSE Composite,000300.SH CSI 300,399001.SZ SZSE Component,399006.SZ ChiNext"""

ALIASES: dict[str, str] = {
    "XAUUSD": "GOLD",
    "XAU": "GOLD",
    "XAGUSD": "Silver",
    "XAG": "Silver",
    "XPTUSD": "Platinum",
    "XPDUSD": "Palladium",
    "BTCUSD": "BTCUSDT",
    "ETHUSD": "ETHUSDT",
    "SOLUSD": "SOLUSDT",
    "XRPUSD": "XRPUSDT",
    "WTI": "USOIL",
    "XTIUSD": "USOIL",
    "BRENT": "UKOIL",
    "XBRUSD": "UKOIL",
    "XNGUSD": "NGAS",
    "SPX500": "US500",
    "SPX": "US500",
    "NDX": "NAS100",
    "US100": "NAS100",
    "DJI": ".DJI.US",
    "DAX": "GER30",
    "GER40": "GER30",
    "NIKKEI": "JPN225",
    "HSI": "HSI.HK",
    "SSEC": "000001.SH",
}
"""Names that people type, and the code that is meant: offered by the search, never put in silently."""


def _listed(text: str, suffix: str = "") -> list[Listed]:
    rows = (row.strip().partition(" ") for row in text.split(","))
    return [Listed(code + suffix, name) for code, _, name in rows]


TABLE: tuple[Listed, ...] = (
    *_listed(_CRYPTO, "USDT"),
    *(Listed(code, name) for code, name in _METALS.items()),
    *(Listed(code, f"{'Gold' if code[:3] == 'XAU' else 'Silver'} in {code[3:]}") for code in _CROSSES),
    *(Listed(code, name) for code, name in _ENERGY.items()),
    *(Listed(code, f"{code[:3]}/{code[3:]}") for code in _FOREX.split()),
    *(Listed(code, name) for code, name in _CFDS.items()),
    *_listed(_INDICES),
    *_listed(_STOCKS),
)
"""Codes and names, in the order in which they are offered."""

NAMES: dict[str, str] = dict(TABLE)
_BY_FOLDED: dict[str, str] = {one.code.casefold(): one.code for one in TABLE}

# [DOC] the deepest book of each kind; thin products show less.
DEPTHS: dict[Kind, int] = {
    "forex": 1,
    "metal": 1,
    "energy": 1,
    "cfd": 1,
    "crypto": 5,
    "hk": 10,
    "us": 1,
    "cn": 5,
    "index": 1,
    "unknown": 5,
}
# Where the aggressor and the size mean something. [DOC] the direction of forex, metals and energy is a
# constant, and their sizes may be missing, "" or "0"; of an index neither can exist. [INF]
SIDED: frozenset[Kind] = frozenset({"crypto", "hk", "us", "cn"})
UNITS: dict[Kind, Unit] = {"crypto": "base", "hk": "base", "us": "base"}


def kind_of(code: str) -> Kind:
    """Return what kind of thing a code names, by its form."""
    suffix = _SUFFIXES.get(code[-3:].upper())
    if suffix is not None:
        return "index" if _INDEX.fullmatch(code) else suffix
    if code in _METALS or (len(code) == 6 and code[:3] in ("XAU", "XAG", "XPT", "XPD")):
        return "metal"
    if code in _ENERGY:
        return "energy"
    if code in _CFDS:
        return "cfd"
    if code.endswith(("USDT", "USDC")) and len(code) > 4:
        return "crypto"
    if len(code) == 6 and _CURRENCY.fullmatch(code[:3]) and _CURRENCY.fullmatch(code[3:]):
        return "forex"
    return "unknown"


def family_of(code: str) -> Family:
    """Return the family whose sockets and paths know a code: by its suffix alone. [DOC]"""
    return "stock" if code[-3:].upper() in _SUFFIXES else "generic"


def market_of(code: str) -> str | None:
    """Return the exchange's suffix (``HK``, ``US``, ``SH``, ``SZ``), None in the generic family."""
    return code[-2:].upper() if family_of(code) == "stock" else None


def hong_kong_tick(price: float) -> float:
    """Return the smallest price step of a Hong Kong equity at a price."""
    return next((tick for floor, tick in reversed(HONG_KONG_TICKS) if price >= floor), 0.001)


def suggestion(code: str) -> str | None:
    """Return the code that may have been meant instead, None if nobody knows."""
    alias = ALIASES.get(code.upper())
    if alias is not None:
        return alias
    old = re.fullmatch(r"(HK|US|SH|SZ)[-:](.+)", code)  # how codes were written long ago
    if old is not None:
        code = f"{old[2]}.{old[1]}"
    if family_of(code) == "stock" and code[-3:].upper() == ".HK":
        code = code.lstrip("0")
    found = _BY_FOLDED.get(code.casefold())
    if found is not None:
        return found
    return code if old is not None or code[:1].isdigit() else None


def names_of(code: str) -> tuple[str, ...]:
    """Return other names that people type for a code; elsewhere Hong Kong's numbers have leading zeros."""
    names = tuple(alias for alias, meant in ALIASES.items() if meant == code)
    number = code.removesuffix(".HK")
    if number != code and number.isdigit():
        names += tuple(dict.fromkeys(f"{number:0>{width}}.HK" for width in (4, 5) if len(number) < width))
    return names


def search(query: str, limit: int = 100) -> list[str]:
    """Return codes that match every word of ``query``, best first; all of the table for no word.

    A word that looks like a stock's code is offered as it is, since the table cannot hold them all.
    """
    words = query.casefold().split()
    found: list[tuple[int, int, str]] = []
    for place, (code, name) in enumerate(TABLE):
        names = [alias.casefold() for alias in names_of(code)]
        score = _score(words, code.casefold(), name.casefold(), names)
        if score is not None:
            found.append((score, place, code))
    codes = [code for _, _, code in sorted(found)]
    if len(words) == 1:
        wanted = query.strip().upper()
        if wanted.endswith(".HK"):
            wanted = wanted.lstrip("0")
        looks_like_one = re.fullmatch(r"\.?[A-Z0-9][A-Z0-9.]{0,11}\.(HK|US|SH|SZ)", wanted)
        if looks_like_one and wanted not in codes:
            codes.append(wanted)
    return codes[:limit]


def _score(words: list[str], code: str, name: str, aliases: list[str]) -> int | None:
    total = 0
    for word in words:
        if word == code or word in aliases:
            continue
        if code.startswith(word):
            total += 1
        elif any(part.startswith(word) for part in name.replace("(", " ").split()):
            total += 2
        elif word in code or word in name or any(word in alias for alias in aliases):
            total += 3
        else:
            return None
    return total
