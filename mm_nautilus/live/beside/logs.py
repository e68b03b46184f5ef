"""JSON lines with rotation, for what is logged outside of the engine."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

import orjson

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One JSON object a record: when, how grave, who, what, and whatever else was said with it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        words: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "component": record.name,
            "message": record.getMessage(),
        }
        words |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            words["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(words, default=str).decode()


def json_log(name: str, place: dict[str, Any]) -> logging.Logger:
    """Return a log of its own file ``<name>.json``.

    Parameters
    ----------
    name : str
        Of the component.
    place : dict
        ``folder``, and of each file ``max_bytes`` and the number of ``backups``.

    """
    folder = Path(place["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(folder / f"{name}.json", maxBytes=place["max_bytes"], backupCount=place["backups"])
    handler.setFormatter(JsonLines())
    log = logging.getLogger(f"mm_nautilus.{name}")
    log.propagate = False
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    return log
