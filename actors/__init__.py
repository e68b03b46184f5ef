"""Nautilus actors that record, watch and assess what the strategies do."""

from mm_nautilus.actors.recorder import Recorder, RecorderConfig

__all__ = ["Recorder", "RecorderConfig"]
