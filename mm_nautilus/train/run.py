"""From a run file, or a run there is already, to a trained model and the page that says what it is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import replace
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import orjson

from mm_nautilus.adverse_selection.classifier import model_file
from mm_nautilus.adverse_selection.classifier.labels import LabelSettings
from mm_nautilus.adverse_selection.classifier.model_file import ModelMetadata
from mm_nautilus.adverse_selection.classifier.onnx_graph import to_onnx
from mm_nautilus.adverse_selection.classifier.training import Trained, TrainingSettings, train
from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.backtest.run import new_folder, run_loaded
from mm_nautilus.config import read_run_file
from mm_nautilus.errors import DataError
from mm_nautilus.host.loading import LoadedRun, load_run, load_tables
from mm_nautilus.train.dataset import RecordedFills, recorded_fills
from mm_nautilus.train.page import write_page

MODEL_FILE: Final = "fill_risk.model"
RESULT_FILE: Final = "train.json"


@dataclass(frozen=True, slots=True)
class TrainedOutcome:
    """Where a training was written to, and what it says."""

    folder: Path
    model: Path
    page: Path
    result: dict[str, Any]
    """``train.json``."""


def train_model(
    run_file: Path | None = None,
    overrides: Sequence[str] = (),
    *,
    run_dir: Path | None = None,
    seed: int | None = None,
    output: Path | None = None,
    label: LabelSettings | None = None,
    settings: TrainingSettings | None = None,
    say: Callable[[str], None] = lambda _text: None,
) -> TrainedOutcome:
    """Train fill classifiers and write a folder with ``train.json``, ``train.html`` and the best one's model file.

    Parameters
    ----------
    run_file : Path or None
        TOML run file; it is run with features recorded and without a model, into ``run/`` of the folder.
    overrides : sequence of str
        ``table.key=value`` changes to it.
    run_dir : Path or None
        Folder of a run that recorded features, to train on instead.
    seed : int or None
        Of the run and of the training; ``run.seed`` by default.
    output : Path or None
        Folder that the training's folder is made in; ``run.output`` by default.
    label : LabelSettings or None
        What is adverse.
    settings : TrainingSettings or None
        How models are trained; its seed gives way to `seed`.
    say : callable
        Told in a few words what is being done.

    Raises
    ------
    UserError
        For mistakes in the run file, and for fills nothing can be learnt from.
    RunFailedError
        When the run stopped early.

    """
    _check_installed()
    if (run_file is None) == (run_dir is None):
        raise DataError("name either a run file to run, or the folder of a run (--run) to train on")
    if run_file is not None:
        raw, problems = read_run_file(run_file, overrides)
        return train_tables(
            run_file, raw, seed=seed, output=output, label=label, settings=settings, say=say, problems=problems
        )
    loaded = _recorded(run_dir, overrides)
    assert run_dir is not None
    return _trained(loaded, run_dir, lambda: _folder(loaded, output), seed, label, settings, say)


def train_tables(
    path: Path,
    raw: dict[str, Any],
    *,
    seed: int | None = None,
    output: Path | None = None,
    folder: Path | None = None,
    label: LabelSettings | None = None,
    settings: TrainingSettings | None = None,
    say: Callable[[str], None] = lambda _text: None,
    problems: Sequence[str] = (),
) -> TrainedOutcome:
    """Train on a run of the tables of a run file; see `train_model`.

    Parameters
    ----------
    path : Path
        The file they come from.
    raw : dict
        As TOML gives them.
    folder : Path or None
        To be made and written to; one of its own in `output` by default.
    problems : sequence of str
        Found in the file before.

    """
    _check_installed()
    loaded = _recording(path, raw, seed, problems)
    if folder is None:
        folder = _folder(loaded, output)
    run_dir = run_loaded(loaded, _into(folder / "run"), say).run_dir
    made = folder
    return _trained(loaded, run_dir, lambda: made, seed, label, settings, say)


def _folder(loaded: LoadedRun, output: Path | None) -> Path:
    section = loaded.run_file.run
    return new_folder(output or section.output, f"{section.name}-train", datetime.now(UTC))


def _trained(
    loaded: LoadedRun,
    run_dir: Path,
    made: Callable[[], Path],
    seed: int | None,
    label: LabelSettings | None,
    settings: TrainingSettings | None,
    say: Callable[[str], None],
) -> TrainedOutcome:
    """Train on a run, and write what came of it into a folder that is made when there is something to write."""
    used = loaded.run_file.run.seed if seed is None else seed
    settings = (settings or TrainingSettings()).model_copy(update={"seed": used})
    say("labelling fills")
    recorded = recorded_fills(run_dir, label or LabelSettings())
    risk = recorded.settings.fill_risk
    trained = train(recorded.dataset, settings, (risk.low_risk, risk.high_risk), say)
    folder = made()
    say("writing the model")
    path = folder / MODEL_FILE
    metadata = _save(path, recorded, trained)
    result = _result(path, run_dir, recorded, trained, metadata)
    (folder / RESULT_FILE).write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    say("drawing the report")
    return TrainedOutcome(folder, path, write_page(result, folder / "train.html"), result)


def _check_installed() -> None:
    missing = [name for name in ("sklearn", "skl2onnx", "onnx", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise DataError(f"training needs {', '.join(missing)}, not installed here: pip install 'mm-nautilus[ml]'")


def _recording(path: Path, raw: dict[str, Any], seed: int | None, problems: Sequence[str]) -> LoadedRun:
    """Load a run file's tables as those of a run that records features and lets no model choose what is filled."""
    table = raw.get("strategy")
    if isinstance(table, dict) and isinstance(table.setdefault("adverse_selection", {}), dict):
        table["adverse_selection"]["record_features"] = True
        for key in ("model", "model_fingerprint"):
            table["adverse_selection"].pop(key, None)
    return load_tables(path, raw, seed, problems)


