"""What runs beside a live node: the server process with page, metrics and control, logs, and who is told of alerts."""
