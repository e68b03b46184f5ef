"""Readers of real data formats into a Nautilus ParquetDataCatalog, and the market simulator."""
