"""Change single values of a simulation by their path: ``venues.*.informed.share=0.3``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from pydantic import ValidationError

from mm_nautilus.catalog.simulator.params import SimulationParams
from mm_nautilus.errors import ConfigError


def override(params: SimulationParams, assignments: Sequence[str]) -> SimulationParams:
    """Return ``params`` with ``path=value`` assignments applied, all of them validated together.

    A path names fields, separated by dots. In ``assets`` and ``venues`` a part is an index, the name of the asset or
    venue, or ``*`` for all of them. A value is JSON, or else taken as text.

    Raises
    ------
    ConfigError
        An assignment without ``=``, a path that leads nowhere, or a value that is not allowed; all are listed.

    """
    tree = params.model_dump(mode="json")
    problems: list[str] = []
    for assignment in assignments:
        path, separator, text = assignment.partition("=")
        if not separator:
            problems.append(f"{assignment!r}: PATH=VALUE is wanted, for example venues.*.informed.share=0.3")
            continue
        parts = path.strip().split(".")
        nodes = _walk(tree, parts[:-1])
        targets = [(node, key) for node in nodes for key in _keys(node, parts[-1])]
        if not targets:
            problems.append(f"{path.strip()}: no such value{_alternatives(tree, parts)}")
        for node, key in targets:
            node[key] = _value(text.strip())
    source = f"simulation {params.name}"
    if problems:
        raise ConfigError(source, problems)
    try:
        return SimulationParams.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(source, [_problem(detail) for detail in error.errors()]) from None


def _walk(tree: Any, parts: Sequence[str]) -> list[Any]:
    nodes = [tree]
    for part in parts:
        nodes = [node[key] for node in nodes for key in _keys(node, part)]
    return nodes


def _keys(node: Any, part: str) -> list[Any]:
    """Return the keys of ``node`` that one part of a path stands for."""
    if isinstance(node, dict):
        return [part] if part in node else []
    if isinstance(node, list):
        if part == "*":
            return list(range(len(node)))
        return [i for i, item in enumerate(node) if part == str(i) or part in _names(item)]
    return []


def _names(item: Any) -> list[str]:
    return [item[key] for key in ("venue", "name") if key in item] if isinstance(item, dict) else []


def _alternatives(tree: Any, parts: Sequence[str]) -> str:
    """Say what could stand where a path went wrong."""
    for depth, part in enumerate(parts):
        nodes = _walk(tree, parts[:depth])
        if any(_keys(node, part) for node in nodes):
            continue
        node = nodes[0]
        if isinstance(node, dict):
            known = sorted(node)
        elif isinstance(node, list):
            known = ["*", *(name for item in node for name in _names(item)[:1])]
        else:
            return f"; {'.'.join(parts[:depth])} has no fields"
        return f"; {part!r} must be one of {known}"
    return ""


def _value(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _problem(detail: Any) -> str:
    path = ".".join(str(part) for part in detail["loc"])
    message = detail["msg"].removeprefix("Value error, ")
    found = detail["input"]
    if isinstance(found, dict | list | tuple):
        return f"{path}: {message}" if path else str(message)
    return f"{path}: {message[:1].lower()}{message[1:]}, found {found!r}"
