"""The figures of a run once more, from the engine's fills, order events and account states, and nothing of the library.

Fills are ``(ts_ns, sign, size, price, commission)``, order events ``(order, kind, ts_ns, size)``, balances
``{currency: (first, last)}``; marks are ``(ts_ns, mid)`` arrays, and ``seen`` is the mid just before each fill. One
cash account, one linear instrument, nothing held at the start, commissions in quote currency, all fills of quotes.
"""

import numpy as np

STEP_NS, HORIZON_NS, PER_YEAR = 60_000_000_000, 5_000_000_000, 365 * 86_400 / 60.0


def metrics(fills, events, balances, marks, seen, span, quote, base):
    """Return the figures by the library's keys, two standard errors, and the lines of the account."""
    ts, sign, size, price, fee = (np.array(column) for column in zip(*fills, strict=True))
    x, n, turnover, (mark_ns, mid), (start, end) = sign * size, len(fills), (size * price).sum(), marks, span
    moved = {currency: last - first for currency, (first, last) in balances.items()}
    total = moved[quote] + moved[base] * mid[-1]
    position, cash = (np.concatenate(([0.0], np.cumsum(column))) for column in (x, -x * price - fee))
    pieces = np.diff(cash + position * np.append(seen, mid[-1]))  # from just before each fill to the next, and the end
    held = np.searchsorted(ts, mark_ns, side="right")
    equity = cash[held] + position[held] * mid
    at = np.searchsorted(mark_ns, np.arange(start, end + 1, STEP_NS), side="right")
    steps = np.diff(np.concatenate(([0.0], equity))[at])
    ratio, fall = steps.mean() / steps.std(ddof=1), np.max(np.maximum.accumulate(np.maximum(equity, 0.0)) - equity)
    # markouts against the last mid known before each fill and at its horizon
    inside = (ts > mark_ns[0]) & (ts <= mark_ns[-2])  # outside the marks (the last is the end) the nearest one holds
    path_ns = np.concatenate((mark_ns[:-1], ts[inside] - 1))
    order = np.argsort(path_ns, kind="stable")
    path_ns, path = path_ns[order], np.concatenate((mid[:-1], seen[inside]))[order]
    now = path[np.maximum(np.searchsorted(path_ns, ts - 1, side="right") - 1, 0)]
    then = path[np.searchsorted(path_ns, np.minimum(ts + HORIZON_NS, path_ns[-1]), side="right") - 1]
    captured, selected = x * (now - price), x * (then - now)
    weights = np.diff([start, *ts, end])
    (lives, placed, commands), wins = quotes(events), (pieces > 0).mean()
    found = {
        "total_pnl": total,
        "pnl_per_trade": total / n,
        "pnl_per_unit": total / size.sum(),
        "pnl_bps": 1e4 * total / turnover,
        "volume": size.sum(),
        "turnover": turnover,
        "trades": n,
        "profit_factor": pieces[pieces > 0].sum() / -pieces[pieces < 0].sum(),
        "win_rate": wins,
        "sharpe": ratio * PER_YEAR**0.5,
        "sortino": steps.mean() * PER_YEAR**0.5 / np.sqrt(np.mean(np.minimum(steps, 0.0) ** 2)),
        "max_drawdown": fall,
        "calmar": steps.mean() * PER_YEAR / fall,
        "intraday_loss": np.max(-equity, initial=0.0),
        "inventory_std": np.sqrt(np.cov(position, aweights=weights, ddof=0)),
        "inventory_max": np.abs(position).max(),
        "inventory_mean": np.average(np.abs(position), weights=weights),
        "longest_held_s": oldest(ts, x, end) / 1e9,
        "adverse_selection_rate": (captured + selected < -1e-9).mean(),
        "spread_captured_bps": (1e4 * captured / (size * price)).mean(),
        "realised_bps": (1e4 * (captured + selected) / (size * price)).mean(),
        "fill_rate": size.sum() / placed,
        "order_to_trade_ratio": commands / n,
        "quote_lifetime_s": np.mean(lives),
        "quote_lifetime_median_s": np.median(lives),
    }
    errors = {"sharpe": ((1 + ratio**2 / 2) / len(steps) * PER_YEAR) ** 0.5, "win_rate": (wins * (1 - wins) / n) ** 0.5}
    lines = {"spread_capture": captured.sum(), "adverse_selection": selected.sum(), "fees": -fee[fee > 0].sum()}
    lines |= {"rebates": -fee[fee < 0].sum(), "inventory": total - captured.sum() - selected.sum() + fee.sum()}
    return found, errors, lines


def oldest(ts, x, end):
    """Return the longest time that any lot was held, first in, first out."""
    lots, longest = [], 0
    for lot in map(list, zip(ts.tolist(), x.tolist(), strict=True)):
        while lots and lots[0][1] * lot[1] < 0:
            longest, closed = max(longest, lot[0] - lots[0][0]), min(abs(lot[1]), abs(lots[0][1]))
            lots[0][1], lot[1] = (round(np.copysign(abs(size) - closed, size), 9) for size in (lots[0][1], lot[1]))
            lots = lots if lots[0][1] else lots[1:]
        lots += [lot] if lot[1] else []
    return max([longest, *(end - since for since, _ in lots)])


def quotes(events):
    """Return how long prices rested (seconds), the volume placed, and the number of commands."""
    lives, placed, orders = [], 0.0, {}
    for order, *told in events:
        orders.setdefault(order, []).append(told)
    for told in orders.values():
        since, asked, filled_ns, size, filled = None, None, 0, 0.0, 0.0
        for kind, ts, quantity in told:
            if kind in {"Accepted", "Updated", "Canceled", "Expired", "Rejected"}:
                lives += [] if since is None else [(ts - since) / 1e9]
                since = ts if kind in {"Accepted", "Updated"} else None
            size = quantity if kind in {"Initialized", "Updated"} else size
            filled, filled_ns = (filled + quantity, ts) if kind == "Filled" else (filled, filled_ns)
            placed += size if kind == "Submitted" else 0.0
            if asked is not None and kind in {"Updated", "ModifyRejected", "Canceled"}:
                placed, asked = placed + size - asked, None
            asked = filled if kind == "PendingUpdate" else asked
        placed += 0.0 if asked is None else size - asked
        lives += [(filled_ns - since) / 1e9] if since is not None and filled_ns >= since else []
    return lives, placed, sum(kind in {"Submitted", "PendingUpdate", "PendingCancel"} for _, kind, *_ in events)
