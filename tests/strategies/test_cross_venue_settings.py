"""What taking costs at each venue: what the run tells, unless a venue's own table states its fee."""

from cross_kit import cross_fields

from mm_nautilus.inventory.hedge_settings import TakingTerms
from mm_nautilus.strategies import CrossVenueMarketMakerConfig


def test_a_fee_stated_with_a_venue_comes_before_the_run_s_and_leaves_the_rest_as_told() -> None:
    fields = cross_fields(taking={"SIM": {"fee_rate": 0.0005, "submit_ns": 7}, "ALT": {"fee_rate": 0.0004}})
    fields["venues"][0] |= {"taker_fee": 0.0001}
    fields["venues"][2] |= {"taker_fee": 0.0002}  # told nothing of: live, no backtest fills it in
    terms = CrossVenueMarketMakerConfig(**fields).settings.taking_terms()
    assert terms == {
        "SIM": TakingTerms(fee_rate=0.0001, submit_ns=7),
        "ALT": TakingTerms(fee_rate=0.0004),
        "THIRD": TakingTerms(fee_rate=0.0002),
    }
