"""Nautilus actors that record, watch and assess what the strategies do."""
