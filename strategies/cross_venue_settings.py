"""What a `CrossVenueMarketMaker` is told: what every quoting strategy is, what is common to the venues, and each venue.

The keys of the table ``[strategy]`` hold for every venue that does not say otherwise in its own table
``[[strategy.venues]]``. Sizes are in base units there, and in the instrument's own (contracts) in the table of a venue.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Self

from pydantic import Field, model_validator

from mm_nautilus.adverse_selection.fill_settings import FillWatchSettings
from mm_nautilus.inventory.hedge_settings import HedgeInstrumentSettings, HedgeSettings, TakingTerms
from mm_nautilus.quoting.settings import QuotingSettings, settings_with_model
from mm_nautilus.strategies.venues_settings import SeveralVenuesSettings
from mm_nautilus.venues.cross_settings import CrossSettings, FillHedgeSettings, VenueEntry


class CrossVenueSettings(QuotingSettings, CrossSettings, SeveralVenuesSettings):
    """See the module."""

    instrument_id: str = Field(default="", description="The first venue's instrument; filled in.")
    venues: list[VenueEntry] = Field(min_length=2, description="The instruments of the asset, and what each is for.")
    adverse_selection: FillWatchSettings = FillWatchSettings()
    hedge: FillHedgeSettings = FillHedgeSettings()

    @model_validator(mode="before")
    @classmethod
    def _first_venue_names_it(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("venues"), list):
            return data
        ids = [one.get("instrument_id") if isinstance(one, dict) else one.instrument_id for one in data["venues"]]
        given = data.get("instrument_id")
        if given and given not in ids:
            raise ValueError(f"instrument_id ({given}) is named by venues here: leave it out")
        return data | {"instrument_id": given or (ids[0] if ids and isinstance(ids[0], str) else "")}

    @model_validator(mode="after")
    def _venues_serve_each_other(self) -> Self:
        ids = [one.instrument_id for one in self.venues]
        if len(set(ids)) != len(ids):
            raise ValueError(f"venues: each instrument may stand once, found {', '.join(ids)}")
        if not any(one.quote for one in self.venues):
            raise ValueError("venues: none is quoted (quote = true)")
        hedges = [one.instrument_id for one in self.venues if one.hedge]
        for one in self.venues:
            if one.quote and not set(hedges) - {one.instrument_id}:
                raise ValueError(f"venues: {one.instrument_id} is quoted and no other venue has hedge = true")
            order, limit = one.order_size or self.order_size, one.max_position or self.limits.max_position
            if one.quote and order > limit:
                raise ValueError(f"venues: {one.instrument_id}: max_position ({limit}) is below order_size ({order})")
        if self.limits.max_asset_position is None:
            raise ValueError("limits.max_asset_position is required: the largest exposure netted over the venues")
        if self.weights.fixed and len(self.weights.fixed) != len(ids):
            raise ValueError(f"weights.fixed: {len(self.weights.fixed)} numbers for {len(ids)} venues")
        return self

    def instruments(self) -> tuple[str, ...]:
        """Return the instruments whose data are needed: those quoted first, those hedged on, those of rates."""
        quoted = [one.instrument_id for one in self.venues if one.quote]
        others = [one.instrument_id for one in self.venues if not one.quote]
        return tuple(dict.fromkeys([*quoted, *others, *self.rate_instruments()]))

    def rate_instruments(self) -> tuple[str, ...]:
        """Return the instruments that nothing is wanted of but their mid, for a rate."""
        venues = {one.instrument_id for one in self.venues}
        return tuple(rate for rate in self.rates.values() if isinstance(rate, str) and rate not in venues)

    def position_limits(self) -> dict[str, Decimal | None]:
        """Return the largest |position| of each venue, in its base units (contracts)."""
        return {one.instrument_id: one.max_position or self.limits.max_position for one in self.venues}

    def of_venue(self, entry: VenueEntry) -> QuotingSettings:
        """Return what the leg on one venue is told."""
        merged = settings_with_model(QuotingSettings, self.model)
        fields = {name: getattr(self, name) for name in merged.model_fields if hasattr(self, name)}
        fields["instrument_id"] = entry.instrument_id
        for name in ("order_size", "ladder", "guards", "requote"):
            if getattr(entry, name) is not None:
                fields[name] = getattr(entry, name)
        limits = {"max_position": entry.max_position, "max_notional": entry.max_notional}
        stated = {name: value for name, value in limits.items() if value is not None}
        fields["limits"] = self.limits.model_copy(update=stated)
        return merged.model_construct(**fields)

    def hedging(self) -> HedgeSettings:
        """Return how fills are hedged, with the venues that it may be done on."""
        where = [HedgeInstrumentSettings(instrument_id=one.instrument_id) for one in self.venues if one.hedge]
        return self.hedge.model_copy(update={"instruments": where})

    def taking_terms(self) -> dict[str, TakingTerms]:
        """Return what taking costs at each venue, with the fees that the venues' own tables state."""
        terms = dict(self.taking)
        for one in self.venues:
            if one.taker_fee is not None:
                venue = one.instrument_id.rpartition(".")[2]
                terms[venue] = terms.get(venue, TakingTerms()).model_copy(update={"fee_rate": one.taker_fee})
        return terms