def _recorded(run_dir: Path | None, overrides: Sequence[str]) -> LoadedRun:
    if overrides:
        raise DataError("--set changes a run file before it is run; a run there is already cannot be changed")
    if run_dir is None or not (run_dir / "run.toml").is_file():
        raise DataError(f"{run_dir}: is not the folder of a run: there is no run.toml in it")
    loaded = load_run(run_dir / "run.toml")
    output = (run_dir / "..").resolve()
    section = loaded.run_file.run.model_copy(update={"output": output})
    return replace(loaded, run_file=loaded.run_file.model_copy(update={"run": section}))


def _into(folder: Path) -> Callable[[datetime], Path]:
    def made(_started: datetime) -> Path:
        folder.mkdir(parents=True)
        return folder

    return made


def _save(path: Path, recorded: RecordedFills, trained: Trained) -> ModelMetadata:
    graph = to_onnx(trained.model, recorded.dataset.features)
    score = next(score for score in trained.scores if score.name == trained.best)
    metadata = ModelMetadata(
        kind=trained.best,
        instrument_id=recorded.instrument_id,
        tick=recorded.tick,
        feature_names=recorded.schema.names,
        feature_schema_digest=recorded.schema.digest,
        features=recorded.settings.features,
        label=recorded.dataset.label,
        data=recorded.origin,
        seed=trained.settings.seed,
        libraries=model_file.library_versions(),
        auc=score.auc.value,
        brier_skill=score.brier_skill,
        calibrator=trained.calibrator,
        graph_sha256=model_file.sha256(graph),
    )
    model_file.save(path, metadata, graph)
    return metadata


def _result(
    path: Path, run_dir: Path, recorded: RecordedFills, trained: Trained, metadata: ModelMetadata
) -> dict[str, Any]:
    data = recorded.dataset
    embargo_s = trained.settings.embargo_s
    return {
        "instrument_id": recorded.instrument_id,
        "tick": str(recorded.tick),
        "run": str(run_dir),
        "model": {
            "file": path.name,
            "fingerprint": model_file.fingerprint(path),
            "kind": trained.best,
            "libraries": metadata.libraries,
            "calibration": {"kind": trained.calibrator.kind, "fills": trained.calibrator.samples},
        },
        "data": metadata.data.model_dump(mode="json")
        | {"fills_of_the_run": recorded.fills, "base_rate": data.base_rate, "tested": trained.tested}
        | {"tested_base_rate": trained.base_rate},
        "label": data.label.model_dump(mode="json"),
        "splits": {
            "purge_s": data.label.horizon_s,
            "embargo_s": data.label.horizon_s if embargo_s is None else embargo_s,
            "folds": [
                {
                    "train_fills": len(fold.train),
                    "train_until_ns": int(data.ts_ns[fold.train[-1]]),
                    "test_fills": len(fold.test),
                    "test_from_ns": int(data.ts_ns[fold.test[0]]),
                    "test_until_ns": int(data.ts_ns[fold.test[-1]]),
                }
                for fold in trained.folds
            ],
            "bootstrap_blocks": trained.blocks,
        },
        "features": {
            "schema": recorded.schema.digest,
            "described": dict(recorded.schema.described),
            "settings": recorded.settings.features.model_dump(mode="json"),
        },
        "seed": trained.settings.seed,
        "scores": jsonable(trained.scores),
        "importance": jsonable(trained.importance),
        "bands": jsonable(trained.bands),
        "fifths": jsonable(trained.fifths),
        "verdict": verdict(trained),
    }


def verdict(trained: Trained) -> str:
    """Return in a sentence whether the best model should be trusted with quotes."""
    best = next(score for score in trained.scores if score.name == trained.best)
    low = best.auc.low
    if best.brier_skill <= 0.0 or low is None or low <= 0.5:
        return (
            "No model tells adverse fills from others on held-out data better than their share alone does: "
            "quotes should not follow this one."
        )
    over = best.auc_over_logistic
    if over is None:
        return "The logistic model predicts best: what there is to learn here is linear."
    if over.low is not None and over.low > 0.0:
        return f"The {trained.best} predicts best, and ranks fills better than the logistic model beyond chance."
    return f"The {trained.best} predicts best, but not beyond chance better than the logistic model."
