"""What the node has measured, in the words of Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

type Family = Mapping[str, Any]
"""One metric: ``name``, ``type``, ``help``, ``labels`` (names) and ``samples``, each label values and a value.

Of a histogram the value is ``[counts of each bucket, sum]``, with ``bounds`` as upper ends; the last count is of what
lies beyond them.
"""


def exposed(measures: bytes, snapshot: bytes = b"") -> bytes:
    """Return the measures as text for Prometheus.

    Parameters
    ----------
    measures : bytes
        JSON list of `Family`.
    snapshot : bytes
        What the page shows: the profit there is the profit here.

    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Said([*orjson.loads(measures or b"[]"), *_profits(snapshot)]))
    text: bytes = generate_latest(registry)
    return text


def _profits(snapshot: bytes) -> list[Family]:
    money = orjson.loads(snapshot or b"{}").get("money", [])
    totals = [([one["currency"]], float(one["total"])) for one in money]
    lines = [([one["currency"], line], float(worth)) for one in money for line, worth in one["lines"].items()]
    words = "Profit since the start, open positions included"
    return [
        {"name": "mm_profit", "type": "gauge", "help": f"{words}.", "labels": ["currency"], "samples": totals},
        {
            "name": "mm_profit_line",
            "type": "gauge",
            "help": f"{words}, by line of the statement.",
            "labels": ["currency", "line"],
            "samples": lines,
        },
    ]


class _Said(Collector):
    def __init__(self, families: list[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return map(_metric, self._families)


def _metric(family: Family) -> Metric:
    name, words, labels = family["name"], family["help"], family["labels"]
    if family["type"] == "histogram":
        histogram = HistogramMetricFamily(name, words, labels=labels)
        for values, (counts, total) in family["samples"]:
            histogram.add_metric(values, _cumulated(family["bounds"], counts), total)
        return histogram
    kind = CounterMetricFamily if family["type"] == "counter" else GaugeMetricFamily
    metric = kind(name, words, labels=labels)
    for values, value in family["samples"]:
        metric.add_metric(values, value)
    return metric


def _cumulated(bounds: list[float], counts: list[int]) -> list[tuple[str, float]]:
    ends, total, buckets = [*(repr(bound) for bound in bounds), "+Inf"], 0, list[tuple[str, float]]()
    for end, count in zip(ends, counts, strict=True):
        total += count
        buckets.append((end, float(total)))
    return buckets
