"""Experiments: the same data several times over, one thing changed, and an interval on what it did."""

from mm_nautilus.experiment.run import Experiment, adverse_selection

__all__ = ["Experiment", "adverse_selection"]
