"""More than one venue: what a hedge elsewhere would pay, and where both sides can be traded at once."""
