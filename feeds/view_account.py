"""Balances, open orders, what changed."""

from collections.abc import Callable
from decimal import Decimal
from itertools import islice

from mdterm.feeds.account import Account, Working
from mdterm.feeds.frames import AccountFrame, BalanceRow, ChangeRow, OrderRow
from mdterm.feeds.market import Market, Quote
from mdterm.feeds.specs import AccountSpec


def account_view(
    account: Account,
    spec: AccountSpec,
    price: Callable[[str, str], float | None],
    touch: Callable[[str], tuple[Market | Quote | None, str]],
) -> AccountFrame:
    """Return an account. ``price`` values an asset, ``touch`` gives an order's market and its symbol."""
    portfolio = account.portfolio(spec.quote, price)
    orders = account.open_orders()
    return AccountFrame(
        provider=account.name,
        quote=spec.quote,
        balances=[
            BalanceRow(
                row.asset,
                format(row.total, "f"),
                format(row.available, "f"),
                format(row.locked, "f"),
                None if row.value is None else float(row.value),
                None if row.share is None else float(row.share),
            )
            for row in portfolio.rows
        ],
        value=float(portfolio.value) if len(portfolio.unpriced) < len(portfolio.rows) else None,
        unpriced=portfolio.unpriced,
        orders=[_order_row(one, *touch(one.order.address)) for one in orders[: spec.orders]],
        open_orders=len(orders),
        log=[
            ChangeRow(one.at, one.kind, one.subject, one.what, one.before, one.after, one.price)
            for one in islice(reversed(account.log), spec.log)
        ],
    )


def _order_row(one: Working, market: Market | Quote | None, symbol: str) -> OrderRow:
    order = one.order
    ticks = bps = None
    if market is not None:
        bid, ask = market.bbo()
        best = ask if order.side == "buy" else bid
        tick = market.tick if isinstance(market, Market) else None
        if best is not None:
            away = one.distance(Decimal(str(best)), None if tick is None else Decimal(str(tick)))
            if away is not None:
                ticks, bps = away[0], float(away[1])
    return OrderRow(
        address=order.address,
        symbol=symbol,
        id=order.id,
        side=order.side,
        type=order.type,
        state=order.state,
        price=order.price,
        size=order.size,
        remaining=order.remaining,
        filled=None if one.share_filled is None else float(one.share_filled),
        average=None if one.average is None else float(one.average),
        ticks=ticks,
        bps=bps,
        created=order.created,
    )
