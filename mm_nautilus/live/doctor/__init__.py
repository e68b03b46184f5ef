"""What can be known to be wrong before the first order: facts, read by thin readers, and checks of them."""
