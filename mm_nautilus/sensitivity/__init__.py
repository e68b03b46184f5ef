"""What a run's PnL rests on: the same run under other latencies, queues, fees, fills and seeds."""

from mm_nautilus.sensitivity.run import SensitivityOutcome, sensitivity, sensitivity_of

__all__ = ["SensitivityOutcome", "sensitivity", "sensitivity_of"]
