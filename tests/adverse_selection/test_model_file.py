"""A model file is read back as it was written, or refused."""

import hashlib
import pickle
import zipfile
from decimal import Decimal

import numpy as np
import onnx
import pytest

from mm_nautilus.adverse_selection.classifier import model_file
from mm_nautilus.adverse_selection.classifier.calibrator import Calibrator
from mm_nautilus.adverse_selection.classifier.contenders import CONTENDERS
from mm_nautilus.adverse_selection.classifier.inference import FillClassifier, load_model
from mm_nautilus.adverse_selection.classifier.labels import LabelSettings
from mm_nautilus.adverse_selection.classifier.model_file import ModelMetadata, TrainingData
from mm_nautilus.adverse_selection.classifier.onnx_graph import check_graph, to_onnx
from mm_nautilus.adverse_selection.feature_schema import feature_schema
from mm_nautilus.adverse_selection.fill_settings import FeatureSettings, FillWatchSettings
from mm_nautilus.errors import DataError

SCHEMA = feature_schema(FeatureSettings())
INSTRUMENT, TICK = "SOLUSDT.SIM", Decimal("0.01")
ROWS = np.random.default_rng(0).normal(size=(600, len(SCHEMA.names))).astype(np.float32)
ADVERSE = np.random.default_rng(1).random(600) < 1.0 / (1.0 + np.exp(-2.0 * ROWS[:, 0] * ROWS[:, 1]))
SIGMOID = Calibrator(kind="sigmoid", samples=9, intercept=0.2, slope=0.8)


def metadata(graph, **changes):
    fields = {
        "kind": "random forest",
        "instrument_id": INSTRUMENT,
        "tick": TICK,
        "feature_names": SCHEMA.names,
        "feature_schema_digest": SCHEMA.digest,
        "features": FeatureSettings(),
        "label": LabelSettings(),
        "data": TrainingData(fingerprint="ab" * 32, first_ns=100, last_ns=200, fills=600, adverse=200, simulated=True),
        "seed": 1,
        "libraries": model_file.library_versions(),
        "auc": 0.6,
        "brier_skill": 0.05,
        "calibrator": SIGMOID,
        "graph_sha256": hashlib.sha256(graph).hexdigest(),
    }
    return ModelMetadata(**fields | changes)


@pytest.fixture(scope="module", params=list(CONTENDERS))
def trained(request):
    model = CONTENDERS[request.param](0, 600).fit(ROWS, ADVERSE)
    return model, to_onnx(model, ROWS)


@pytest.fixture(scope="module")
def small():
    model = CONTENDERS["logistic"](0, 600).fit(ROWS, ADVERSE)
    return to_onnx(model, ROWS)


@pytest.fixture
def path(tmp_path, small):
    model_file.save(tmp_path / "fill.model", metadata(small), small)
    return tmp_path / "fill.model"


def load(path, settings=None, instrument=INSTRUMENT, tick=TICK):
    return load_model(path, settings or FillWatchSettings(), instrument, tick)


def test_what_is_read_back_predicts_as_what_was_trained(tmp_path, trained) -> None:
    model, graph = trained
    path = tmp_path / "fill.model"
    model_file.save(path, metadata(graph), graph)
    loaded = load(path)
    unseen = np.random.default_rng(2).normal(size=(500, len(SCHEMA.names)))
    expected = SIGMOID.many(model.predict_proba(unseen.astype(np.float32))[:, 1])
    found = [loaded.risk(tuple(row)) for row in unseen.tolist()]
    assert np.abs(np.array(found) - expected).max() < 1e-6
    assert loaded.metadata == metadata(graph)


def test_equal_trainings_give_equal_files(tmp_path, trained) -> None:
    model, graph = trained
    again = to_onnx(
        type(model)(**model.get_params()).fit(ROWS, ADVERSE) if not hasattr(model, "steps") else model, ROWS
    )
    for name, content in (("one", graph), ("other", again)):
        model_file.save(tmp_path / name, metadata(content), content)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_a_file_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(DataError, match=r"gone\.model: no such model file; 'mm-nautilus train' writes one"):
        load(tmp_path / "gone.model")
    with pytest.raises(DataError, match="no such model file"):
        load(tmp_path)


def test_a_file_cut_short_is_refused_wherever_it_is_cut(path) -> None:
    whole = path.read_bytes()
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match="damaged or not a model file"):
            load(path)


