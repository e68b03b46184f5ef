"""What happened in a run and whether it made money: the run log, the summary and the report.

Reads what was recorded; no decision code imports it.
"""
