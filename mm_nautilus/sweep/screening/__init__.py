"""Screening: the library's own functions in a compiled loop over columns, to rank parameter sets by the thousand."""
