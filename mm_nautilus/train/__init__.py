"""From runs to a trained classifier of fills, and a page that says what it is worth."""

from mm_nautilus.train.run import TrainedOutcome, train_model, train_tables

__all__ = ["TrainedOutcome", "train_model", "train_tables"]
