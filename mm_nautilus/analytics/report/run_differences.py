"""In what runs differ: settings, data, length and money; and what therefore cannot be compared."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mm_nautilus.analytics.numbers import duration
from mm_nautilus.analytics.report.fragments import flatten
from mm_nautilus.analytics.report.reading import ReportedRun

ABSENT: Final = "not set"
"""What a run shows of a setting that it does not have."""
_OF_EACH_RUN: Final = ("run.name", "run.output")
"""Settings that say nothing about how a run trades."""
_FEW: Final = 2
_SHORT: Final = 40


def labels(runs: Sequence[ReportedRun]) -> list[str]:
    """Return a short name for each run; where several are called the same, what they differ in, or their folder."""
    names = [run.name for run in runs]
    if len(set(names)) == len(names):
        return names
    differ = settings_that_differ(runs)
    if 0 < len(differ) <= _FEW:
        told = [
            ", ".join(f"{key.rpartition('.')[2]} {values[place]}" for key, values in differ.items())
            for place in range(len(runs))
        ]
        by_setting = [f"{name}, {one}" for name, one in zip(names, told, strict=True)]
        if len(set(by_setting)) == len(by_setting) and max(map(len, told)) <= _SHORT:
            return by_setting
    return [
        name if names.count(name) == 1 else f"{name} ({run.run_dir.name})"
        for name, run in zip(names, runs, strict=True)
    ]


def settings_that_differ(runs: Sequence[ReportedRun]) -> dict[str, list[str]]:
    """Return each setting of the run files that is not the same in all, with its value in each run."""
    settings = [_settings(run.run_toml) for run in runs]
    keys = list(dict.fromkeys(key for one in settings for key in one))
    found = {key: [one.get(key, ABSENT) for one in settings] for key in keys if key not in _OF_EACH_RUN}
    return {key: values for key, values in found.items() if len(set(values)) > 1}


def _settings(run_toml: str) -> dict[str, str]:
    try:
        return dict(flatten(tomllib.loads(run_toml)))
    except tomllib.TOMLDecodeError:
        return {}


def provenance_that_differs(runs: Sequence[ReportedRun]) -> dict[str, list[str]]:
    """Return what the results say of data and packages that is not the same in all."""
    told = [dict(flatten(dict(run.result.get("provenance") or {}))) for run in runs]
    keys = list(dict.fromkeys(key for one in told for key in one if key != "run_file_sha256"))
    found = {key: [one.get(key, ABSENT) for one in told] for key in keys}
    return {key: values for key, values in found.items() if len(set(values)) > 1}


def same_market(run: ReportedRun, other: ReportedRun) -> bool:
    """Return whether two runs saw the same data over the same time, so that their PnL can be subtracted."""
    prints = [_fingerprint(one.result) for one in (run, other)]
    return prints[0] is not None and prints[0] == prints[1] and run.span_ns == other.span_ns


def _fingerprint(result: Mapping[str, Any]) -> str | None:
    found = (result.get("provenance") or {}).get("data_fingerprint")
    return None if found is None else str(found)


def reservations(runs: Sequence[ReportedRun]) -> list[str]:
    """Return in sentences what stands between these runs and a fair comparison, gravest first."""
    names = labels(runs)
    said: list[str] = []
    for name, run in zip(names, runs, strict=True):
        said += [f"{name}: {notice}" for notice in run.notices]
    currencies = [sorted(run.result["total"]) for run in runs]
    if any(one != currencies[0] for one in currencies):
        each = "; ".join(f"{name} in {', '.join(one) or 'none'}" for name, one in zip(names, currencies, strict=True))
        said.append(f"Money is in different currencies ({each}); only amounts of one currency can be compared.")
    traded = [list(run.result["instruments"]) for run in runs]
    if any(one != traded[0] for one in traded):
        said.append("Not the same instruments were traded.")
    prints = [_fingerprint(run.result) for run in runs]
    if any(one is None or one != prints[0] for one in prints):
        said.append("The data are not known to be the same: a difference in PnL may be the market's, not the maker's.")
    spans = [run.span_ns for run in runs]
    if any(one != spans[0] for one in spans):
        lengths = [(end - start) / 1e9 for start, end in spans]
        if max(lengths) - min(lengths) > 0.01 * max(lengths):
            each = ", ".join(f"{name} {duration(length)}" for name, length in zip(names, lengths, strict=True))
            said.append(f"They are of different length ({each}): compare what is per hour or per fill.")
        else:
            said.append("They are of different times.")
    return said
