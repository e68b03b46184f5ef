"""The library against reference values that were computed to 40 digits and more, independently of it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from reference_adapters import ADAPTERS

VECTORS_FILE = Path(__file__).resolve().parents[2] / "shared" / "vectors.json"
REFERENCE: dict[str, Any] = json.loads(VECTORS_FILE.read_text()) if VECTORS_FILE.is_file() else {}
VECTORS: dict[str, list[dict[str, Any]]] = REFERENCE.get("vectors", {})
GLFT_TABLES: dict[str, dict[str, Any]] = REFERENCE.get("glft_tables", {})

REL_TOL = 1e-10
REL_TOL_OF = {"glft_exact": 1e-8, "multi_asset_closed_form": 1e-8, "volatility_close": 1e-7}
ABS_TOL = 1e-12

needs_vectors = pytest.mark.skipif(
    not VECTORS, reason=f"the reference vectors are not here: {VECTORS_FILE} does not exist"
)


def differences(expected: Any, found: Any, rel_tol: float, where: str = "") -> list[str]:
    """Return one line per place at which `found` is not what was expected."""
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return [f"{where or 'answer'}: found {found!r}, expected the keys {sorted(expected)}"]
        where = f"{where}." if where else ""
        lines = [f"{where}{key}: missing, expected {expected[key]!r}" for key in expected.keys() - found.keys()]
        lines += [f"{where}{key}: found {found[key]!r}, nothing expected" for key in found.keys() - expected.keys()]
        for key in expected.keys() & found.keys():
            lines += differences(expected[key], found[key], rel_tol, f"{where}{key}")
        return sorted(lines)
    if isinstance(expected, list):
        if not isinstance(found, list | tuple) or len(found) != len(expected):
            return [f"{where}: found {found!r}, expected {expected!r}"]
        return [
            line
            for index, (one, other) in enumerate(zip(expected, found, strict=True))
            for line in differences(one, other, rel_tol, f"{where}[{index}]")
        ]
    return [] if _same(expected, found, rel_tol) else [f"{where}: found {found!r}, expected {expected!r}"]


def _same(expected: Any, found: Any, rel_tol: float) -> bool:
    if expected is None or isinstance(expected, bool | str):
        return type(found) is type(expected) and found == expected
    if isinstance(found, bool) or not isinstance(found, int | float):
        return False
    return math.isclose(found, expected, rel_tol=rel_tol, abs_tol=ABS_TOL)


@needs_vectors
def test_every_set_has_an_adapter_and_every_adapter_a_set() -> None:
    assert sorted(ADAPTERS) == sorted(VECTORS)


@needs_vectors
@pytest.mark.parametrize(
    ("name", "vector"),
    [pytest.param(name, vector, id=vector["id"]) for name, vectors in VECTORS.items() for vector in vectors],
)
def test_the_library_agrees_with_the_reference(name: str, vector: dict[str, Any]) -> None:
    assert name in ADAPTERS, f"{name}: this set of vectors has no adapter"
    wrong = differences(vector["expected"], ADAPTERS[name](vector["inputs"]), REL_TOL_OF.get(name, REL_TOL))
    assert not wrong, f"{name}, {vector['id']}:\n" + "\n".join(wrong)


@needs_vectors
def test_all_of_them_were_run() -> None:
    assert len(VECTORS) == 38
    assert sum(len(vectors) for vectors in VECTORS.values()) == 207


@needs_vectors
@pytest.mark.parametrize("name", GLFT_TABLES)
def test_exact_quotes_agree_with_the_table_of_the_wide_grid(name: str) -> None:
    """Thirty lots a side, where an eigenvector in floats has lost its tails."""
    table = GLFT_TABLES[name]
    parameters = {key: table[key] for key in ("gamma", "sigma", "A", "k")} | {"xi": table["gamma"], "order_size": 1.0}
    neutral = {"mu": 0.0, "fee_per_unit": 0.0, "impact": 0.0}
    exact = ADAPTERS["glft_exact"](parameters | neutral | {"Q_lots": table["Q"], "tau": None})
    assert len(table["rows"]) > 10
    for row in table["rows"]:
        index = exact["q_grid"].index(row["q"])
        approximate = ADAPTERS["glft_closed_form"](parameters | neutral | {"mid": 100.0, "q": row["q"]})
        found = {
            "exact_bid": exact["delta_bid"][index],
            "exact_ask": exact["delta_ask"][index],
            "approx_bid": approximate["delta_bid"],
            "approx_ask": approximate["delta_ask"],
        }
        expected = {key: row[key] for key in found}
        assert not differences(expected, found, REL_TOL_OF["glft_exact"]), f"{name}, q = {row['q']}"


@pytest.mark.parametrize(
    ("expected", "found", "line"),
    [
        ({"bid": 1.0}, {"bid": 1.0 + 2e-10}, "bid: found 1.0000000002, expected 1.0"),
        ({"bid": 0.0}, {"bid": 2e-12}, "bid: found 2e-12, expected 0.0"),
        ({"bid": None}, {"bid": 0.0}, "bid: found 0.0, expected None"),
        ({"bid": 0.0}, {"bid": None}, "bid: found None, expected 0.0"),
        ({"bid": 1.0}, {"bid": math.nan}, "bid: found nan, expected 1.0"),
        ({"ok": True}, {"ok": 1}, "ok: found 1, expected True"),
        ({"bid": 1.0}, {}, "bid: missing, expected 1.0"),
        ({}, {"bid": 1.0}, "bid: found 1.0, nothing expected"),
        ({"path": [{"q": 1}, {"q": 2}]}, {"path": [{"q": 1}, {"q": 3}]}, "path[1].q: found 3, expected 2"),
        ({"bids": [[1.0, 2.0]]}, {"bids": []}, "bids: found [], expected [[1.0, 2.0]]"),
    ],
)
def test_a_difference_is_named(expected: dict[str, Any], found: dict[str, Any], line: str) -> None:
    assert differences(expected, found, REL_TOL) == [line]


def test_what_agrees_is_not_complained_about() -> None:
    expected = {"bid": 1.0, "ask": None, "ok": True, "levels": [[1.0, 2], []], "tiny": 0.0}
    found = {"bid": 1.0 + 5e-11, "ask": None, "ok": True, "levels": [(1.0, 2.0), ()], "tiny": 1e-13}
    assert differences(expected, found, REL_TOL) == []
