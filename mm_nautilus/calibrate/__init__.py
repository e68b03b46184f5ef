"""A window of a catalogue, measured: the calibration file and the page that shows it."""

from mm_nautilus.calibrate.run import Calibrated, calibrate
from mm_nautilus.calibrate.settings import CalibrateSettings

__all__ = ["CalibrateSettings", "Calibrated", "calibrate"]
