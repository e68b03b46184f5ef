"""A trained model at work."""

from __future__ import annotations

from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from mm_nautilus.adverse_selection.classifier import model_file
from mm_nautilus.adverse_selection.classifier.model_file import ModelMetadata
from mm_nautilus.adverse_selection.classifier.onnx_graph import INPUT, OUTPUT, check_graph, session_of
from mm_nautilus.adverse_selection.fill_settings import FillWatchSettings
from mm_nautilus.errors import DataError


class FillClassifier:
    """Calibrated chance that a fill is adverse; about 20 microseconds a row.

    Parameters
    ----------
    metadata : ModelMetadata
        What the model is.
    graph : bytes
        Checked ONNX graph.

    """

    __slots__ = ("_calibrator", "_session", "_width", "metadata")

    def __init__(self, metadata: ModelMetadata, graph: bytes) -> None:
        self.metadata = metadata
        self._session = session_of(graph)
        self._calibrator = metadata.calibrator
        self._width = len(metadata.feature_names)

    def risk(self, vector: tuple[float, ...]) -> float:
        """Return the chance that a fill with these features is adverse.

        Raises
        ------
        ValueError
            When the model gives no finite number, or the vector is not of its length.

        """
        if len(vector) != self._width:
            raise ValueError(f"the model takes {self._width} features, found {len(vector)}")
        row = np.array((vector,), dtype=np.float32)
        score = float(self._session.run([OUTPUT], {INPUT: row})[0][0, 1])
        if not -1e-6 <= score <= 1.0 + 1e-6:
            raise ValueError(f"the model answered {score}, which is no chance")
        return self._calibrator.one(min(max(score, 0.0), 1.0))


def load_model(path: Path, settings: FillWatchSettings, instrument_id: str, tick: Decimal) -> FillClassifier:
    """Load the model a strategy is told to use.

    Parameters
    ----------
    path : Path
        The model file.
    settings : FillWatchSettings
        The features it will be given, and the fingerprint it is to have.
    instrument_id : str
        The instrument it will be used on.
    tick : Decimal
        Its tick, in quote currency.

    Raises
    ------
    DataError
        For a file that is missing or damaged, a model for something else, and where the [ml] extra is not installed.

    """
    missing = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise DataError(
            f"{path}: a model needs {' and '.join(missing)}, not installed here: pip install 'mm-nautilus[ml]'"
        )
    metadata, graph = model_file.read(path)
    model_file.check(path, metadata, settings, instrument_id, tick)
    check_graph(graph, str(path))
    return FillClassifier(metadata, graph)