def test_a_flipped_bit_is_noticed(path) -> None:
    whole = bytearray(path.read_bytes())
    refused = 0
    for place in range(0, len(whole), max(1, len(whole) // 60)):
        damaged = whole.copy()
        damaged[place] ^= 0x10
        path.write_bytes(damaged)
        try:
            loaded = load(path)
        except DataError:
            refused += 1
        else:  # in a field of the archive that nobody reads
            assert loaded.risk((0.1,) * len(SCHEMA.names)) == pytest.approx(0.5, abs=0.5)
    assert refused > 50


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('executed')",)


def test_nothing_in_a_file_is_executed(path, small) -> None:
    bomb = pickle.dumps(Bomb())
    path.write_bytes(bomb)
    with pytest.raises(DataError, match="damaged or not a model file"):
        load(path)
    model_file.save(path, metadata(bomb), bomb)
    with pytest.raises(DataError, match="is not a sound ONNX graph"):
        load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.json", bomb)
        archive.writestr("model.onnx", small)
    with pytest.raises(DataError, match=r"model\.json is not a model's"):
        load(path)


def test_other_files_in_the_archive_are_refused(path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../evil.py", "print()")
    with pytest.raises(DataError, match=r"should hold model\.onnx and model\.json alone"):
        load(path)


def test_a_huge_entry_is_refused_unread(path, small, monkeypatch) -> None:
    monkeypatch.setitem(model_file._LARGEST, "model.onnx", len(small) - 1)
    with pytest.raises(DataError, match=r"model\.onnx is larger than"):
        load(path)


def test_a_graph_that_was_exchanged_is_refused(path, small) -> None:
    other = to_onnx(CONTENDERS["logistic"](0, 600).fit(ROWS, ~ADVERSE), ROWS)
    model_file.save(path, metadata(small), other)
    with pytest.raises(DataError, match=r"not the graph that model\.json speaks of"):
        load(path)


def test_a_graph_with_other_operators_is_refused(small) -> None:
    model = onnx.load_model_from_string(small)
    model.graph.node.append(onnx.helper.make_node("NonZero", ["features"], ["found"]))
    with pytest.raises(DataError, match=r"evil: holds the operator ai\.onnx\.NonZero; allowed"):
        check_graph(model.SerializeToString(), "evil")


def test_a_graph_that_reads_other_files_is_refused(small, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_bytes(b"\0" * 8)
    model = onnx.load_model_from_string(small)
    tensor = model.graph.initializer.add(name="w", data_type=onnx.TensorProto.INT64, dims=[1])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="secret")
    with pytest.raises(DataError, match=r"refers to data in other files|not a sound ONNX graph"):
        check_graph(model.SerializeToString(), "evil")


@pytest.mark.parametrize(
    ("settings", "instrument", "tick", "complaint"),
    [
        (FillWatchSettings(), "ETHUSDT.SIM", TICK, "is for SOLUSDT.SIM, not for ETHUSDT.SIM"),
        (FillWatchSettings(), INSTRUMENT, Decimal("0.1"), r"tick of 0\.01; the tick of SOLUSDT\.SIM is 0\.1 now"),
        (
            FillWatchSettings(features=FeatureSettings(vpin_bucket_volume=5.0)),
            INSTRUMENT,
            TICK,
            "other features .*: it lacks vpin_rank",
        ),
        (FillWatchSettings(model_fingerprint="0123456789"), INSTRUMENT, TICK, "model_fingerprint is 0123456789"),
    ],
)
def test_a_model_for_something_else_is_refused(path, settings, instrument, tick, complaint) -> None:
    with pytest.raises(DataError, match=complaint):
        load(path, settings, instrument, tick)


def test_a_model_of_other_libraries_or_meanings_is_refused_with_every_reason(path, small) -> None:
    versions = model_file.library_versions() | {"onnxruntime": "0.1.2", "scikit-learn": "0.24.0"}
    model_file.save(path, metadata(small, libraries=versions, feature_schema_digest="0" * 16), small)
    with pytest.raises(DataError) as refused:
        load(path)
    for complaint in ("onnxruntime 0.1.2", "scikit-learn 0.24.0", "schema 0000000000000000"):
        assert complaint in str(refused.value)


def test_a_patch_release_is_no_other_library(path, small) -> None:
    versions = {name: f"{'.'.join(now.split('.')[:2])}.99" for name, now in model_file.library_versions().items()}
    model_file.save(path, metadata(small, libraries=versions), small)
    load(path)


def test_the_stated_fingerprint_is_that_of_the_file(path) -> None:
    load(path, FillWatchSettings(model_fingerprint=model_file.fingerprint(path)[:12]))


@pytest.mark.parametrize(
    ("fingerprint", "span", "simulated", "overlaps"),
    [
        ("ab" * 32, (150, 300), True, True),
        ("ab" * 32, (201, 300), True, False),
        ("cd" * 32, (150, 300), True, False),  # another simulated market at the same times
        ("cd" * 32, (150, 300), False, False),
    ],
)
def test_data_overlap_with_the_training_by_content_and_time(small, fingerprint, span, simulated, overlaps) -> None:
    assert metadata(small).data.overlaps(fingerprint, *span, simulated=simulated) is overlaps


def test_recorded_markets_overlap_by_time_alone(small) -> None:
    recorded = metadata(small).data.model_copy(update={"simulated": False})
    assert recorded.overlaps("cd" * 32, 150, 300, simulated=False)
    assert not recorded.overlaps("cd" * 32, 150, 300, simulated=True)


def test_a_vector_of_another_length_fails(small) -> None:
    with pytest.raises(ValueError, match=f"takes {len(SCHEMA.names)} features, found 2"):
        FillClassifier(metadata(small), small).risk((1.0, 2.0))


def test_what_is_not_a_number_fails(small) -> None:
    with pytest.raises(ValueError, match="which is no chance"):
        FillClassifier(metadata(small), small).risk((float("nan"),) * len(SCHEMA.names))
