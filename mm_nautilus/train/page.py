"""The training as a page: what the model is worth first, then what it rests on and how that was found out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from mm_nautilus.analytics.numbers import compact, share
from mm_nautilus.analytics.report.fragments import flatten, pairs_table, records_table
from mm_nautilus.analytics.report.page import document
from mm_nautilus.analytics.report.section import figure_card
from mm_nautilus.train.charts import auc_chart, importance_chart, precision_recall_chart, reliability_chart
from mm_nautilus.train.words import band_rows, interval, score_rows

type Json = Mapping[str, Any]


def write_page(result: Json, path: Path) -> Path:
    """Write the page of ``train.json`` and return its path."""
    best = result["model"]["kind"]
    charts = [
        auc_chart(result["scores"]),
        reliability_chart(result["scores"], best),
        precision_recall_chart(result["scores"], result["data"]["tested_base_rate"]),
        importance_chart(result["importance"], best),
    ]
    body = "".join(
        (
            _top(result),
            "<main><section><h2>In numbers</h2>",
            _tiles(result),
            '</section><section><h2>On fills the models had not seen</h2><div class="grid2">',
            *(figure_card(chart) for chart in charts),
            "</div></section><section><h2>Side by side</h2>",
            *(f'<div class="card">{table}</div>' for table in _comparison(result)),
            "</section><section><h2>How it was trained</h2>",
            *(f'<div class="card">{table}</div>' for table in _method(result)),
            "</section></main>",
        )
    )
    path.write_text(document(f"Fill risk of {result['instrument_id']}", body, charts), encoding="utf-8")
    return path


def _top(result: Json) -> str:
    data, label = result["data"], result["label"]
    span = " to ".join(
        datetime.fromtimestamp(data[key] / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S") for key in ("first_ns", "last_ns")
    )
    meta = [
        f"{span} UTC",
        f"{data['fills']:,} labelled fills of {data['fills_of_the_run']:,}",
        f"adverse: markout at {label['horizon_s']:g} s below {label['threshold_bps']:g} bps",
        f"seed {result['seed']}",
    ]
    return (
        f'<header class="top"><h1>Fill risk of {escape(result["instrument_id"])}</h1>'
        f'<p class="meta">{escape(" \N{MIDDLE DOT} ".join(meta))}</p>'
        f'<p class="headline"><strong>{escape(result["verdict"])}</strong></p></header>'
    )


def _tiles(result: Json) -> str:
    best = next(score for score in result["scores"] if score["name"] == result["model"]["kind"])
    calibration = result["model"]["calibration"]
    items = (
        ("Best model", result["model"]["kind"], f"{calibration['kind']} calibration on {calibration['fills']:,} fills"),
        ("ROC AUC", f"{best['auc']['value']:.3f}", interval(best["auc"])),
        ("Brier score saved", share(best["brier_skill"]), "of the base rate's"),
        (
            "Average precision",
            compact(best["average_precision"], 3),
            f"base rate {share(result['data']['tested_base_rate'])}",
        ),
        ("Fills tested on", f"{result['data']['tested']:,}", f"{result['splits']['bootstrap_blocks']} blocks of time"),
    )
    body = "".join(
        f'<div class="tile"><dt>{escape(name)}</dt><dd><div class="figure">{escape(figure)}</div>'
        f'<div class="detail">{escape(detail)}</div></dd></div>'
        for name, figure, detail in items
    )
    return f'<dl class="tiles">{body}</dl>'


def _comparison(result: Json) -> Sequence[str]:
    return (
        records_table("Models on held-out fills", score_rows(result)),
        records_table("What the thresholds would have caught, on held-out fills", band_rows(result["bands"])),
        records_table(
            "By predicted chance, on held-out fills: where to put the thresholds", band_rows(result["fifths"])
        ),
    )


def _method(result: Json) -> Sequence[str]:
    splits = result["splits"]
    folds = [
        {
            "fold": str(number),
            "trained on": f"{fold['train_fills']:,}",
            "tested on": f"{fold['test_fills']:,}",
            "gap": f"{(fold['test_from_ns'] - fold['train_until_ns']) / 1e9:.1f} s",
        }
        for number, fold in enumerate(splits["folds"], 1)
    ]
    purged = f"purged {splits['purge_s']:g} s, embargo {splits['embargo_s']:g} s"
    return (
        records_table(f"Walk-forward folds ({purged}); the first one only calibrates", folds),
        pairs_table("Features, known at each fill", result["features"]["described"].items()),
        pairs_table("Model file", flatten(result["model"])),
        pairs_table("Data", flatten(result["data"])),
    )
