"""A trained classifier of fills: how likely one is to turn against us."""
