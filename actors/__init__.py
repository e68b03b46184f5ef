"""Nautilus actors that record, watch and assess what the strategies do."""

from mm_nautilus.actors.adverse_selection_monitor import AdverseSelectionMonitor, AdverseSelectionMonitorConfig
from mm_nautilus.actors.day_end import DayEnd, DayEndConfig
from mm_nautilus.actors.recorder import Recorder, RecorderConfig
from mm_nautilus.actors.risk_monitor import RiskMonitor, RiskMonitorConfig

__all__ = [
    "AdverseSelectionMonitor",
    "AdverseSelectionMonitorConfig",
    "DayEnd",
    "DayEndConfig",
    "Recorder",
    "RecorderConfig",
    "RiskMonitor",
    "RiskMonitorConfig",
]
