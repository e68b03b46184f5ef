"""The checks: pure functions from plain facts to findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from mm_nautilus.config import FeeSection
from mm_nautilus.live.doctor.facts import Holding, Listing, Rates, Reading, Terms
from mm_nautilus.live.doctor.findings import Finding, ok, problem, warning

_CLOCK_WARNS_AT: Final = 0.2
"""Share of the limit from which on a clock is worth a look."""
_DISK_WARNS_AT: Final = 5
"""Times the wanted space below which it is worth a look."""


def versions(
    python: tuple[int, int], allowed: tuple[tuple[int, int], tuple[int, int]], engine: str, pinned: str
) -> list[Finding]:
    """Check interpreter and engine against what this version was tested with.

    Parameters
    ----------
    python : (int, int)
        Version that runs.
    allowed : pair of (int, int)
        First version that is allowed, first that is not.
    engine, pinned : str
        Version of the engine that is installed, and the one that is wanted.

    """
    shown, wanted = ".".join(map(str, python)), " to below ".join(".".join(map(str, one)) for one in allowed)
    first, beyond = allowed
    fits = first <= python < beyond
    remedy = f"install {'.'.join(map(str, first))}"
    same = engine == pinned
    return [
        ok("Python", shown, wanted) if fits else problem("Python", shown, wanted, remedy),
        ok("engine", engine, pinned)
        if same
        else problem("engine", engine or "not installed", pinned, f"install nautilus_trader=={pinned}"),
    ]


def extras(missing: Mapping[str, str]) -> list[Finding]:
    """Check what the run file needs beyond the base install.

    Parameters
    ----------
    missing : mapping of str to str
        Extra that is not installed, and what needs it.

    """
    return [
        problem(f"extra {name}", "not installed", f"for {what}", f"pip install 'mm-nautilus[{name}]'")
        for name, what in missing.items()
    ]


def clock(venue: str, reading: Reading | None, limit_s: float) -> Finding:
    """Check our clock against a venue's.

    A command carries our time, and a venue refuses what looks old or early to it: Bybit and Binance from a second
    in the future on. A reading is a problem only beyond its own uncertainty.

    Parameters
    ----------
    venue : str
        The venue.
    reading : Reading or None
        ``None`` where the venue does not tell its time.
    limit_s : float
        Difference that is a problem, in seconds.

    """
    subject, wanted = f"{venue} clock", f"within {limit_s * 1e3:.0f} ms"
    remedy = "synchronise this machine's clock (timedatectl set-ntp true, or chronyc makestep)"
    if reading is None:
        return warning(subject, "the venue does not tell its time", wanted, "keep this machine synchronised by NTP")
    way = "behind" if reading.ahead_s > 0 else "ahead of"
    found = f"ours is {abs(reading.ahead_s) * 1e3:.0f} ms {way} it (± {reading.uncertainty_s * 1e3:.0f}, "
    found += f"{reading.source})"
    certain_s = abs(reading.ahead_s) - reading.uncertainty_s
    if certain_s >= limit_s:
        return problem(subject, found, wanted, remedy)
    if certain_s >= _CLOCK_WARNS_AT * limit_s:
        return warning(subject, found, wanted, remedy)
    return ok(subject, found, wanted)


def credentials(account: str, names: Sequence[str], missing: Sequence[str], *, needed: bool) -> Finding:
    """Check that the environment has the keys; their names are shown, their values never.

    Parameters
    ----------
    account : str
        Whose they are.
    names, missing : sequence of str
        Variables that are needed for orders, and those of them that are not set.
    needed : bool
        Whether orders are to be sent.

    """
    subject = f"{account} credentials"
    if not names:
        return ok(subject, "none needed", "a gateway that is logged in")
    if not missing:
        return ok(subject, f"{', '.join(names)} set")
    found = f"{', '.join(missing)} not set"
    if not needed:
        return ok(subject, found, "none, for data alone")
    return problem(subject, found, "set and not empty", "set them in the environment of the process, nowhere else")


def listing(instrument_id: str, listed: Listing | None, similar: Sequence[str]) -> Finding:
    """Check that a venue lists an instrument."""
    if listed is None:
        near = f"listed are {', '.join(similar)}" if similar else "see the venue's list of instruments"
        return problem(instrument_id, "not listed", "an instrument of the venue", f"correct the run file: {near}")
    smallest = listed.min_lots * listed.lot
    least = f", at least {listed.min_notional.normalize():f} {listed.quote}" if listed.min_notional else ""
    found = f"tick {listed.tick.normalize():f}, lot {listed.lot.normalize():f}, smallest order {smallest.normalize():f}"
    if listed.mid is None:
        return warning(instrument_id, f"{found}{least}; no market", "a bid and an ask", "wait until it trades")
    return ok(instrument_id, f"{found}{least}; {listed.bid} / {listed.ask} {listed.quote}")


def sizes(terms: Terms, listed: Listing, complaints: Sequence[str]) -> list[Finding]:
    """Check what is to be sent against lot, smallest order, smallest value and tick.

    Parameters
    ----------
    terms : Terms
        What the run file says.
    listed : Listing
        What the venue says.
    complaints : sequence of str
        What `mm_nautilus.quoting.pipeline` has to say about sizes and limits on this lattice, at this price.

    """
    name, smallest = terms.instrument_id, listed.min_lots * listed.lot
    lattice = f"what fits lot {listed.lot.normalize():f}, tick {listed.tick.normalize():f}"
    found = [problem(f"{name} sizes", said, lattice, "correct the run file") for said in complaints]
    mid, order = listed.mid, terms.order_size
    if found or mid is None or order is None:
        return found
    last, least, currency = order * Decimal(str(terms.smallest_share)), listed.min_notional, listed.settlement
    value = f"one is worth {listed.worth(order, mid):.6g} {currency}"
    wanted = f"at least {smallest.normalize():f} and {least.normalize():f} {currency}"
    if not listed.inverse and listed.worth(order, mid) < least:
        found.append(problem(f"{name} order_size", value, wanted, "raise order_size"))
    elif last < smallest or (not listed.inverse and listed.worth(last, mid) < least):
        remedy = "levels below that are left out: raise order_size or ladder.size_decay"
        found.append(warning(f"{name} ladder", f"its smallest level is {last:.6g}", wanted, remedy))
    else:
        found.append(ok(f"{name} order_size", value, wanted))
    return [*found, *_tolerance(terms, listed, mid)]


def _tolerance(terms: Terms, listed: Listing, mid: Decimal) -> list[Finding]:
    tick_bps = float(listed.tick / mid) * 1e4
    off_bps = terms.tolerance_ticks * tick_bps
    if not terms.tolerance_ticks or off_bps <= terms.min_half_spread_bps:
        return []
    return [
        warning(
            f"{terms.instrument_id} requote.tolerance_ticks",
            f"{terms.tolerance_ticks} ticks are {off_bps:.3g} bps",
            f"at most guards.min_half_spread_bps ({terms.min_half_spread_bps:g})",
            "an order may rest nearer to the fair value than the smallest half-spread allows",
        )
    ]


def balances(
    venue: str, terms: Terms, listed: Listing, holdings: Sequence[Holding], *, cash: bool, leverage: Decimal
) -> list[Finding]:
    """Check whether the money lasts for one order, and for the position limit, at the current price.

    Parameters
    ----------
    venue : str
        Where the money is.
    terms, listed : Terms and Listing
        What is to be traded.
    holdings : sequence of Holding
        What the account has.
    cash : bool
        Whether what is bought has to be paid for and what is sold has to be there.
    leverage : Decimal
        Of a margin account, by the run file.

    """
    mid = listed.mid
    if mid is None or terms.max_position is None:
        return []
    order = terms.max_position if terms.order_size is None else terms.order_size
    known = {one.currency: one for one in holdings}

    def of(currency: str) -> Holding:
        return known.get(currency, Holding(currency=currency, total=Decimal(0), free=Decimal(0)))

    if not cash:
        one, full = (listed.worth(size, mid) / leverage for size in (order, terms.max_position))
        money = of(listed.settlement)
        # What is not free may be the margin of a position that was there before: it is no reason not to start.
        return [_enough(venue, money, one, full, f"at {leverage.normalize():f}x", fatal=money.total < one)]
    pay = of(listed.quote)
    if listed.base is None:
        return [_enough(venue, pay, order * mid, terms.max_position * mid, "to buy", fatal=pay.total < order * mid)]
    goods = of(listed.base)
    stuck = pay.total < order * mid and goods.total < order
    return [
        _enough(venue, pay, order * mid, terms.max_position * mid, "to buy", fatal=stuck),
        _enough(venue, goods, order, terms.max_position, "to sell", fatal=stuck),
    ]


def _enough(venue: str, money: Holding, one: Decimal, full: Decimal, how: str, *, fatal: bool) -> Finding:
    subject, found = f"{venue} {money.currency}", f"{money.free:.8g} free of {money.total:.8g}"
    wanted = f"{full:.6g} for max_position {how}"
    if fatal:
        return problem(subject, found, f"{one:.6g} for one order {how}", "deposit, or lower order_size")
    if money.free < one:
        return warning(subject, found, wanted, "not enough for one order: one side stays empty until it fills")
    if money.free < full:
        return warning(subject, found, wanted, "orders will be refused before the limit: deposit, or lower the limit")
    return ok(subject, found, wanted)


def fees(instrument_id: str, stated: FeeSection, charged: Rates | None) -> Finding:
    """Check the run file's fees against what the account is charged.

    Parameters
    ----------
    instrument_id : str
        What is traded.
    stated : FeeSection
        Of the run file's ``[[venues]]``; quotes, hedges and inferred fills rest on it.
    charged : Rates or None
        ``None`` where the adapter cannot ask.

    """
    subject = f"{instrument_id} fees"
    if stated.per_contract is not None:
        found = f"{stated.per_contract} per contract by the run file"
        return warning(subject, f"{found}; the venue's are not known", "", "compare with the account's fee schedule")
    ours = f"maker {stated.maker_rate:f}, taker {stated.taker_rate:f}"
    if charged is None:
        remedy = "compare with the account's fee schedule"
        return warning(subject, "the adapter cannot ask for them", f"{ours} by the run file", remedy)
    found = f"maker {charged.maker:f}, taker {charged.taker:f}"
    if charged.maker > stated.maker_rate or charged.taker > stated.taker_rate:
        return warning(subject, found, ours, "the account pays more than was tested: correct venues.fees, test again")
    if charged != Rates(maker=stated.maker_rate, taker=stated.taker_rate):
        return warning(subject, found, ours, "correct venues.fees; inferred fills are booked at the stated ones")
    return ok(subject, found, "as stated")


def disk(folder: str, free_mb: float, wanted_mb: float) -> Finding:
    """Check the space for the run's folder, in megabytes."""
    found, wanted = f"{free_mb:,.0f} MB free", f"at least {wanted_mb:,.0f} MB"
    if free_mb < wanted_mb:
        return problem(f"disk {folder}", found, wanted, "make room, or choose another run.output or --output")
    if free_mb < _DISK_WARNS_AT * wanted_mb:
        return warning(f"disk {folder}", found, wanted, "make room soon: a run that cannot write stops")
    return ok(f"disk {folder}", found, wanted)


def port(field: str, address: str, why_not: str) -> Finding:
    """Check that something can be served at an address; `why_not` is empty where it can."""
    if why_not:
        return problem(field, f"{address}: {why_not}", "a free port", f"stop what listens there, or change {field}")
    return ok(field, f"{address} is free")


def reached(subject: str, why_not: str, remedy: str) -> Finding:
    """Check that something answered; `why_not` is empty where it did."""
    return problem(subject, why_not, "an answer", remedy) if why_not else ok(subject, "answers")
