"""Caveats: each setting and data shape that biases a result is said, and nothing else is."""

from copy import replace
from decimal import Decimal

import pytest

from mm_nautilus.analytics.realism import BookData, DataShape, Severity, VenueSettings, caveats

VENUE = VenueSettings(
    venue="SIM",
    queue_position=True,
    liquidity_consumption=True,
    insert_latency_ms=2.0,
    amend_latency_ms=2.0,
    cancel_latency_ms=1.0,
    fee_model="MakerTakerFeeModel",
    maker_fee=Decimal("0.0001"),
    taker_fee=Decimal("0.0005"),
    fill_model="ProbabilisticFillModel",
    prob_fill_on_limit=0.9,
    prob_slippage=0.1,
)
SHAPE = DataShape("ESH4.CME", "SIM", BookData.L3, trades=True)
ALWAYS = {"NO_REACTION", "SWEEPS_MISSED"}


def codes(shape=SHAPE, venue=VENUE):
    return {caveat.code for caveat in caveats([shape], [venue])}


def test_full_data_and_careful_settings_leave_only_what_no_backtest_knows():
    assert codes() == ALWAYS


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"queue_position": False}, "QUEUE_OFF"),
        ({"liquidity_consumption": False}, "LIQUIDITY_REFILLS"),
        ({"insert_latency_ms": 0, "amend_latency_ms": 0, "cancel_latency_ms": 0}, "ZERO_LATENCY"),
        ({"cancel_latency_ms": 0}, "ZERO_CANCEL_LATENCY"),
        ({"maker_fee": Decimal(0), "taker_fee": Decimal(0)}, "ZERO_FEES"),
        ({"maker_fee": Decimal("-0.0001")}, "MAKER_REBATE"),
        ({"prob_fill_on_limit": 1.0, "prob_slippage": 0.0}, "DEFAULT_FILL_MODEL"),
    ],
)
def test_each_setting_has_its_caveat(change, code):
    found = codes(venue=replace(VENUE, **change))
    assert found - ALWAYS == {code}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"simulated": True}, {"SIMULATED_DATA"}),
        ({"book": BookData.NONE}, {"NO_BOOK"}),
        ({"book": BookData.L1}, {"TOP_OF_BOOK_ONLY"}),
        ({"book": BookData.L1, "trades": False}, {"TOP_OF_BOOK_ONLY", "NO_TRADES"}),
        ({"update_interval_ms": 1000.0}, {"SLOW_UPDATES"}),
        ({"update_interval_ms": 100.0}, {"BATCHED_UPDATES"}),
        ({"snapshots": True}, {"SNAPSHOTS"}),
        ({"visible_levels": 20}, {"SHALLOW_BOOK"}),
        ({"book": BookData.L2}, {"DELETE_MAKES_FIRST"}),
        ({"trades_first": False}, {"TRADES_AFTER_BOOK"}),
    ],
)
def test_each_shape_of_data_has_its_caveat(change, code):
    assert codes(shape=replace(SHAPE, **change)) - ALWAYS == code


def test_the_gravest_come_first_and_name_their_subject():
    found = caveats([replace(SHAPE, update_interval_ms=1000.0)], [replace(VENUE, maker_fee=Decimal(-1))])
    assert [caveat.severity for caveat in found] == sorted((c.severity for c in found), key=list(Severity).index)
    assert found[0].subject == "ESH4.CME"
    assert "every 1 s" in found[0].message
    assert {caveat.subject for caveat in found} == {"ESH4.CME", "SIM", "all"}


def test_sentences_are_sentences():
    worst = replace(SHAPE, book=BookData.L2, trades=False, update_interval_ms=100.0, visible_levels=20, snapshots=True)
    for caveat in caveats([worst], [replace(VENUE, queue_position=True, maker_fee=Decimal(-1))]):
        assert caveat.message.endswith(".")
        assert "{" not in caveat.message
        assert caveat.message.count(". ") == 0


def test_an_instrument_without_venue_settings_is_an_error():
    with pytest.raises(ValueError, match="no settings for its venue XCME"):
        caveats([replace(SHAPE, venue="XCME")], [VENUE])
