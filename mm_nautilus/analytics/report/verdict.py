"""The first screen: did it make money, why, and would it again; to be read in ten seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Any, Final

from mm_nautilus.analytics.numbers import compact, duration
from mm_nautilus.analytics.report.figures import MARKS, TONES, figure, target
from mm_nautilus.analytics.report.fragments import merged
from mm_nautilus.analytics.report.sensitivity_section import verdict as survives
from mm_nautilus.analytics.report.words import in_words

type Json = Mapping[str, Any]

DAY_S: Final = 86_400.0
MOST_CAVEATS: Final = 3
_DUST: Final = 1e-6
"""Share of the largest line below which a line (the rounding of bookings) is not worth a bar."""
_GRAVE: Final = ("severe", "warning")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer in a word or two, its tone (``good``, ``severe`` or ``warning``), and what it rests on."""

    word: str
    tone: str
    points: tuple[tuple[str, str], ...] = ()
    """Tone and sentence of each."""


def made_interval(scope: Json | None) -> tuple[float, float] | None:
    """Return the 95 % interval of the PnL of as many fills as there were; ``None`` where there is none."""
    if scope is None:
        return None
    per_trade = scope["metrics"].get("pnl_per_trade") or {}
    if per_trade.get("low") is None or per_trade.get("high") is None or not per_trade.get("n"):
        return None
    return per_trade["low"] * per_trade["n"], per_trade["high"] * per_trade["n"]


def scope_of(result: Json, currency: str) -> Json | None:
    """Return the figures of everything that settles in a currency, where the result has them."""
    found: Json | None = (result.get("performance") or {"currencies": {}})["currencies"].get(currency)
    return found


def did_it_make_money(result: Json) -> Answer:
    """Return whether money was made beyond chance, over all currencies."""
    totals = result["total"]
    if not any(total["fills"] for total in totals.values()):
        return Answer("Nothing was traded", "warning")
    made = {currency: Decimal(total["total"]) for currency, total in totals.items() if total["fills"]}
    ends = [made_interval(scope_of(result, currency)) for currency in made]
    if all(pnl > 0 for pnl in made.values()):
        sure = all(one is not None and one[0] > 0 for one in ends)
        return Answer("Yes", "good") if sure else Answer("Yes, but within chance", "warning")
    if all(pnl <= 0 for pnl in made.values()):
        sure = all(one is not None and one[1] < 0 for one in ends)
        return Answer("No", "severe") if sure else Answer("No, though within chance", "warning")
    return Answer("In some currencies", "warning")


def would_it_again(result: Json, sensitivity: Json | None) -> Answer:
    """Return whether the result can be expected again, and what speaks for and against it."""
    made = did_it_make_money(result)
    points: list[tuple[str, str]] = []
    for currency, total in result["total"].items():
        rebates, pnl = Decimal(total["rebates"]), Decimal(total["total"])
        if rebates and pnl > 0:
            tone = "good" if pnl > rebates else "severe"
            points.append((tone, f"Without rebates {compact(pnl - rebates, signed=True)} {currency}."))
    points += _benchmarks(result)
    seconds = max((one["duration_s"] for one in result["instruments"].values()), default=0.0)
    if seconds < DAY_S:
        points.append(("warning", f"One stretch of {duration(seconds)}: it says nothing about other days."))
    losing = False
    if sensitivity is not None:
        losing = any(one["pnl"] is not None and float(one["pnl"]) <= 0 for one in sensitivity["cases"][1:])
        points.append(("severe" if losing else "good", survives(sensitivity)))
    else:
        points.append(("note", "Not tried under other assumptions: mm-nautilus sensitivity does."))
    severe = [one for one in result["realism"]["caveats"] if one["severity"] == "severe"]
    if made.word == "Yes" and losing:
        return Answer("Only under its assumptions", "warning", tuple(points))
    if made.word == "Yes" and severe:
        return Answer("Only if its caveats do not matter", "warning", tuple(points))
    if made.word == "Yes":
        return Answer("On data like these, yes", "good", tuple(points))
    if made.word == "No":
        return Answer("No", "severe", tuple(points))
    return Answer("Cannot be said", "warning", tuple(points))


def _benchmarks(result: Json) -> list[tuple[str, str]]:
    overall = (result.get("performance") or {}).get("overall")
    held = overall["benchmarks"].get("hold_average") if overall else None
    if held is None or held["pnl"] is None or held["excess"] is None:
        return []
    tone = "good" if float(held["excess"]) > 0 else "severe"
    words = f"Holding the average position instead would have made {compact(float(held['pnl']), signed=True)}"
    return [(tone, f"{words} {overall['currency']}.")] if overall else []


def first_screen(result: Json, sensitivity: Json | None) -> str:
    """Return the three answers, the scorecard in one line each, and the gravest caveats."""
    money, again = did_it_make_money(result), would_it_again(result, sensitivity)
    cards = (
        _card("Did it make money?", money, _money(result)),
        _card("Why?", None, _why(result)),
        _card("Would it again?", again, _points(again.points)),
    )
    return (
        f'<section class="verdict" aria-label="Summary"><div class="answers">{"".join(cards)}</div>'
        f"{_chips(result)}{_gravest(result['realism']['caveats'])}</section>"
    )


