r"""One fair value of an asset that trades on several venues, and what each venue is worth by it.

With :math:`y_i` the mid of venue i in the reference currency, :math:`b_i` its basis and weights :math:`w_i` that say
how much of the price is made there,

.. math::
    F = \frac{\sum_{i\,\text{live}} w_i (y_i - b_i)}{\sum_{i\,\text{live}} w_i}, \qquad
    b_i \leftarrow b_i + \bigl(1 - 2^{-\Delta t/h}\bigr)(y_i - F - b_i), \qquad
    F_i = \frac{F + b_i}{x_i}

with :math:`h` the half-life of the basis and :math:`x_i` the rate of the venue's currency. A venue that is gone leaves
the sums at once; because every price enters without its basis, :math:`F` does not jump when it does, nor when one
joins.

The level of :math:`F` is a convention: that of the venues that were there first. The venues' own values do not depend
on it. Until a venue has been averaged for a few half-lives its basis is the mean so far.

Fails where the basis moves faster than its half-life (a funding settlement, a peg that breaks): the difference is then
read as news. Weights come from `mm_nautilus.estimators.component_share` or `lead_lag`, on a slow clock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from mm_nautilus.errors import ParameterError
from mm_nautilus.venues.venue import Health, Venue, check_together

_NS_PER_S: Final = 1_000_000_000
_NEVER: Final = 1 << 63


class ConsolidatedFairValue:
    """Fair value of one asset over its venues; an update is O(1), a sample of the basis O(venues).

    Parameters
    ----------
    venues : sequence of Venue
        Named by their place in it from here on.
    reference_currency : str
        Currency of the consolidated value.
    half_life_s : float
        Of the basis, in seconds; above 0.
    stale_after_s : float
        Silence after which a venue, or a rate, no longer counts, in seconds; above 0.
    weights : sequence of float, optional
        One a venue, above 0; equal where left out. Only their proportions matter.
    rate_currencies : sequence of str
        Currencies for which `rate` will be called.
    crossed_bps : float
        How far a bid may stand above its own ask, in bps, and its mid still count: at 0 it must stand below. A stream
        that is put together from several dealers crosses itself by a fraction of a bp all day.

    Raises
    ------
    ParameterError
        For venues that cannot be compared (`check_together`), or a value outside its range.

    """

    def __init__(
        self,
        venues: Sequence[Venue],
        reference_currency: str,
        half_life_s: float,
        stale_after_s: float,
        weights: Sequence[float] | None = None,
        rate_currencies: Sequence[str] = (),
        crossed_bps: float = 0.0,
    ) -> None:
        check_together(venues, reference_currency, rate_currencies)
        for name, value in (("half_life_s", half_life_s), ("stale_after_s", stale_after_s)):
            if not 0.0 < value < math.inf:
                raise ParameterError(name, value, "> 0 and finite")
        if not 0.0 <= crossed_bps < 100.0:
            raise ParameterError("crossed_bps", crossed_bps, "at least 0 and below 100")
        self._reach = 1.0 + 1e-4 * crossed_bps
        n = len(venues)
        self.venues = tuple(venues)
        self._half_life_ns = half_life_s * _NS_PER_S
        self._stale_ns = round(stale_after_s * _NS_PER_S)
        self._currencies = [None if one.currency == reference_currency else one.currency for one in venues]
        self._mid = [math.nan] * n
        self._price = [0.0] * n
        self._basis = [0.0] * n
        self._averaged = [0.0] * n
        self._seen_ns = [-1] * n
        self._rate_ns = [-1 if currency else _NEVER for currency in self._currencies]
        self._rate = [math.nan if currency else 1.0 for currency in self._currencies]
        self._barred: list[Health | None] = [None] * n
        self._health = [Health.NO_BOOK] * n
        self._weight = [1.0 / n] * n
        self._live_weight = self._live_sum = 0.0
        self._next_stale_ns = _NEVER
        self.changes = 0
        """How often a venue has come or gone."""
        self._sampled_ns: int | None = None
        if weights is not None:
            self.set_weights(weights)

    def update(self, venue: int, bid: float, ask: float, ts_ns: int) -> None:
        """Take the best prices of a venue, in its own currency.

        Parameters
        ----------
        venue : int
            Place in `venues`.
        bid, ask : float
            Price units; 0 or NaN for a side that is missing.
        ts_ns : int
            When they were received, in nanoseconds.

        """
        self._seen_ns[venue] = ts_ns
        if 0.0 < bid < ask * self._reach < math.inf:
            mid = self._mid[venue] = 0.5 * (bid + ask)
            if self._health[venue] is Health.LIVE:
                price = mid * self._rate[venue]
                self._live_sum += self._weight[venue] * (price - self._price[venue])
                self._price[venue] = price
                return
        else:
            self._mid[venue] = -1.0 if bid >= ask > 0.0 else math.nan
        self._judge(venue, ts_ns)

    def heard(self, venue: int, ts_ns: int) -> None:
        """Note that a venue is there although its prices have not changed (a heartbeat, a trade, a deeper level)."""
        self._seen_ns[venue] = ts_ns
        if self._health[venue] is Health.STALE:
            self._judge(venue, ts_ns)

    def rate(self, currency: str, rate: float, ts_ns: int) -> None:
        """Take the worth of one unit of `currency` in the reference currency; not above 0 means not known."""
        for venue, one in enumerate(self._currencies):
            if one == currency:
                self._rate[venue] = rate if 0.0 < rate < math.inf else math.nan
                self._rate_ns[venue] = ts_ns
                self._judge(venue, ts_ns)

    def bar(self, venue: int, reason: Health | None, now_ns: int) -> None:
        """Take a venue out at once (`DISCONNECTED`, `HALTED`, `CLOCK_OFFSET`), or let it back in with ``None``."""
        self._barred[venue] = None if reason is Health.LIVE else reason
        if reason in {Health.DISCONNECTED, Health.HALTED}:
            self._mid[venue] = math.nan  # what it showed before says nothing about what it will show after
        self._judge(venue, now_ns)

    def sample(self, now_ns: int) -> None:
        """Let the basis of every live venue take in the time since the last sample; call it from a timer."""
        value = self.value(now_ns)
        last, self._sampled_ns = self._sampled_ns, now_ns
        if value is None or last is None or now_ns <= last:
            return
        gone = -math.expm1(-math.log(2.0) * (now_ns - last) / self._half_life_ns)
        for venue, health in enumerate(self._health):
            if health is Health.LIVE:
                # Until the memory is full the mean of what was seen, not a decay from nothing.
                self._averaged[venue] += gone * (1.0 - self._averaged[venue])
                missing = self._price[venue] - value - self._basis[venue]
                self._basis[venue] += gone / self._averaged[venue] * missing
        self._sum_afresh()

    def set_weights(self, weights: Sequence[float]) -> None:
        """Weigh the venues anew.

        Raises
        ------
        ParameterError
            For weights that are not one a venue, finite and above 0.

        """
        if len(weights) != len(self.venues) or not all(0.0 < weight < math.inf for weight in weights):
            raise ParameterError("weights", list(weights), f"{len(self.venues)} finite numbers above 0")
        total = math.fsum(weights)
        self._weight = [weight / total for weight in weights]
        self._sum_afresh()

    def value(self, now_ns: int) -> float | None:
        """Return the consolidated fair value in the reference currency, ``None`` where no venue is live."""
        if now_ns > self._next_stale_ns:
            self._expire(now_ns)
        return self._live_sum / self._live_weight if self._live_weight > 0.0 else None

    def own_value(self, venue: int, now_ns: int) -> float | None:
        """Return what the asset is worth on one venue, in its own currency.

        Known as long as one venue is live and the rate has been seen, also for a venue that is gone: ask `health`
        before quoting on it.
        """
        value = self.value(now_ns)
        rate = self._rate[venue]
        if value is None or rate != rate:  # noqa: PLR0124 - NaN
            return None
        return (value + self._basis[venue]) / rate

    def others_value(self, venue: int, now_ns: int) -> float | None:
        """Return what the asset is worth on one venue by all the others, in its own currency, ``None`` without any."""
        value = self.value(now_ns)
        live, total = self._health[venue] is Health.LIVE, self._live_sum
        weight = self._live_weight
        if live:
            total -= self._weight[venue] * (self._price[venue] - self._basis[venue])
            weight -= self._weight[venue]
        rate = self._rate[venue]
        if value is None or weight <= 1e-12 or rate != rate:  # noqa: PLR0124 - NaN
            return None
        return (total / weight + self._basis[venue]) / rate

    def conversion(self, venue: int, into: int) -> float:
        """Return units of the currency of `into` per unit of that of `venue`; NaN where a rate is not known."""
        return self._rate[venue] / self._rate[into]

    def reference_rate(self, venue: int) -> float:
        """Return the worth of one unit of a venue's currency in the reference currency; NaN where it is not known."""
        return self._rate[venue]

    def health(self, venue: int, now_ns: int) -> Health:
        """Return whether a venue counts now, and why not."""
        if now_ns > self._next_stale_ns:
            self._expire(now_ns)
        return self._health[venue]

    def basis(self, venue: int) -> float:
        """Return what a venue trades above the consolidated value, in the reference currency."""
        return self._basis[venue]

    def weights(self) -> tuple[float, ...]:
        """Return the weights in effect now: 0 for a venue that does not count, summing to 1 where one does."""
        live = self._live_weight
        return tuple(
            weight / live if health is Health.LIVE else 0.0
            for weight, health in zip(self._weight, self._health, strict=True)
        )

    def save(self) -> dict[str, Any]:
        """Return what was learnt (basis and weights) as JSON-able values; prices are not kept."""
        names = [venue.name for venue in self.venues]
        return {
            "basis": dict(zip(names, self._basis, strict=True)),
            "averaged": dict(zip(names, self._averaged, strict=True)),
            "weights": dict(zip(names, self._weight, strict=True)),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Restore what `save` returned, for the venues it knows."""
        for index, venue in enumerate(self.venues):
            if venue.name in state["basis"]:
                self._basis[index] = float(state["basis"][venue.name])
                self._averaged[index] = float(state["averaged"][venue.name])
        if all(venue.name in state["weights"] for venue in self.venues):
            self.set_weights([float(state["weights"][venue.name]) for venue in self.venues])

    def _judge(self, venue: int, now_ns: int) -> None:
        """Find out anew whether a venue counts, and move it in or out of the sums."""
        mid, rate, stale_ns = self._mid[venue], self._rate[venue], self._stale_ns
        barred = self._barred[venue]
        if barred is not None:
            health = barred
        elif mid < 0.0:
            health = Health.CROSSED_BOOK
        elif mid != mid:  # noqa: PLR0124 - NaN
            health = Health.NO_BOOK
        elif now_ns - self._seen_ns[venue] > stale_ns:
            health = Health.STALE
        elif rate != rate or now_ns - self._rate_ns[venue] > stale_ns:  # noqa: PLR0124 - NaN
            health = Health.NO_RATE
        else:
            health = Health.LIVE
            value = self._live_sum / self._live_weight if self._live_weight > 0.0 else None
            joins = self._health[venue] is not Health.LIVE
            self._price[venue] = mid * rate
            if joins and value is not None and self._averaged[venue] == 0.0:
                self._basis[venue] = self._price[venue] - value
        self.changes += health is not self._health[venue]
        self._health[venue] = health
        self._sum_afresh()

    def _expire(self, now_ns: int) -> None:
        for venue in range(len(self.venues)):
            self._judge(venue, now_ns)

    def _sum_afresh(self) -> None:
        live = [venue for venue, health in enumerate(self._health) if health is Health.LIVE]
        self._live_weight = math.fsum(self._weight[venue] for venue in live)
        self._live_sum = math.fsum(self._weight[venue] * (self._price[venue] - self._basis[venue]) for venue in live)
        # Updates since make this early, never late.
        self._next_stale_ns = min(
            (min(self._seen_ns[venue], self._rate_ns[venue]) + self._stale_ns for venue in live), default=_NEVER
        )
