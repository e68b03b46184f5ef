"""Real captures: an interval, or a refusal that the data bear out when they are counted without the library's fits."""

from pathlib import Path

import numpy as np
import pytest

from mm_nautilus.calibrate import CalibrateSettings, calibrate
from mm_nautilus.catalog.history import read_tops, read_trades
from mm_nautilus.catalog.ingest import ingest
from mm_nautilus.catalog.spec import load_spec

pytestmark = [pytest.mark.real_data, pytest.mark.e2e]

ROOT = Path(__file__).resolve().parents[2]
CASES = {
    "binance": ("binance_btc_eth_20240808", "binance_spot", ["spot_btcusdt_*.gz"], "binance_btcusdt_spot"),
    "gemini": ("gemini_ethusd_20210701", "gemini_ethusd", ["gemini__eth-usd__*.csv"], "gemini_ethusd"),
    "cme": ("cme_es_mbo_20231225", "cme_es", ["esh4-glbx-mdp3-*.mbo.dbn.zst"], "cme_es"),
}


@pytest.fixture(scope="module")
def run_file_of(shared_data, tmp_path_factory):
    """Ingest a capture once and return the repository's run file on it."""
    made: dict[str, Path] = {}

    def _run_file(name: str) -> Path:
        if name not in made:
            folder, spec, patterns, config = CASES[name]
            here = tmp_path_factory.mktemp(name)
            sources = sorted(path for pattern in patterns for path in (shared_data / folder).glob(pattern))
            ingest(load_spec(ROOT / "configs" / "ingest" / f"{spec}.toml"), sources, here / "catalog")
            text = (ROOT / "configs" / f"{config}.toml").read_text()
            made[name] = here / "run.toml"
            made[name].write_text(text.replace(f"../catalogs/{spec}", "catalog"))
        return made[name]

    return _run_file


def counted(run_file, file, book):
    """Return, for sells and buys, how many ticks beyond the half-spread each order went, counted one by one."""
    from mm_nautilus.catalog.inspect import inspect_catalog

    root = run_file.parent / "catalog"
    span = (int(file.data.start.timestamp() * 1e9), int(file.data.end.timestamp() * 1e9) + 1000)
    assert inspect_catalog(root, [file.instrument_id]).fingerprint == file.data.fingerprint
    tops = read_tops(root, file.instrument_id, book, file.tick, span)
    trades = read_trades(root, file.instrument_id, file.tick, span)
    first = round(2 * file.bid.depth_first_price / float(file.tick))
    found = {-1: {}, 1: {}}
    order = {}
    for event, known, price, side in zip(
        trades.ts_event.tolist(),
        trades.ts_ns.tolist(),
        trades.price_ticks.tolist(),
        trades.aggressor.tolist(),
        strict=True,
    ):
        if side == 0:
            continue
        if order.get(side, (None,))[0] != event:
            top = int(np.searchsorted(tops.ts_ns, known, side="left")) - 1
            order[side] = (
                event,
                len(found[side]),
                int(tops.bid_ticks[top] + tops.ask_ticks[top]) if top >= 0 else None,
            )
        _, number, mid = order[side]
        depth = -1 if mid is None else (side * (2 * price - mid) - first) // 2
        found[side][number] = max(found[side].get(number, -1), depth)
    return {side: np.array([depth for depth in reached.values() if depth >= 0]) for side, reached in found.items()}


@pytest.mark.parametrize(("name", "book"), [("binance", "L2"), ("gemini", "L1"), ("cme", "L3")])
def test_a_real_market_gives_an_interval_or_a_reason_the_data_bear_out(run_file_of, tmp_path, name, book) -> None:
    path = run_file_of(name)
    done = calibrate(path, output=tmp_path / "real.toml", settings=CalibrateSettings(bootstrap_draws=300))
    file = done.file
    reached = counted(path, file, book)
    for side, ours in ((-1, file.bid), (1, file.ask)):
        depths = reached[side]
        assert len(depths) == pytest.approx(ours.events, abs=ours.unfit + 3)
        share = np.mean(depths == 0)
        assert share == pytest.approx(ours.share_at_first, abs=0.01)
        if ours.verdict == "fitted":
            assert ours.reason == ""
            assert share <= 0.5
        else:
            assert ours.verdict == "fallback"
            assert "large tick" in ours.reason
            assert share > 0.5, "the reason given is what the data show"
        for estimate in (ours.a_per_s, ours.k_per_price):
            assert 0 < estimate.low < estimate.value < estimate.high
    assert file.sigma.price_per_sqrt_s.low > 0
    assert file.gamma.value > 0
    assert file.micro_price.steps > 100


def test_verdicts_of_the_three_markets(run_file_of, tmp_path) -> None:
    verdicts = {}
    for name in CASES:
        file = calibrate(
            run_file_of(name), output=tmp_path / f"{name}.toml", settings=CalibrateSettings(bootstrap_draws=100)
        ).file
        verdicts[name] = (file.bid.verdict, file.ask.verdict)
    assert verdicts == {"binance": ("fallback",) * 2, "gemini": ("fitted",) * 2, "cme": ("fallback",) * 2}


def test_where_the_quotes_stand_a_curve_can_be_fitted(run_file_of, tmp_path) -> None:
    """Most orders on Binance trade at the touch; between 2 and 15 USDT, where a maker quotes, there is a curve."""
    settings = CalibrateSettings(bootstrap_draws=300, depth_from_price=2.0, depth_to_price=15.0)
    file = calibrate(run_file_of("binance"), output=tmp_path / "far.toml", settings=settings).file
    for side in (file.bid, file.ask):
        assert side.verdict == "fitted"
        assert 0.1 < side.k_per_price.value < 0.4
        assert side.k_per_price.low > 0
        assert side.distance < 0.2
        assert side.power_law.aic < side.aic, "its tail is heavier than an exponential's, and the file says so"
    assert len(file.notes) == 2, "a book updated every 100 ms lags behind the trades: resting orders fare worse"
    assert all("times less often" in note for note in file.notes)
