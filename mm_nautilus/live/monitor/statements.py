"""The statements of a run: where the PnL of each instrument came from, and of the run by currency."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Any

from mm_nautilus.analytics.attribution_lines import LINES, Attribution
from mm_nautilus.analytics.facts import InstrumentFacts
from mm_nautilus.inventory.contract import EXACT
from mm_nautilus.live.monitor.attribution import AssetSoFar
from mm_nautilus.live.monitor.facts import asset_of
from mm_nautilus.live.monitor.turns import Turns
from mm_nautilus.messages import FillFact, MarkFact


class Statements:
    """Attributes the PnL of every asset when it is asked to.

    Parameters
    ----------
    instruments : sequence of InstrumentFacts
        Of the run, the quoted ones first.
    rates : mapping of currency to Decimal
        Reference currency for one unit of each other quote currency, where it is known.

    """

    def __init__(self, instruments: Sequence[InstrumentFacts], rates: Mapping[str, Decimal]) -> None:
        groups: dict[str, list[InstrumentFacts]] = {}
        for one in instruments:
            groups.setdefault(asset_of(one), []).append(one)
        self._assets = {asset: AssetSoFar(group, rates) for asset, group in groups.items()}
        self._asset_of = {one.instrument_id: asset_of(one) for one in instruments}
        self._currency = {one.instrument_id: one.contract.settlement_currency for one in instruments}
        self._turns = Turns(self._assets)
        self.lines: dict[str, Attribution] = {}
        """By instrument; one that was never fit to be marked at is missing."""
        self.failed: dict[str, str] = {}
        """Assets that cannot be attributed, and why."""

    def take(self, fact: FillFact | MarkFact) -> None:
        """Take a mark or a fill of an instrument of the run."""
        asset = self._assets.get(self._asset_of[fact.instrument_id])
        if asset is not None:
            asset.take(fact)

    def bring_up_to_date(self, shown: Iterable[str]) -> None:
        """Attribute the assets of the instruments that are shown, and those whose turn it is."""
        for asset in dict.fromkeys([self._asset_of[name] for name in shown] + self._turns.next()):
            if asset not in self.failed:
                try:
                    self.lines.update(self._assets[asset].so_far())
                except Exception as error:  # all else is worth showing still
                    self._give_up(asset, error)

    def _give_up(self, asset: str, error: Exception) -> None:
        """Attribute an asset no more: what has gone wrong once is wrong from then on."""
        self.failed[asset] = f"{type(error).__name__}: {error}"
        del self._assets[asset]
        for name, one in self._asset_of.items():
            if one == asset:
                self.lines.pop(name, None)

    def by_currency(self) -> list[dict[str, Any]]:
        """Return the lines of the run by settlement currency: currencies are never added up."""
        groups: dict[str, list[Attribution]] = {}
        for name, lines in self.lines.items():
            groups.setdefault(self._currency[name], []).append(lines)
        return [{"currency": currency} | _summed(group) for currency, group in groups.items()]


def _summed(group: Sequence[Attribution]) -> dict[str, Any]:
    with localcontext(EXACT):
        lines = {name: sum([getattr(one, name) for one in group], Decimal(0)) for name in LINES}
        return {"lines": lines, "total": sum([one.total for one in group], Decimal(0))}
