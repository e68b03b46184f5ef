"""The model file: a zip archive of an ONNX graph and a page of JSON that says what it is for.

Nothing in it is executed when it is read: JSON is checked against a schema, the graph against a list of operators, and
the JSON holds the graph's SHA-256. `fingerprint` is that of the whole file.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterable
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, ValidationError

from mm_nautilus.adverse_selection.classifier.calibrator import Calibrator
from mm_nautilus.adverse_selection.classifier.labels import LabelSettings
from mm_nautilus.adverse_selection.feature_schema import FeatureSchema, feature_schema
from mm_nautilus.adverse_selection.fill_settings import FeatureSettings, FillWatchSettings
from mm_nautilus.errors import DataError
from mm_nautilus.settings import Settings

LIBRARIES: Final = ("scikit-learn", "skl2onnx", "onnx", "onnxruntime")
_GRAPH, _METADATA = "model.onnx", "model.json"
_LARGEST: Final = {_GRAPH: 256 * 2**20, _METADATA: 2**20}
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


class TrainingData(Settings):
    """What a model was trained on."""

    fingerprint: str = Field(description="Identity of the market data.")
    first_ns: int = Field(description="First fill, nanoseconds since 1970.")
    last_ns: int = Field(description="When the last label was known.")
    fills: int = Field(ge=1)
    adverse: int = Field(ge=0)
    simulated: bool = Field(description="Whether the market was a simulated one: its times mean nothing elsewhere.")

    def overlaps(self, fingerprint: str, first_ns: int, last_ns: int, *, simulated: bool) -> bool:
        """Return whether data of the same instrument are, in part, those of the training."""
        same_market = fingerprint == self.fingerprint or not (simulated or self.simulated)
        return same_market and first_ns <= self.last_ns and last_ns >= self.first_ns


class ModelMetadata(Settings):
    """What a model is, and what it is for."""

    format: Literal[1] = 1
    kind: str = Field(description="Which contender it is.")
    instrument_id: str
    tick: Decimal = Field(gt=0, description="Tick size it was trained with.")
    feature_names: tuple[str, ...]
    feature_schema_digest: str = Field(description="Identity of the features' definitions.")
    features: FeatureSettings
    label: LabelSettings
    data: TrainingData
    seed: int
    libraries: dict[str, str] = Field(description="Versions it was trained with.")
    auc: float = Field(description="On held-out fills.")
    brier_skill: float = Field(description="On held-out fills, against the base rate.")
    calibrator: Calibrator
    graph_sha256: str

    def problems(self, schema: FeatureSchema, instrument_id: str, tick: Decimal) -> list[str]:
        """Return why the model must not be used here, one line each."""
        found = []
        if self.instrument_id != instrument_id:
            found.append(f"is for {self.instrument_id}, not for {instrument_id}")
        elif self.tick != tick:
            found.append(f"was trained with a tick of {self.tick}; the tick of {instrument_id} is {tick} now")
        if self.feature_schema_digest != schema.digest or self.feature_names != schema.names:
            found.append(
                f"was trained on other features (schema {self.feature_schema_digest}, here {schema.digest})"
                + _difference(self.feature_names, schema.names)
            )
        for name, then in self.libraries.items():
            now = installed(name)
            if _minor(now) != _minor(then):
                found.append(f"was trained with {name} {then}; {now or 'none'} is installed")
        return found


def installed(name: str) -> str:
    """Return the version of a package, empty where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def library_versions() -> dict[str, str]:
    """Return the versions of `LIBRARIES`."""
    return {name: installed(name) for name in LIBRARIES}


def sha256(content: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save(path: Path, metadata: ModelMetadata, graph: bytes) -> None:
    """Write a model file; equal models give equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.tmp")
    with zipfile.ZipFile(temporary, "w") as archive:
        for name, content in ((_METADATA, metadata.model_dump_json(indent=2).encode()), (_GRAPH, graph)):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    temporary.replace(path)


def read_metadata(path: Path) -> ModelMetadata:
    """Read what a model is for.

    Raises
    ------
    DataError
        For a file that is missing, damaged or no model file.

    """
    content = _read(path, (_METADATA,))[_METADATA]
    try:
        return ModelMetadata.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the page"
        raise DataError(f"{path}: {_METADATA} is not a model's ({where}: {first['msg']})") from None


def read(path: Path) -> tuple[ModelMetadata, bytes]:
    """Read a model file; the graph is the one the metadata speaks of, and is not checked further.

    Raises
    ------
    DataError
        For a file that is missing, damaged or no model file.

    """
    metadata = read_metadata(path)
    graph = _read(path, (_GRAPH,))[_GRAPH]
    if sha256(graph) != metadata.graph_sha256:
        raise DataError(f"{path}: {_GRAPH} is not the graph that {_METADATA} speaks of; train again")
    return metadata, graph


def check(path: Path, metadata: ModelMetadata, settings: FillWatchSettings, instrument_id: str, tick: Decimal) -> None:
    """Refuse a model that is not for this instrument, these features, these libraries or this run file.

    Raises
    ------
    DataError
        With every disagreement.

    """
    problems = metadata.problems(feature_schema(settings.features), instrument_id, tick)
    stated = settings.model_fingerprint
    if stated is not None and not (found := fingerprint(path)).startswith(stated):
        problems.append(f"is another file than the one stated: model_fingerprint is {stated}, the file's {found}")
    if problems:
        raise DataError(
            "\n".join([f"{path}: the model cannot be used: train it again, or name another", *_bullets(problems)])
        )


def _bullets(problems: Iterable[str]) -> list[str]:
    return [f"  - it {problem}" for problem in problems]


def _minor(text: str) -> list[str]:
    return text.split(".")[:2]


def _difference(then: tuple[str, ...], now: tuple[str, ...]) -> str:
    parts = [
        f"{word} {', '.join(names)}"
        for word, names in (
            ("it lacks", [name for name in now if name not in then]),
            ("it wants", [name for name in then if name not in now]),
        )
        if names
    ]
    return f": {'; '.join(parts)}" if parts else ""


def _read(path: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    if not path.is_file():
        raise DataError(f"{path}: no such model file; 'mm-nautilus train' writes one")
    try:
        with zipfile.ZipFile(path) as archive:
            if sorted(archive.namelist()) != sorted(_LARGEST):
                raise DataError(f"{path}: is not a model file: it should hold {' and '.join(_LARGEST)} alone")
            for name in names:
                if archive.getinfo(name).file_size > _LARGEST[name]:
                    raise DataError(f"{path}: {name} is larger than {_LARGEST[name]:,} bytes; that is no model of ours")
            return {name: archive.read(name) for name in names}
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise DataError(f"{path}: is damaged or not a model file ({error})") from None
