"""Nautilus actors that record, watch and assess what the strategies do."""

from mm_nautilus.actors.adverse_selection_monitor import AdverseSelectionMonitor, AdverseSelectionMonitorConfig
from mm_nautilus.actors.recorder import Recorder, RecorderConfig

__all__ = ["AdverseSelectionMonitor", "AdverseSelectionMonitorConfig", "Recorder", "RecorderConfig"]
