"""The sections of the page that are about the whole run: risk, hedges, obligations, days."""

from __future__ import annotations

from mm_nautilus.analytics.hedge_summary import hedges
from mm_nautilus.analytics.report.attribution_section import attribution_section
from mm_nautilus.analytics.report.book_sections import day_tables, obligation_table
from mm_nautilus.analytics.report.page import Section
from mm_nautilus.analytics.report.reading import ReportedRun
from mm_nautilus.analytics.report.risk_charts import risk_stages
from mm_nautilus.analytics.report.risk_sections import hedge_tables, risk_tables
from mm_nautilus.analytics.report.sensitivity_section import read_sensitivity, sensitivity_section
from mm_nautilus.analytics.report.venue_sections import opportunity_section, relation_section
from mm_nautilus.analytics.risk_summary import stage_spans
from mm_nautilus.messages import HedgeFact, OpportunityFact, RiskState


def run_sections(run: ReportedRun) -> list[Section]:
    """Return the sections that have something to say."""
    result, log = run.result, run.log
    currency_of = {name: one.facts.contract.settlement_currency for name, one in run.logs.items()}
    sections = []
    if result.get("attribution") and (section := attribution_section(result["attribution"])) is not None:
        sections.append(section)
    if result.get("opportunities"):
        sections.append(opportunity_section(result["opportunities"], log.messages(OpportunityFact)))
    if result.get("relations") and (section := relation_section(result["relations"])) is not None:
        sections.append(section)
    if result.get("risk") is not None:
        stages = risk_stages(stage_spans(log.messages(RiskState), *run.span_ns))
        sections.append(Section("Risk", risk_tables(result["risk"]), [stages]))
    if result.get("hedges", {}).get("count"):
        told = hedges(log.messages(HedgeFact), currency_of)
        sections.append(Section("Hedges", hedge_tables(result["hedges"], told)))
    if result.get("obligations"):
        sections.append(Section("Quote obligations", [obligation_table(result["obligations"])]))
    if result.get("end_of_day"):
        sections.append(Section("End of day", day_tables(result["end_of_day"])))
    sensitivity = read_sensitivity(run.run_dir)
    if sensitivity is not None:
        sections.append(sensitivity_section(sensitivity))
    return sections
