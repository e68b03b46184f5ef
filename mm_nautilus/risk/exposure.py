"""What is held: gross and net exposure, concentration, and value at risk."""

from __future__ import annotations

import math

import numpy as np

from mm_nautilus.inventory.value_at_risk import loss_of_deviation
from mm_nautilus.risk.books import Books
from mm_nautilus.risk.settings import ConcentrationRule, ValueAtRiskRule


class _OfBooks:
    """A function of what is held now."""

    __slots__ = ("_books", "_unit")

    def __init__(self, books: Books, unit: float = 1.0) -> None:
        self._books, self._unit = books, unit

    def restart(self, now_ns: int) -> None:
        """Forget nothing: what is held is held."""


class GrossExposure(_OfBooks):
    """Sum over assets of the absolute exposure, each netted over its instruments.

    Parameters
    ----------
    books : Books
        What is held.
    unit : float
        Divides it: the capital where shares of it are measured, else 1.

    """

    __slots__ = ()

    def value(self, now_ns: int) -> float | None:  # noqa: ARG002
        """Return the exposure in money, or as a share."""
        return sum(map(abs, self._books.exposures().values())) / self._unit

    def reason(self, now_ns: int) -> str:
        """Say how much."""
        return f"gross exposure {self.value(now_ns):.6g}"


class NetExposure(_OfBooks):
    """Absolute value of the sum of all exposures, longs against shorts.

    Parameters
    ----------
    books : Books
        What is held.
    unit : float
        Divides it: the capital where shares of it are measured, else 1.

    """

    __slots__ = ()

    def value(self, now_ns: int) -> float | None:  # noqa: ARG002
        """Return the exposure in money, or as a share."""
        return abs(sum(self._books.exposures().values())) / self._unit

    def reason(self, now_ns: int) -> str:
        """Say how much."""
        return f"net exposure {self.value(now_ns):.6g}"


class Concentration(_OfBooks):
    """Largest asset's share of gross exposure.

    With one asset there is nothing to spread over, and with little held the share says nothing: no value then.

    Parameters
    ----------
    books : Books
        What is held.
    rule : ConcentrationRule
        What must be held at least.

    """

    __slots__ = ("_min_gross",)

    def __init__(self, books: Books, rule: ConcentrationRule) -> None:
        super().__init__(books)
        self._min_gross = rule.min_gross

    def value(self, now_ns: int) -> float | None:  # noqa: ARG002
        """Return the share, 0 while less than `min_gross` is held."""
        sizes = [abs(exposure) for exposure in self._books.exposures().values()]
        gross = sum(sizes)
        if len(sizes) < 2:
            return None
        return max(sizes) / gross if gross > self._min_gross else 0.0

    def reason(self, now_ns: int) -> str:
        """Say which asset."""
        value, exposures = self.value(now_ns), self._books.exposures()
        if value is None:
            return "fewer than two assets"
        largest = max(exposures, key=lambda asset: abs(exposures[asset]))
        return f"{largest} is {value:.1%} of gross exposure"


class ValueAtRisk(_OfBooks):
    r"""Value at risk of the positions; see `mm_nautilus.inventory.value_at_risk`.

    The covariance is that of the worth of one contract of each instrument, in the books' currency, sampled every
    `sample_interval_s` with weights that halve every half-life, zero mean:

    .. math::
        C \leftarrow w C + (1 - w)\, \Delta v\, \Delta v^\top / \Delta t

    Positive semi-definite as a sum of such. Sampling seldom keeps prices that move one after the other from looking
    unrelated. An instrument without a price has no part in it, and its next move is counted from its last price.

    Parameters
    ----------
    books : Books
        What is held.
    rule : ValueAtRiskRule
        Confidence, horizon, sampling.
    unit : float
        Divides it: the capital where shares of it are measured, else 1.

    """

    __slots__ = ("_covariance", "_last", "_rule", "_sampled_ns", "_samples", "_unbiased", "_weights")

    def __init__(self, books: Books, rule: ValueAtRiskRule, unit: float = 1.0) -> None:
        super().__init__(books, unit)
        self._rule = rule
        self._covariance = self._unbiased = np.zeros((0, 0))
        self._last, self._weights = np.zeros(0), np.zeros(0)
        self._samples = 0
        self._sampled_ns: int | None = None

    def value(self, now_ns: int) -> float | None:
        """Return the loss in money, or as a share; ``None`` before there are enough samples."""
        self._sample(now_ns)
        if self._samples < self._rule.min_samples:
            return None
        held = np.array([line.held for line in self._books.lines.values()])[: len(self._weights)]
        variance = max(float(held @ self._unbiased @ held), 0.0) * self._rule.horizon_s
        return loss_of_deviation(math.sqrt(variance), self._rule.confidence).value_at_risk / self._unit

    def reason(self, now_ns: int) -> str:
        """Say how much, how likely and how soon."""
        value, rule = self.value(now_ns), self._rule
        if value is None:
            return f"{self._samples} of {rule.min_samples} samples"
        return f"{rule.confidence:.2%} value at risk over {rule.horizon_s:g} s is {value:.6g}"

    def _sample(self, now_ns: int) -> None:
        elapsed_ns = now_ns - (self._sampled_ns or 0)
        if self._sampled_ns is not None and elapsed_ns < self._rule.sample_interval_s * 1e9:
            return
        now = np.array([line.unit_value * rate for line, rate in self._books.factors()])
        grown = len(now) - len(self._last)
        if grown:
            self._last = np.append(self._last, np.full(grown, np.nan))
            self._weights = np.append(self._weights, np.zeros(grown))
            self._covariance = np.pad(self._covariance, (0, grown))
        moves = np.nan_to_num(now - self._last, nan=0.0)
        if self._sampled_ns is not None:
            elapsed_s = elapsed_ns * 1e-9
            kept = math.exp2(-elapsed_s / self._rule.half_life_s)
            self._covariance *= kept
            self._covariance += np.outer(moves, moves) * ((1.0 - kept) / elapsed_s)
            self._weights = kept * self._weights + (1.0 - kept) * ~np.isnan(self._last)
            self._samples += 1
        self._last = np.where(np.isnan(now), self._last, now)
        # A line that was opened later has had less weight to gather; one not sampled yet has no part.
        scale = np.divide(1.0, np.sqrt(self._weights), out=np.zeros_like(now), where=self._weights > 0.0)
        self._unbiased = self._covariance * np.outer(scale, scale)
        self._sampled_ns = now_ns
