"""Actors are tried on the engine and the maker of the strategies' tests."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "strategies"))
