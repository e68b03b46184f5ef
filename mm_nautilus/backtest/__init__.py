"""One run in the backtest engine, from run file to report."""

from mm_nautilus.backtest.run import Outcome, RunFailedError, run_backtest

__all__ = ["Outcome", "RunFailedError", "run_backtest"]
