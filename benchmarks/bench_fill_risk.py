"""What it costs to know how a fill would turn out: a market update, a vector, a prediction.

Run ``uv run benchmarks/bench_fill_risk.py``. Times are of this process's CPU, the least of seven runs; the ratio is to
one call of the plain order-flow formula in the same run. Exits with 1 when an update costs more than 3 microseconds on
average, or a prediction of both sides more than a millisecond.
"""

import random
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from mm_nautilus.adverse_selection.classifier import model_file
from mm_nautilus.adverse_selection.classifier.calibrator import fit_calibrator
from mm_nautilus.adverse_selection.classifier.contenders import CONTENDERS
from mm_nautilus.adverse_selection.classifier.inference import load_model
from mm_nautilus.adverse_selection.classifier.labels import LabelSettings
from mm_nautilus.adverse_selection.classifier.model_file import ModelMetadata, TrainingData
from mm_nautilus.adverse_selection.classifier.onnx_graph import to_onnx
from mm_nautilus.adverse_selection.classifier.training import chance
from mm_nautilus.adverse_selection.feature_schema import feature_schema
from mm_nautilus.adverse_selection.fill_settings import FeatureSettings, FillWatchSettings
from mm_nautilus.adverse_selection.fill_watch import FillWatch
from mm_nautilus.estimators.order_flow import flow_of_event
from mm_nautilus.market import Grid, Side, TopOfBook

UPDATES, RUNS, FILLS = 20_000, 7, 5_000
UPDATE_US, PREDICTION_US = 3.0, 1_000.0
INSTRUMENT, GRID = "SOLUSDT.SIM", Grid(Decimal("0.01"), Decimal("0.001"))
SCHEMA = feature_schema(FeatureSettings())


def microseconds(work, count: int) -> float:
    best = float("inf")
    for _ in range(RUNS):
        begin = time.process_time_ns()
        work()
        best = min(best, time.process_time_ns() - begin)
    return best / count / 1e3


def market() -> list[tuple[int, TopOfBook | Side]]:
    """Return nine changes of the best quotes to a trade, eight a second, as in the simulator's calm market."""
    rng, bid, now, found = random.Random(0), 10_000, 1_700_000_000 * 10**9, []
    for _ in range(UPDATES):
        now += int(rng.expovariate(8.0) * 1e9)
        bid += rng.choice((-1, 0, 0, 0, 0, 1))
        sizes = rng.gammavariate(4.0, 1.25), rng.gammavariate(4.0, 1.25)
        top = TopOfBook(bid * 0.01, (bid + 2) * 0.01, *sizes)
        found.append((now, rng.choice((Side.BUY, Side.SELL)) if rng.random() < 0.1 else top))
    return found


def fed(watch: FillWatch, events) -> int:
    features = watch.features
    for now, event in events:
        if isinstance(event, TopOfBook):
            features.moved(now, event)
        else:
            features.traded(now, 100.0, 2.0, event)
    return events[-1][0]


def trained(name: str, folder: Path) -> Path:
    """Train one contender on noise; what it costs does not depend on what it has learnt."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(FILLS, len(SCHEMA.names))).astype(np.float32)
    adverse = rng.random(FILLS) < 1.0 / (1.0 + np.exp(-rows[:, 0] * rows[:, 1]))
    model = CONTENDERS[name](0, FILLS).fit(rows, adverse)
    graph = to_onnx(model, rows)
    metadata = ModelMetadata(
        kind=name,
        instrument_id=INSTRUMENT,
        tick=GRID.tick,
        feature_names=SCHEMA.names,
        feature_schema_digest=SCHEMA.digest,
        features=FeatureSettings(),
        label=LabelSettings(),
        data=TrainingData(fingerprint="", first_ns=0, last_ns=0, fills=FILLS, adverse=1, simulated=True),
        seed=0,
        libraries=model_file.library_versions(),
        auc=0.5,
        brier_skill=0.0,
        calibrator=fit_calibrator(chance(model, rows), adverse),
        graph_sha256=model_file.sha256(graph),
    )
    path = folder / name
    model_file.save(path, metadata, graph)
    return path


def main() -> int:
    events = market()
    watch = FillWatch(FillWatchSettings(), "MM-001", INSTRUMENT, GRID, None)
    formula = microseconds(
        lambda: [flow_of_event(1.0, 2.0, 3.0, 4.0, 1.0, 2.5, 3.0, 4.5) for _ in range(UPDATES)], UPDATES
    )
    measured = [("a market update, one in ten a trade", microseconds(lambda: fed(watch, events), UPDATES), UPDATE_US)]
    with tempfile.TemporaryDirectory() as folder:
        for name in CONTENDERS:
            path = trained(name, Path(folder))
            model = load_model(path, FillWatchSettings(), INSTRUMENT, GRID.tick)
            acting = FillWatch(FillWatchSettings(), "MM-001", INSTRUMENT, GRID, model)
            now = fed(acting, events)
            assert acting.assess(now, 0.02, 0.1).bid_risk is not None
            cost = microseconds(lambda watch=acting, now=now: [watch.assess(now, 0.02, 0.1) for _ in range(500)], 500)
            measured.append((f"both sides predicted, {name}", cost, PREDICTION_US))
    table = Table("", "us", "x order-flow formula", "demanded, us")
    for label, cost, ceiling in measured:
        table.add_row(
            label, f"{cost:.2f}", f"{cost / formula:.0f}", f"{ceiling:g}", style="" if cost <= ceiling else "red"
        )
    Console().print(table)
    return int(any(cost > ceiling for _, cost, ceiling in measured))


if __name__ == "__main__":
    sys.exit(main())
