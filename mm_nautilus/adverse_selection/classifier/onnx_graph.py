"""Trained estimators as ONNX graphs: written by skl2onnx, and read only where they hold nothing but arithmetic.

Measured on one row, two hundred trees (2 cores): scikit-learn itself takes 13 ms, its skops file asks the reader to
trust compiled types, and onnxruntime takes 16 microseconds and gives the same numbers to 5e-7.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mm_nautilus.errors import DataError

INPUT: Final = "features"
OUTPUT: Final = "probabilities"
LARGEST_DIFFERENCE: Final = 1e-6
_OPSETS: Final = {"": 17, "ai.onnx.ml": 3}
_ALLOWED: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "": frozenset({"Cast", "Identity", "Reshape"}),
        "ai.onnx.ml": frozenset({"LinearClassifier", "Normalizer", "Scaler", "TreeEnsembleClassifier"}),
    }
)
"""Operators that the contenders are made of; none of them reads a file or loops."""


def to_onnx(model: Any, features: npt.NDArray[np.float32]) -> bytes:
    """Return a fitted classifier as an ONNX graph that gives the same chances.

    Parameters
    ----------
    model : estimator
        Of scikit-learn, trained on features in single precision.
    features : float32 array, shape (n, features)
        Rows on which both are compared.

    Raises
    ------
    RuntimeError
        When the graph's chances differ by more than `LARGEST_DIFFERENCE`.

    """
    from skl2onnx import convert_sklearn  # noqa: PLC0415 - the [ml] extra
    from skl2onnx.common.data_types import FloatTensorType  # noqa: PLC0415

    graph: bytes = convert_sklearn(
        model,
        name="fill_risk",  # the default is random, and equal trainings shall give equal files
        initial_types=[(INPUT, FloatTensorType([None, features.shape[1]]))],
        options={"zipmap": False},
        target_opset=_OPSETS,
    ).SerializeToString()
    check_graph(graph, "the converted model")
    computed = session_of(graph).run([OUTPUT], {INPUT: features})[0][:, 1]
    difference = float(np.abs(computed - model.predict_proba(features)[:, 1]).max())
    if difference > LARGEST_DIFFERENCE:
        raise RuntimeError(f"the ONNX graph differs from the trained model by {difference:g}")
    return graph


def check_graph(graph: bytes, name: str) -> None:
    """Refuse a graph with anything but the operators of our models.

    Raises
    ------
    DataError
        Naming the operator, or that the bytes are no ONNX graph.

    """
    import onnx  # noqa: PLC0415 - the [ml] extra

    try:
        model = onnx.load_model_from_string(graph)
        onnx.checker.check_model(model)
    except Exception as error:  # whatever the parser says about somebody's bytes
        raise DataError(f"{name}: is not a sound ONNX graph ({type(error).__name__}: {error})") from None
    if model.functions:
        raise DataError(f"{name}: defines functions of its own; none is allowed")
    for node in model.graph.node:
        domain = "" if node.domain == "ai.onnx" else node.domain
        if node.op_type not in _ALLOWED.get(domain, frozenset()):
            allowed = ", ".join(sorted(name for names in _ALLOWED.values() for name in names))
            raise DataError(f"{name}: holds the operator {node.domain or 'ai.onnx'}.{node.op_type}; allowed: {allowed}")
    if any(tensor.external_data for tensor in model.graph.initializer):
        raise DataError(f"{name}: refers to data in other files; none are allowed")


def session_of(graph: bytes) -> Any:
    """Return a session of onnxruntime for a checked graph, on one thread: rows are few, and threads cost more."""
    import onnxruntime  # noqa: PLC0415 - the [ml] extra

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
