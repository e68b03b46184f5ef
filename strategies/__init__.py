"""Nautilus strategies that quote with the library."""
