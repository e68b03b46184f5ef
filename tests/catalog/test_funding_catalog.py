"""Funding rates and mark prices as a catalogue holds them."""

import shutil
from decimal import Decimal

from catalog_kit import ID, SECOND, T0, pair, quotes
from nautilus_trader.common import Cache, Clock
from nautilus_trader.model import FundingRateUpdate, InstrumentId, MarkPriceUpdate, NautilusDataType, Price
from nautilus_trader.persistence import ParquetDataCatalog, StreamingFeatherWriter

from mm_nautilus.catalog.funding import funding_files, is_perpetual, read_funding_rates, read_mark_prices
from mm_nautilus.catalog.inspect import inspect_catalog
from mm_nautilus.catalog.store import CatalogWriter
from mm_nautilus.inventory.funding import FundingRate

MINE, OTHER = InstrumentId.from_str(ID), InstrumentId.from_str("ETHUSDT.SIM")


def rate(second, value, instrument_id=MINE):
    at_ns = T0 + second * SECOND
    return FundingRateUpdate(instrument_id, Decimal(value), at_ns, at_ns + 3, 480, T0 + 100 * SECOND)


def test_what_is_there_is_read_up_to_an_instant_and_of_one_instrument(tmp_path):
    root = tmp_path / "catalog"
    with CatalogWriter(root) as writer:
        writer.instrument(pair())
        writer.append(quotes())
    before = inspect_catalog(root, [ID]).fingerprint
    assert read_funding_rates(root, ID, T0 + 9 * SECOND) == []
    assert read_mark_prices(root, ID, T0 + 9 * SECOND) == []

    feathers = StreamingFeatherWriter(str(root / "backtest" / "rates"), Cache(), Clock.new_test())
    for one in (rate(1, "0.00012345"), rate(2, "-0.5", OTHER), rate(5, "0.0002"), rate(9, "0.0003")):
        feathers.write(one)
    feathers.flush()
    feathers.close()
    catalog = ParquetDataCatalog(str(root))
    catalog.convert_stream_to_data("rates", NautilusDataType.FundingRateUpdate)
    shutil.rmtree(root / "backtest")
    catalog.write_mark_price_updates(
        [MarkPriceUpdate(MINE, Price(60000.0 + second, 1), T0, T0 + second * SECOND) for second in range(1, 10)]
    )
    due_ns = T0 + 100 * SECOND
    assert read_funding_rates(root, ID, T0 + 6 * SECOND) == [
        FundingRate(T0 + SECOND + 3, Decimal("0.00012345"), due_ns),
        FundingRate(T0 + 5 * SECOND + 3, Decimal("0.0002"), due_ns),
    ]
    assert read_mark_prices(root, ID, T0 + 2 * SECOND) == [
        (T0 + SECOND, Decimal("60001.0")),
        (T0 + 2 * SECOND, Decimal("60002.0")),
    ]
    assert len(funding_files(root, ID)) == 2
    assert inspect_catalog(root, [ID]).fingerprint != before
    assert not is_perpetual(root, ID)
