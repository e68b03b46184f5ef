"""A market simulator that writes a catalogue whose ground truth is known."""

from mm_nautilus.catalog.simulator.overrides import override
from mm_nautilus.catalog.simulator.params import SimulationParams
from mm_nautilus.catalog.simulator.presets import PRESETS, STRESS_SCENARIOS
from mm_nautilus.catalog.simulator.run import simulate
from mm_nautilus.catalog.simulator.truth import SimulationTruth

__all__ = ["PRESETS", "STRESS_SCENARIOS", "SimulationParams", "SimulationTruth", "override", "simulate"]
