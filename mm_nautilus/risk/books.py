"""What has been earned and what is held, exactly, over all instruments and currencies."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, localcontext
from typing import Final

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.contract import EXACT, Contract
from mm_nautilus.market import Side
from mm_nautilus.messages import FillFact, MarkFact
from mm_nautilus.risk.settings import number_of

_ZERO: Final = Decimal(0)
_HALF: Final = Decimal("0.5")


class Line:
    """One instrument: cash from trading it, what is held of it, and the last price to value that at.

    The position found at the first message is bought at the first mark, so that only what changes from then on is
    profit or loss. While the market is not fit to be marked at, the last fit mid stands.
    """

    __slots__ = (
        "_opening",
        "_worth",
        "asset",
        "cash",
        "contract",
        "held",
        "mark",
        "opened",
        "position",
        "settlement",
        "unit_value",
    )

    def __init__(self, contract: Contract, asset: str) -> None:
        self.contract, self.asset, self.settlement = contract, asset, contract.settlement_currency
        self.held = 0.0
        """The position, for formulas."""
        self.unit_value = math.nan
        """What one contract is worth in settlement currency, NaN without a price."""
        self.cash = self.position = self._opening = _ZERO
        self.mark: Decimal | None = None
        self.opened = False
        self._worth: Decimal | None = None

    def open(self, position: Decimal) -> None:
        """Take over a position, to be paid for at the next mark."""
        self.position = self._opening = position
        self.held = float(position)
        self.opened = True

    def price(self, mark: Decimal) -> None:
        """Value what is held at a mid from now on."""
        if mark == self.mark:
            return
        self.mark, self._worth = mark, None
        multiplier, price = float(self.contract.multiplier), float(mark)
        self.unit_value = -multiplier / price if self.contract.inverse else multiplier * price
        if self._opening:
            self.cash -= self.contract.value(self._opening, mark)
            self._opening = _ZERO

    def trade(self, signed: Decimal, price: Decimal) -> None:
        """Book a trade."""
        self.position += signed
        self.held = float(self.position)
        self.cash -= self.contract.value(signed, price)
        self._worth = None

    def total(self) -> Decimal | None:
        """Return cash and worth in settlement currency, ``None`` while what is held has no price."""
        if self._worth is None:
            if not self.position and not self._opening:
                self._worth = _ZERO
            elif self.mark is None:
                return None
            else:
                self._worth = self.contract.value(self.position, self.mark)
        return self.cash + self._worth

    def exposure(self) -> float:
        """Return the signed amount of settlement currency that what is held stands for, NaN without a price."""
        if not self.held:
            return 0.0
        return -self.unit_value * self.held if self.contract.inverse else self.unit_value * self.held


class Books:
    """Lines of all instruments and fees of all currencies, in one currency.

    Parameters
    ----------
    contract_of : callable
        Returns an instrument's `Contract`, given its id.
    currency : str or None
        Currency of the sum; ``None`` where all instruments settle in one.
    rates : mapping
        Worth of one unit of another currency: a number, or the instrument whose mid it is.
    strict : bool
        Whether money that cannot be converted is an error; otherwise there is no equity then.

    """

    def __init__(
        self,
        contract_of: Callable[[str], Contract],
        currency: str | None = None,
        rates: Mapping[str, Decimal | str] | None = None,
        *,
        strict: bool = True,
    ) -> None:
        self._contract_of = contract_of
        self.currency = currency
        self._rates = rates or {}
        self._strict = strict
        self._foreign_fees: dict[str, Decimal] = {}
        self._equity: Decimal | None = None
        self._exposures: dict[str, float] | None = None
        self.lines: dict[str, Line] = {}
        self.carried = _ZERO
        """Equity brought over from before a restart."""

    def line(self, instrument_id: str) -> Line:
        """Return an instrument's line, opened at first sight.

        Raises
        ------
        ParameterError
            Where its money cannot be converted.

        """
        line = self.lines.get(instrument_id)
        if line is None:
            contract = self._contract_of(instrument_id)
            if self.currency is None:
                self.currency = contract.settlement_currency
            self._check(contract.settlement_currency, f"what {instrument_id} settles in")
            asset = contract.base_currency or instrument_id.rpartition(".")[0]
            line = self.lines[instrument_id] = Line(contract, asset)
        return line

    def marked(self, fact: MarkFact) -> None:
        """Take a mark."""
        line = self.line(fact.instrument_id)
        self._equity = self._exposures = None
        with localcontext(EXACT):
            if not line.opened:
                line.open(fact.position)
            if fact.bid is not None and fact.ask is not None:
                line.price(_mid(fact.bid, fact.ask))

    def filled(self, fact: FillFact) -> None:
        """Take a fill; where nothing else prices the instrument, it does.

        Raises
        ------
        ParameterError
            Where the commission's currency cannot be converted.

        """
        line = self.line(fact.instrument_id)
        self._equity = self._exposures = None
        signed = fact.size * Side[fact.side]
        with localcontext(EXACT):
            if not line.opened:
                line.open(fact.position_after - signed)
            if line.mark is None:
                both = fact.bid is not None and fact.ask is not None
                line.price(_mid(fact.bid, fact.ask) if both else fact.price)  # type: ignore[arg-type]
            line.trade(signed, fact.price)
            if fact.commission_currency == line.settlement:
                line.cash -= fact.commission
            elif fact.commission:
                self._check(fact.commission_currency, f"the commission of {fact.instrument_id}")
                paid = self._foreign_fees.get(fact.commission_currency, _ZERO)
                self._foreign_fees[fact.commission_currency] = paid + fact.commission

    def equity(self) -> Decimal | None:
        """Return profit since the start, open positions included; ``None`` while something has no price."""
        if self._equity is None:
            self._equity = self._summed()
        return self._equity

    def _summed(self) -> Decimal | None:
        with localcontext(EXACT):
            equity = self.carried
            for line in self.lines.values():
                total, settlement = line.total(), line.settlement
                if total is None:
                    return None
                if settlement == self.currency or not total:
                    equity += total
                elif (rate := self._rate(settlement)) is None:
                    return None
                else:
                    equity += total * rate
            for currency, paid in self._foreign_fees.items():
                rate = self._rate(currency)
                if rate is None:
                    return None
                equity -= paid * rate
            return equity

    def factors(self) -> Iterable[tuple[Line, float]]:
        """Yield the lines with the worth of their settlement currency, NaN where that has no price yet."""
        for line in self.lines.values():
            if line.settlement == self.currency:
                yield line, 1.0
            else:
                rate = self._rate(line.settlement)
                yield line, math.nan if rate is None else float(rate)

    def exposures(self) -> dict[str, float]:
        """Return the signed exposure of each asset over its instruments, in `currency`; without a price, it is 0."""
        if self._exposures is None:
            found: dict[str, float] = {}
            for line, rate in self.factors():
                exposure = line.exposure() * rate
                found[line.asset] = found.get(line.asset, 0.0) + (0.0 if math.isnan(exposure) else exposure)
            self._exposures = found
        return self._exposures

    def _rate(self, currency: str) -> Decimal | None:
        if currency == self.currency:
            return Decimal(1)
        rate = self._rates.get(currency)
        if rate is None:
            return None
        number = number_of(rate)
        if number is not None:
            return number
        line = self.lines.get(str(rate))
        return None if line is None else line.mark

    def _check(self, currency: str, what: str) -> None:
        if self._strict and currency != self.currency and currency not in self._rates:
            raise ParameterError(
                f"risk.rates.{currency}",
                "nothing",
                f"stated, as a number or an instrument whose mid it is: {what} is in {currency}, and the risk rules "
                f"count in {self.currency} (risk.currency)",
            )


def _mid(bid: float, ask: float) -> Decimal:
    """Return the mid of two prices on a lattice; their shortest repr is what the venue sent."""
    return (Decimal(repr(bid)) + Decimal(repr(ask))) * _HALF
