"""The figures of a run once more, from the engine's fills, order events and account states, and nothing of the library.

Fills are ``(ts_ns, sign, size, price, commission)``, order events ``(order, kind, ts_ns, size)``, balances
``{currency: (first, last)}``; marks are ``(ts_ns, mid)`` arrays, and ``seen`` is the mid just before each fill. One
cash account, one linear instrument, nothing held at the start, commissions in quote currency, all fills of quotes.
"""

import numpy as np

STEP_NS, YEAR_S, HORIZON_NS, Z = 60_000_000_000, 365 * 86_400.0, 5_000_000_000, 1.959963984540054


def metrics(fills, events, balances, marks, seen, span, quote, base):
    """Return the figures by the library's keys."""
    ts, sign, size, price, fee = (np.array(column) for column in zip(*fills, strict=True))
    x, n = sign * size, len(fills)
    (mark_ns, mid), (start, end) = marks, span
    moved = {currency: last - first for currency, (first, last) in balances.items()}
    total = moved[quote] + moved[base] * mid[-1]
    position = np.concatenate(([0.0], np.cumsum(x)))
    cash = np.concatenate(([0.0], np.cumsum(-x * price - fee)))
    # PnL between fills: equity just before each fill, and at the end
    before = np.append(cash[:-1] + position[:-1] * seen, cash[-1] + position[-1] * mid[-1])
    pieces = np.diff(before)
    held = np.searchsorted(ts, mark_ns, side="right")
    equity = cash[held] + position[held] * mid
    edges = np.arange(start, end + 1, STEP_NS)
    steps = np.diff(np.concatenate(([0.0], equity))[np.searchsorted(mark_ns, edges, side="right")])
    per_year = YEAR_S / 60.0
    peak = np.maximum.accumulate(np.maximum(equity, 0.0))
    fall = float(np.max(np.maximum(peak, 0.0) - equity, initial=0.0))
    loss = float(np.max(-equity, initial=0.0))
    # markouts against the last mid known before each fill and at its horizon
    inside = (ts > mark_ns[0]) & (ts <= mark_ns[-2])  # outside the marks (the last is the end) the nearest one holds
    path_ns = np.concatenate((mark_ns[:-1], ts[inside] - 1))
    order = np.argsort(path_ns, kind="stable")
    path_ns, path = path_ns[order], np.concatenate((mid[:-1], seen[inside]))[order]
    now = path[np.maximum(np.searchsorted(path_ns, ts - 1, side="right") - 1, 0)]
    then = path[np.searchsorted(path_ns, np.minimum(ts + HORIZON_NS, path_ns[-1]), side="right") - 1]
    captured, selected = x * (now - price), x * (then - now)
    turnover = float((size * price).sum())
    weights = np.diff(np.concatenate(([start], ts, [end]))).astype(float)
    average = np.average(position, weights=weights)
    ratio = steps.mean() / steps.std(ddof=1)
    lives, placed, commands = quotes(events)
    found = {
        "total_pnl": total,
        "pnl_per_trade": total / n,
        "pnl_per_unit": total / size.sum(),
        "pnl_bps": 1e4 * total / turnover,
        "volume": size.sum(),
        "turnover": turnover,
        "trades": n,
        "profit_factor": pieces[pieces > 0].sum() / -pieces[pieces < 0].sum(),
        "win_rate": (pieces > 0).mean(),
        "sharpe": ratio * per_year**0.5,
        "sortino": steps.mean() * per_year**0.5 / np.sqrt(np.mean(np.minimum(steps, 0.0) ** 2)),
        "max_drawdown": fall,
        "calmar": steps.mean() * per_year / fall,
        "intraday_loss": loss,
        "inventory_std": np.sqrt(np.average((position - average) ** 2, weights=weights)),
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
    errors = {"sharpe": np.sqrt((1 + ratio**2 / 2) / len(steps)) * per_year**0.5}
    errors["win_rate"] = np.sqrt(found["win_rate"] * (1 - found["win_rate"]) / n)
    lines = {"spread_capture": captured.sum(), "adverse_selection": selected.sum(), "fees": -fee[fee > 0].sum()}
    lines |= {"rebates": -fee[fee < 0].sum(), "inventory": total - captured.sum() - selected.sum() + fee.sum()}
    return found, errors, lines


def oldest(ts, x, end):
    """Return the longest time that any lot was held, first in, first out."""
    lots, longest = [], 0
    for at, size in zip(ts.tolist(), x.tolist(), strict=True):
        traded = size
        while abs(traded) > 1e-9 and lots and lots[0][1] * traded < 0:
            longest = max(longest, at - lots[0][0])
            closed = min(abs(traded), abs(lots[0][1]))
            lots[0][1] -= np.copysign(closed, lots[0][1])
            traded -= np.copysign(closed, traded)
            if abs(lots[0][1]) < 1e-9:
                lots.pop(0)
        if abs(traded) > 1e-9:
            lots.append([at, traded])
    return max(longest, end - lots[0][0]) if lots else longest


def quotes(events):
    """Return how long prices rested (seconds), the volume placed, and the number of commands."""
    lives, placed, commands, orders = [], 0.0, 0, {}
    for order, kind, ts, size in events:
        orders.setdefault(order, []).append((kind, ts, size))
    for told in orders.values():
        since = filled_ns = asked = None
        size = filled = 0.0
        for kind, ts, quantity in told:
            if kind in {"Accepted", "Updated", "Canceled", "Expired", "Rejected"}:
                if since is not None:
                    lives.append((ts - since) / 1e9)
                since = ts if kind in {"Accepted", "Updated"} else None
            if kind in {"Initialized", "Updated"}:
                size = quantity
            if kind == "Filled":
                filled, filled_ns = filled + quantity, ts
            placed += size if kind == "Submitted" else 0.0
            if kind == "PendingUpdate":
                asked = filled
            elif asked is not None and kind in {"Updated", "ModifyRejected", "Canceled"}:
                placed, asked = placed + size - asked, None
            commands += kind in {"Submitted", "PendingUpdate", "PendingCancel"}
        placed += 0.0 if asked is None else size - asked
        if since is not None and filled_ns is not None and filled_ns >= since:
            lives.append((filled_ns - since) / 1e9)
    return lives, placed, commands
