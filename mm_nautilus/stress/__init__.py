"""A run file's strategy in the markets that market makers die of, and the bounds it has to keep there."""

from mm_nautilus.stress.plan import Window, parse_window
from mm_nautilus.stress.run import StressOutcome, stress

__all__ = ["StressOutcome", "Window", "parse_window", "stress"]
