"""What a requote on one of five venues costs in our code, beside one of a venue that is quoted by itself.

``python benchmarks/bench_cross_venue.py``. A pass is all of it: the tick into the consolidated value, who else must be
quoted anew, what the asset's limits leave, the hedge bounds of both sides from ten levels on four other venues, the
quoting pipeline, the order diff and the record. The market moves a tick at a time, so that most passes move two orders;
they are acknowledged at once, outside the clock, which counts this thread's CPU. The ratio is to the same passes of the
same desk alone. Exits with 1 where the median is above 60 microseconds.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from decimal import Decimal
from random import Random
from time import thread_time_ns

from rich.console import Console
from rich.table import Table

from mm_nautilus.host.collector import rare_collections
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.inventory.hedge_control import HedgeControl
from mm_nautilus.inventory.hedge_market import HedgeContract
from mm_nautilus.inventory.hedge_settings import HedgeInstrumentSettings, TakingTerms
from mm_nautilus.inventory.ledger import Ledger
from mm_nautilus.inventory.limits import Held, Limits, side_bounds, surroundings
from mm_nautilus.inventory.venue_market import VenueMarket
from mm_nautilus.market import Grid, Side, TopOfBook
from mm_nautilus.quoting.desk import Desk, Requote
from mm_nautilus.quoting.settings import QuotingSettings, settings_with_model
from mm_nautilus.venues.consolidated import ConsolidatedFairValue
from mm_nautilus.venues.cross_quoting import CrossQuoting, CrossTerms, Place
from mm_nautilus.venues.cross_settings import FillHedgeSettings
from mm_nautilus.venues.venue import Venue

VENUES, LEVELS = 5, 10
CEILING_US = 60.0
_TICK, _LOT = Decimal("0.1"), Decimal("0.001")
_S = 1_000_000_000


def _settings(index: int) -> QuotingSettings:
    fields = {
        "instrument_id": f"BTCUSDT.V{index}",
        "model": "glft",
        "gamma": 0.01,
        "order_size": "0.01",
        "intensity": {"a_per_s": 1.0, "k_per_price": 2.0},
        "volatility": {"fixed_price_per_sqrt_s": 1.0},
        "limits": {"max_position": "1", "max_asset_position": "1"},
        "requote": {"messages_per_s": 1e9, "message_burst": 1_000_000_000},
    }
    return settings_with_model(QuotingSettings, "glft").model_validate(fields)


class Five:
    """Five venues, quoted and hedged on all."""

    def __init__(self) -> None:
        grid, ledger, markets = Grid(_TICK, _LOT), Ledger(), []
        self.desks = [Desk(_settings(index), grid, "B", lambda _: float(_LOT), 0, 1.0) for index in range(VENUES)]
        names = [f"BTCUSDT.V{index}" for index in range(VENUES)]
        for name, desk in zip(names, self.desks, strict=True):
            ledger.open(name, asset="BTC", venue=name[-2:], contract=Contract("USDT", "BTC"))
            terms = TakingTerms(fee_rate=0.0002)
            markets.append(VenueMarket(HedgeContract(name, grid), terms, 1e6, None, desk))
        where = [HedgeInstrumentSettings(instrument_id=name) for name in names]
        hedging = FillHedgeSettings().model_copy(update={"instruments": where})
        self.control = HedgeControl(hedging, ledger, markets, "B", "BTC", 1000, _settings(0).age)
        venues = [Venue(name, "BTC", "USDT", 0.0001, 0.0002) for name in names]
        self.depths: list[dict[Side, list[tuple[float, float]]]] = [{} for _ in names]
        places = [
            Place(venue, market, True, True, 0.05, 10, depth.__getitem__)
            for venue, market, depth in zip(venues, markets, self.depths, strict=True)
        ]
        terms = CrossTerms(0.00005, 0.0, 1.0, 0.3, 0.00005)
        self.cross = CrossQuoting(places, ConsolidatedFairValue(venues, "USDT", 60.0, 1e6), terms)
        self.cross.moved()
        self.limits = Limits(max_asset_position=1.0)
        self.held = [Held("BTC", f"V{index}", lambda _: float(_LOT)) for index in range(VENUES)]

    def show(self, index: int, mid: int) -> TopOfBook:
        """Prepare what a venue sends: a mid in ticks."""
        bids = [((mid - 1 - level) * 0.1, 0.02) for level in range(LEVELS)]
        asks = [((mid + 1 + level) * 0.1, 0.02) for level in range(LEVELS)]
        self.depths[index][Side.SELL], self.depths[index][Side.BUY] = bids, asks
        return TopOfBook(bids[0][0], asks[0][0], 0.02, 0.02)

    def tick(self, index: int, top: TopOfBook, now_ns: int) -> Requote | None:
        """One venue's tick, and the requote of that venue: the whole of our code."""
        desk = self.desks[index]
        desk.heard(now_ns)
        desk.top = top
        self.cross.heard(index, top, now_ns, now_ns)
        others = [
            held
            for other, one in enumerate(self.held)
            if other != index and (held := one.of(self.desks[other])) is not None
        ]
        others.append(self.control.pending(self.cross.inventory))
        unit = float(_LOT)
        around = surroundings("BTC", f"V{index}", others)
        bounds = side_bounds(desk.position_lots * unit, top.mid, unit, self.limits, around)
        anchor = self.cross.anchor(index, now_ns)
        return desk.requote("book", now_ns, None, bounds, anchor)


