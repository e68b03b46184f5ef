"""The sections of the page that are about the whole run: risk, hedges, obligations, days."""

from __future__ import annotations

from mm_nautilus.analytics.hedge_summary import hedges
from mm_nautilus.analytics.report.attribution_section import attribution_section
from mm_nautilus.analytics.report.book_sections import day_tables, obligation_table
from mm_nautilus.analytics.report.calibration_section import calibration_section
from mm_nautilus.analytics.report.performance_sections import figures_section, scorecard_section
from mm_nautilus.analytics.report.reading import ReportedRun
from mm_nautilus.analytics.report.risk_charts import risk_stages
from mm_nautilus.analytics.report.risk_sections import hedge_tables, risk_tables
from mm_nautilus.analytics.report.section import Section
from mm_nautilus.analytics.report.sensitivity_section import sensitivity_section
from mm_nautilus.analytics.report.venue_sections import opportunity_section, relation_section
from mm_nautilus.analytics.risk_summary import stage_spans
from mm_nautilus.messages import HedgeFact, OpportunityFact, RiskState


def run_sections(run: ReportedRun) -> list[Section]:
    """Return the sections that have something to say, in the order of the page."""
    return [*_earned(run), *_kept(run), *_doubted(run)]


def _earned(run: ReportedRun) -> list[Section]:
    """Where money came from, and what the market offered."""
    result, found = run.result, []
    if result.get("attribution"):
        found.append(attribution_section(result["attribution"], result.get("statement") or {}))
    if result.get("opportunities"):
        found.append(opportunity_section(result["opportunities"], run.log.messages(OpportunityFact)))
    if result.get("relations"):
        found.append(relation_section(result["relations"]))
    return [section for section in found if section is not None]


def _kept(run: ReportedRun) -> list[Section]:
    """How risk, hedges, obligations and the books were kept."""
    result, found = run.result, []
    if result.get("risk") is not None:
        stages = risk_stages(stage_spans(run.log.messages(RiskState), *run.span_ns))
        found.append(Section("Risk", risk_tables(result["risk"]), [stages]))
    if result.get("hedges", {}).get("count"):
        currency_of = {name: one.facts.contract.settlement_currency for name, one in run.logs.items()}
        found.append(
            Section("Hedges", hedge_tables(result["hedges"], hedges(run.log.messages(HedgeFact), currency_of)))
        )
    if result.get("obligations"):
        found.append(Section("Quote obligations", [obligation_table(result["obligations"])]))
    if result.get("end_of_day"):
        found.append(Section("End of day", day_tables(result["end_of_day"])))
    return found


def _doubted(run: ReportedRun) -> list[Section]:
    """What the result rests on, and every figure with its error."""
    found = [calibration_section(run.run_dir, run.run_toml, run.span_ns)]
    if run.sensitivity is not None:
        found.append(sensitivity_section(run.sensitivity))
    if run.result.get("performance") is not None:
        found.append(figures_section(run.result["performance"]))
    return [section for section in found if section is not None]


def first_sections(run: ReportedRun) -> list[Section]:
    """Return the sections that come before the charts."""
    scorecard = run.result.get("scorecard")
    return [] if scorecard is None else [scorecard_section(scorecard)]
