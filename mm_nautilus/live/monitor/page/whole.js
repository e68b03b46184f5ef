// What concerns the run as a whole: risk rules, money by currency, venues, latencies, hedges, alerts.

import { statement } from "./detail.js";
import { h } from "./dom.js";
import { badge, long, nothing, num, panel, table } from "./parts.js";
import { NONE, clock, clockMs, compact, inWords, lasting, money, number, title } from "./words.js";

function risk({ risk: known }) {
  const fired = known.rules.filter((rule) => rule.stage !== "NORMAL").length;
  const rows = [...known.rules].sort((a, b) => (a.stage === "NORMAL") - (b.stage === "NORMAL")).map((rule) => ({ key: rule.rule + rule.scope, cells: [
    title(rule.rule), rule.scope || "run", num(compact(rule.value)), { text: badge(title(rule.stage), rule.stage) },
    { text: rule.reason, class: "text" }, num(clock(rule.ts_ns))] }));
  return panel("Risk", rows.length ? `${fired} of ${rows.length} rules ask for restraint` : null,
    h("p", {}, badge(title(known.stage), known.stage), " ", known.state ? known.state.reason : ""),
    rows.length ? table("Risk rules, those that ask for restraint first",
      [{ text: "Rule" }, { text: "Of", class: "wide" }, { text: "Value", class: "n" }, { text: "Asks for" }, { text: "Measured" }, { text: "UTC", class: "n wide" }], rows, "rules") :
      nothing(known.said ? "No rule has reported yet." : "This run has no risk rules, or none has reported yet."));
}

function incidents({ risk: known, alerts, controls }) {
  const all = [
    ...known.incidents.map((one) => [one.ts_ns, one.source, `incident ${one.incident_id} ${inWords(one.event)}: ${one.reason}`]),
    ...alerts.map((one) => [one.ts_ns, one.source, `${one.instrument_id ? `${one.instrument_id}: ` : ""}${one.text}`]),
    ...controls.map((one) => [one.ts_ns, one.who, `${[inWords(one.command), one.subject].filter(Boolean).join(" ")}: ${inWords(one.outcome)}, ${one.answer}`]),
  ].sort((a, b) => b[0] - a[0]).slice(0, 20);
  return panel("Alerts, incidents and commands", null, all.length ? table("Latest first", [{ text: "UTC" }, { text: "From" }, { text: "What" }],
    all.map(([ts, source, text]) => [clock(ts), source, { text, class: "text" }])) : nothing("None."));
}

function venues(snap) {
  const rows = snap.connections.map((one) => [one.venue,
    { text: one.up === null ? "not told" : badge(one.up ? "Up" : "Down", one.up ? "good" : "severe") },
    num(one.since_ns ? lasting((snap.now_ns - one.since_ns) / 1e9) : NONE), num(number(one.losses, 0))]);
  const waits = snap.latencies.map((one) => [title(one.name), num(lasting(one.median_ms / 1000)), num(lasting(one.p99_ms / 1000)),
    num(lasting(one.max_ms / 1000)), num(number(one.count, 0))]);
  return panel("Venues and latencies", null,
    table("Connections", [{ text: "Venue" }, { text: "State" }, { text: "For", class: "n" }, { text: "Losses", class: "n" }], rows),
    waits.length ? table("Latencies of the last commands", [{ text: "Latency" }, { text: "Median", class: "n" }, { text: "99 %", class: "n" },
      { text: "Longest", class: "n" }, { text: "Of", class: "n" }], waits) : null);
}

function amounts(snap) {
  const many = snap.instruments.length > 1;
  const exposures = snap.assets.map((one) => [one.asset, num(compact(one.position)), num(one.limit === null ? "none" : compact(one.limit)), num(one.instruments)]);
  if (!many || !snap.money.length) return null;
  return panel("The run", "currencies are not added up",
    snap.money.map((sum) => statement(sum.lines, sum.total, sum.currency, `PnL of the run in ${sum.currency}`)),
    exposures.length ? table("Exposure by asset", [{ text: "Asset" }, { text: "Net", class: "n" }, { text: "Limit", class: "n" }, { text: "On", class: "n" }], exposures) : null);
}

function hedges({ hedges: list }) {
  if (!list.length) return null;
  return panel("Hedges", null, table("Latest first", [{ text: "UTC" }, { text: "Event" }, { text: "Asset" }, { text: "Exposure", class: "n" },
    { text: "To", class: "n" }, { text: "Order" }, { text: "Cost", class: "n" }, { text: "Why" }],
  list.slice(0, 15).map((one) => [clockMs(one.ts_ns), { text: one.event === "ALARM" || one.event === "REFUSED" ? badge(title(one.event), "severe") : title(one.event) },
    one.asset, num(compact(one.exposure)), num(compact(one.target)),
    one.instrument_id ? `${inWords(one.side)} ${compact(one.size)} ${one.instrument_id}` : NONE,
    num(one.cost ? compact(one.cost) : NONE), long(`${inWords(one.cause)}${one.reason ? `: ${one.reason}` : ""}`)])));
}

function opportunities({ opportunities: list }) {
  if (!list.length) return null;
  return panel("Arbitrage", null, table("Latest first", [{ text: "UTC" }, { text: "Event" }, { text: "Buy on" }, { text: "Sell on" }, { text: "Size", class: "n" },
    { text: "Net", class: "n" }, { text: "Why" }],
  list.slice(0, 15).map((one) => [clockMs(one.ts_ns), title(one.event), one.buy_instrument_id, one.sell_instrument_id, num(compact(one.size)),
    num(money(one.net_profit, "")), long(one.reason || inWords(one.verdict))])));
}

export const whole = (snap) => [
  h("div", { class: "grid even" }, h("div", { class: "column" }, risk(snap)), h("div", { class: "column" }, amounts(snap), venues(snap)),
    h("div", { class: "column" }, incidents(snap))),
  hedges(snap), opportunities(snap)];
