"""Every set of reference vectors, computed by the library: ``ADAPTERS[name](inputs) -> expected keys``.

An adapter translates names and units and calls public functions; it holds no formula. They live in
``tests/reference``, one file per group of rooms, and are read by path so that this file can be imported from anywhere.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

type Adapter = Callable[[dict[str, Any]], dict[str, Any]]

_ROOMS = ("models", "estimators", "intensity", "risk")


def _adapters_of(room: str) -> dict[str, Adapter]:
    path = Path(__file__).parent / "reference" / f"{room}.py"
    spec = importlib.util.spec_from_file_location(f"mm_reference_{room}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    adapters: dict[str, Adapter] = module.ADAPTERS
    return adapters


def _merged() -> dict[str, Adapter]:
    merged: dict[str, Adapter] = {}
    for room in _ROOMS:
        adapters = _adapters_of(room)
        twice = merged.keys() & adapters.keys()
        assert not twice, f"{room} has adapters that another file has too: {sorted(twice)}"
        merged |= adapters
    return merged


ADAPTERS: dict[str, Adapter] = _merged()
