"""JayX over HTTP: what one tick and one lot of each symbol are. Optional: no REST host is documented.

The schema is not documented either, so every form that related engines use is understood: ``tickDenom`` and
``lotDenom`` [SIB], ``priceInc`` and ``qtyInc`` [SIB], ``tickSize`` and ``stepSize`` (also in ``filters``).
httpx is imported with the first request, so that who asks nothing starts without it.
"""

import logging
import ssl
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mdterm.feeds.jayx import facts
from mdterm.feeds.jayx.lenient import loads

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

_LARGEST = 16 * 1024 * 1024
_NAMES = ("symbol", "market", "name", "code")
_DEEPEST = 6

Steps = tuple[Decimal | None, Decimal | None]
"""Tick and lot."""


async def fetch_units(
    base: str,
    *,
    tls_verify: bool = True,
    transport: "httpx.AsyncBaseTransport | None" = None,
    take: Callable[[str, int, bytes], None] | None = None,
) -> dict[str, Steps]:
    """Return tick and lot by symbol; empty where the service does not tell or cannot be reached.

    ``take`` gets the answer as it came: URL (without a name and password), status, body.
    """
    import httpx

    url = base.rstrip("/") + facts.REST_EXCHANGE_INFO
    try:
        async with httpx.AsyncClient(
            timeout=facts.REST_TIMEOUT_S,
            verify=tls_verify,
            transport=transport,
            trust_env=urlsplit(url).hostname not in facts.LOOPBACK,
            follow_redirects=True,
        ) as client:
            response = await client.get(url)
            if take is not None:
                parts = urlsplit(url)
                public = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
                take(public, response.status_code, response.content[:_LARGEST])
            response.raise_for_status()
            if len(response.content) > _LARGEST:
                raise ValueError("too large")
            found = dict(_symbols(loads(response.content)))
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError, ValueError) as error:
        log.warning("no instruments from the REST service: %s", type(error).__name__)
        return {}
    log.info("%d instruments from the REST service", len(found))
    return found


def _symbols(node: Any, depth: int = 0) -> Iterator[tuple[str, Steps]]:
    """Find objects that name a symbol and tell its steps, wherever they lie."""
    if depth > _DEEPEST:
        return
    if isinstance(node, list):
        for one in node:
            yield from _symbols(one, depth + 1)
    elif isinstance(node, dict):
        steps = _steps(node)
        name = next((node[key] for key in _NAMES if isinstance(node.get(key), str)), None)
        if name is not None and steps != (None, None):
            yield name, steps
            return
        for key, one in node.items():
            inner = _steps(one) if isinstance(one, dict) and name is None else (None, None)
            if inner != (None, None) and not any(isinstance(one.get(named), str) for named in _NAMES):
                yield key, inner  # {"BTCUSDT": {"tickDenom": …}}
            else:
                yield from _symbols(one, depth + 1)


def _steps(node: Mapping[str, Any]) -> Steps:
    flat = dict(node)
    filters = node.get("filters")
    for one in filters if isinstance(filters, list) else []:
        if isinstance(one, dict):
            flat |= {key: one[key] for key in ("tickSize", "stepSize") if key in one and key not in flat}
    return (
        _fraction(flat, "tickNumer", "tickDenom") or _first(flat, "priceInc", "tickSize"),
        _fraction(flat, "lotNumer", "lotDenom") or _first(flat, "qtyInc", "stepSize"),
    )


def _fraction(node: Mapping[str, Any], above: str, below: str) -> Decimal | None:
    divisor = _number(node.get(below))
    if divisor is None:
        return None
    step = (_number(node.get(above)) or Decimal(1)) / divisor
    return step if step * divisor == (_number(node.get(above)) or Decimal(1)) else None


def _first(node: Mapping[str, Any], *names: str) -> Decimal | None:
    return next((found for name in names if (found := _number(node.get(name))) is not None), None)


def _number(value: Any) -> Decimal | None:
    """Return a believable step or divisor, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and number > 0 and abs(number.adjusted()) < 18 else None