def _card(question: str, answer: Answer | None, body: str) -> str:
    word = "" if answer is None else f'<p class="answer {answer.tone}">{escape(answer.word)}</p>'
    return f'<div class="card"><h2>{escape(question)}</h2>{word}{body}</div>'


def _money(result: Json) -> str:
    seconds = max((one["duration_s"] for one in result["instruments"].values()), default=0.0)
    lines = []
    for currency, total in result["total"].items():
        pnl, scope = Decimal(total["total"]), scope_of(result, currency)
        tone = "gain" if pnl > 0 else "loss" if pnl < 0 else ""
        verb = "Made" if pnl > 0 else "Lost" if pnl < 0 else "Ended even at"
        lines.append(
            f'<p class="headline"><strong class="{tone}">{verb} {escape(compact(abs(pnl)))} {currency}</strong></p>'
        )
        found = made_interval(scope)
        if found is not None:
            low, high = (compact(end, signed=True) for end in found)
            lines.append(f'<p class="detail">95 % interval {low} to {high} {escape(currency)}</p>')
        over = f"on {total['fills']:,} fills in {duration(seconds)}"
        if scope is not None and scope["metrics"].get("pnl_bps", {}).get("value") is not None:
            over += f", {compact(scope['metrics']['pnl_bps']['value'], 3, signed=True)} bps of turnover"
        drawdown = f"largest drawdown {compact(total['max_drawdown'])} {currency}"
        lines.append(f'<p class="detail">{escape(over)}; {escape(drawdown)}</p>')
    return "".join(lines)


def _why(result: Json) -> str:
    """Return the lines that the PnL consists of, each with a bar."""
    if result.get("statement") is None:
        return '<p class="detail">The result holds no statement: it was added up by an earlier version.</p>'
    blocks = []
    for currency, one in (result.get("statement") or {}).items():
        lines = {name: float(amount) for name, amount in one["account"]["lines"].items() if float(amount)}
        if not lines:
            continue
        most = max(abs(amount) for amount in lines.values())
        lines = {name: amount for name, amount in lines.items() if abs(amount) >= _DUST * most}
        rows = "".join(
            f'<li><span>{escape(in_words(name))}</span><span class="number">{compact(amount, signed=True)}</span>'
            f'<span class="bar {"gain" if amount > 0 else "loss"}" aria-hidden="true">'
            f'<i style="width:{100 * abs(amount) / most:.1f}%"></i></span></li>'
            for name, amount in sorted(lines.items(), key=lambda line: -abs(line[1]))
        )
        unit = f'<p class="detail">in {escape(currency)}; the lines add up to the PnL</p>'
        blocks.append(f'<ul class="why">{rows}</ul>{unit}')
    return "".join(blocks) or '<p class="detail">Nothing was traded, so there is nothing to explain.</p>'


def _points(points: Sequence[tuple[str, str]]) -> str:
    items = "".join(
        f'<li class="{tone}"><span aria-hidden="true">{_SIGNS[tone]}</span><span>{escape(text)}</span></li>'
        for tone, text in points
    )
    return f'<ul class="points">{items}</ul>'


_SIGNS: Final = {"good": MARKS["met"], "severe": MARKS["missed"], "warning": "!", "note": MARKS["not measured"]}


def _chips(result: Json) -> str:
    """Return the scorecard, one chip a target."""
    scores = (result.get("scorecard") or {"scores": {}})["scores"]
    chips = "".join(
        f'<li class="{TONES[one["verdict"]]}" title="{escape(one["how"] or one["why_not"])}">'
        f'<span class="mark" aria-hidden="true">{MARKS[one["verdict"]]}</span>'
        f'<span class="name">{escape(one["label"])}</span>'
        f'<span class="value">{escape(figure(one["value"], one["unit"]))}</span>'
        f'<span class="target">{escape(one["verdict"])}: {escape(target(one))}</span></li>'
        for one in scores.values()
    )
    return f'<ul class="chips" aria-label="Scorecard">{chips}</ul>' if chips else ""


def _gravest(caveats: Sequence[Json]) -> str:
    everything = merged(caveats)
    grave = [one for severity in _GRAVE for one in everything if one["severity"] == severity]
    shown = grave[:MOST_CAVEATS]
    if not shown:
        return ""
    items = "".join(
        f'<li><span class="badge {escape(one["severity"])}">{escape(one["severity"])}</span> '
        f"<span>{escape(one['message'])}</span></li>"
        for one in shown
    )
    more = len(everything) - len(shown)
    rest = f'<p class="detail"><a href="#caveats">{more} more</a></p>' if more else ""
    return f'<div class="gravest"><ul class="caveats">{items}</ul>{rest}</div>'