def alone(desk: Desk, top: TopOfBook, now_ns: int) -> Requote | None:
    """The same desk without other venues."""
    desk.heard(now_ns)
    desk.top = top
    return desk.requote("book", now_ns)


def obey(desk: Desk, requote: Requote | None, number: int, now_ns: int) -> int:
    """Let the venue do at once what was asked for; return how many commands that were."""
    if requote is None:
        return 0
    plan = requote.plan
    for amend in plan.amends:
        desk.amending(amend.order, amend.price_ticks, amend.total_lots, now_ns)
        desk.amended(amend.order, amend.price_ticks, amend.total_lots)
    for order in plan.cancels:
        desk.cancelling(order)
        desk.closed(order)
    for place, level in enumerate(plan.submits):
        desk.accepted(desk.submitting(level, f"O-{number}-{place}", now_ns))
    return plan.messages


def run(rounds: int, step: Callable[[int, TopOfBook, int], Requote | None], five: Five) -> tuple[list[float], int]:
    """Return the microseconds of every pass, and the commands they led to."""
    draw, mid, taken, messages = Random(1), 600_000, [], 0
    for number in range(rounds):
        mid += draw.choice((-1, 1))
        index, now_ns = number % VENUES, (number + 1) * _S // 100
        top = five.show(index, mid)
        began = thread_time_ns()
        requote = step(index, top, now_ns)
        taken.append((thread_time_ns() - began) / 1e3)
        messages += obey(five.desks[index], requote, number, now_ns)
    return taken[rounds // 10 :], messages


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passes", type=int, default=20_000)
    passes = parser.parse_args().passes
    one, five = Five(), Five()
    with rare_collections():  # as in every run
        base, base_messages = run(passes, lambda index, top, now_ns: alone(one.desks[index], top, now_ns), one)
        crossed, messages = run(passes, five.tick, five)
    table = Table("requote", "median us", "90 %", "commands a pass", "ratio", "demanded")
    median, baseline = statistics.median(crossed), statistics.median(base)
    ninety = [statistics.quantiles(taken, n=10)[8] for taken in (base, crossed)]
    table.add_row(
        "of a venue by itself", f"{baseline:.1f}", f"{ninety[0]:.1f}", f"{base_messages / passes:.2f}", "1.0", ""
    )
    table.add_row(
        f"of one of {VENUES} venues",
        f"{median:.1f}",
        f"{ninety[1]:.1f}",
        f"{messages / passes:.2f}",
        f"{median / baseline:.1f}",
        f"{CEILING_US:.0f}",
    )
    Console().print(table)
    return int(median > CEILING_US)


if __name__ == "__main__":
    sys.exit(main())
