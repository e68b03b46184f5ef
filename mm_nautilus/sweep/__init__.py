"""A run file over many parameter sets: on all cores or a cluster, resumable, and honest about luck."""

from mm_nautilus.sweep.judged import Score, Verdict
from mm_nautilus.sweep.request import Request, request_of
from mm_nautilus.sweep.run import SweepOutcome, sweep
from mm_nautilus.sweep.walk_forward import Windows, parse_windows

__all__ = ["Request", "Score", "SweepOutcome", "Verdict", "Windows", "parse_windows", "request_of", "sweep"]
