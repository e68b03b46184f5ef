// The strip of what counts most, what needs a person, and one row for each instrument.

import { h } from "./dom.js";
import { OVER, badge, num, panel, table, tone, use } from "./parts.js";
import { NONE, clock, day, inWords, lasting, listed, money, number, price, size, ticks, title } from "./words.js";

const MOST_PLAIN = 8;
const RECENT_NS = 300e9;

function tile(name, figure, detail, kind = "", words = null) {
  return h("div", { class: "tile", title: words }, h("dt", {}, name), h("dd", { class: kind || null }, figure),
    h("dd", { class: "sub" }, detail));
}

export function strip(snap) {
  const { risk, instruments, connections, latencies, money: amounts, run } = snap;
  const quoting = instruments.filter((row) => row.own_bid !== null || row.own_ask !== null).length;
  const worst = instruments.filter((row) => row.worst_use !== null).sort((a, b) => b.worst_use - a.worst_use)[0];
  const up = connections.filter((one) => one.up).length, known = connections.filter((one) => one.up !== null).length;
  const answer = latencies.find((one) => one.name === "tick to order") || latencies.find((one) => one.name.startsWith("submit"));
  const one = instruments.length === 1 ? instruments[0] : null;
  const pnl = amounts.slice(0, 3).map((sum) =>
    tile(`PnL, ${sum.currency}`, money(sum.total, sum.currency), "after fees, marked at the mid", tone(sum.total)));
  return h("dl", { class: "tiles" },
    pnl.length ? pnl : tile(`PnL, ${run.currency || "–"}`, NONE, "no mark yet"),
    tile("Quoting", one ? title(one.state || "not yet") : `${quoting} of ${instruments.length}`,
      one ? listed(one.reasons) || "both sides as the model wants" : "instruments with a resting order"),
    tile("Risk", title(risk.stage), risk.state ? risk.state.reason || listed(risk.state.rules) || "no rule holds" :
      risk.said ? "no rule holds" : "no rules in this run", risk.stage === "NORMAL" ? "" : "loss"),
    worst ? tile("Fullest limit", `${number(100 * worst.worst_use, 0)} %`, `${worst.id}, worst case`,
      worst.worst_use > OVER ? "loss" : "", "Position if every working order of a side filled, over its limit") : null,
    tile("Venues", known ? `${up} of ${connections.length} up` : `${connections.length}`,
      known ? connections.filter((venue) => venue.up === false).map((venue) => `${venue.venue} is down`).join(", ") ||
        connections.map((venue) => venue.venue).slice(0, 4).join(", ") : "state not told", known > up ? "loss" : ""),
    tile("Latency", answer ? lasting(answer.median_ms / 1000) : NONE,
      answer ? `${answer.name}; 99 % within ${lasting(answer.p99_ms / 1000)}` : "no command answered yet"),
    tile("Clock, UTC", clock(snap.clock_ns), `${day(snap.clock_ns)}, ${run.mode}`));
}

// What a person has to know without looking for it, gravest first.
export function attention(snap) {
  const found = [];
  const { risk } = snap;
  if (risk.stage !== "NORMAL") found.push(["severe", `Risk: ${title(risk.stage)}. ${risk.state?.reason || ""}`]);
  if (snap.standing.paused) found.push(["severe", "Paused by the operator until a resume: nothing new begins, hedges go on"]);
  for (const [name, values] of Object.entries(snap.standing.values)) {
    for (const [parameter, [value, tested]] of Object.entries(values)) {
      found.push(["warning", `${name}: ${parameter} is ${value} by the operator, ${tested} in the run file`]);
    }
  }
  for (const state of risk.restrained) {
    if (state.stage !== "NORMAL") found.push(["warning", `${state.instrument_id}: ${inWords(state.stage)}. ${state.reason}`]);
  }
  for (const venue of snap.connections) {
    if (venue.up === false) found.push(["severe", `${venue.venue} is not connected, for ${lasting((snap.now_ns - venue.since_ns) / 1e9)}`]);
  }
  if (snap.silent_s > 5) found.push(["severe", `The strategy has said nothing for ${lasting(snap.silent_s)}`]);
  for (const row of snap.instruments) {
    if (row.fault) found.push(["warning", `${row.id}: not quoted, ${inWords(row.fault)}`]);
    if (row.worst_use !== null && row.worst_use > OVER) found.push(["severe", `${row.id}: worst case beyond the position limit`]);
    if (row.toxic.length) found.push(["warning", `${row.id}: ${row.toxic.map(inWords).join(" and ")} side picked off`]);
  }
  for (const [asset, why] of Object.entries(snap.unattributed)) found.push(["warning", `PnL of ${asset} cannot be told: ${why}`]);
  for (const one of snap.alerts) {
    if (snap.clock_ns - one.ts_ns < RECENT_NS) found.push(["warning", `${one.instrument_id || one.source}: ${one.text} (${clock(one.ts_ns)})`]);
  }
  return found.sort((a, b) => (a[0] === b[0] ? 0 : a[0] === "severe" ? -1 : 1));
}

export function attentionPanel(snap) {
  const found = attention(snap);
  if (!found.length) return null;
  return h("ul", { class: "attention", "aria-label": "Needs attention" }, found.slice(0, 12).map(([grave, words]) =>
    h("li", { class: grave }, badge(grave === "severe" ? "Act" : "Look", grave), " ", words)),
    found.length > 12 ? h("li", { class: "muted" }, `and ${found.length - 12} more`) : null);
}

const COLUMNS = [
  { key: "id", text: "Instrument", of: (row) => row.id },
  { key: "state", text: "State", of: (row) => row.state || "" },
  { text: "Bid", class: "n wide" }, { text: "Ask", class: "n wide" },
  { text: "Our bid", class: "n", title: "Our best resting bid, and how many ticks it stands behind the best bid" },
  { text: "Our ask", class: "n", title: "Our best resting ask, and how many ticks it stands behind the best ask" },
  { text: "Position", class: "n" },
  { key: "use", text: "Limit", class: "wide", of: (row) => row.worst_use ?? -1, title: "Share of the position limit held, and in the worst case" },
  { key: "pnl", text: "PnL", class: "n", of: (row) => Number(row.pnl ?? 0) },
  { key: "fills", text: "Fills", class: "n wide", of: (row) => row.fills },
  { key: "age", text: "Market", class: "n wide", of: (row) => row.market_s ?? 0, title: "Since the market was last heard of" },
];

const quoted = (own, away, row) => (own === null ? num(NONE, "No order of this side rests") :
  num(h("span", {}, price(own, row), h("small", {}, away === null ? "" : ` ${ticks(away)}`)), `${ticks(away)} ticks behind the best price`));

function instrument(row, chosen) {
  return {
    key: row.id, class: row.id === chosen ? "chosen" : null,
    cells: [
      { text: h("button", { type: "button", "data-instrument": row.id, "aria-pressed": String(row.id === chosen) }, row.id) },
      { text: [badge(title(row.state || "not yet"), row.state), row.stage !== "NORMAL" ? [" ", badge(title(row.stage), row.stage)] : null],
        title: row.fault ? inWords(row.fault) : listed(row.reasons) },
      num(price(row.bid, row)), num(price(row.ask, row)), quoted(row.own_bid, row.bid_ticks, row), quoted(row.own_ask, row.ask_ticks, row),
      num(size(row.position, row)), { text: use(row.use, row.worst_use) }, num(money(row.pnl, row.currency), row.currency, tone(row.pnl)),
      num(number(row.fills, 0)), num(lasting(row.market_s)),
    ],
  };
}

export function overview(snap, view) {
  const by = COLUMNS.find((column) => column.key === view.sort);
  let rows = snap.instruments.filter((row) => row.id.toLowerCase().includes(view.filter));
  if (by) {
    const less = (a, b) => (by.of(a) < by.of(b) ? -1 : by.of(a) > by.of(b) ? 1 : 0);
    rows = [...rows].sort((a, b) => (view.down ? less(b, a) : less(a, b)));
  }
  const many = snap.instruments.length > MOST_PLAIN;
  const head = COLUMNS.map((column) => ({ ...column,
    sort: column.key && column.key === view.sort ? (view.down ? "descending" : "ascending") : null,
    text: many && column.key ? h("button", { type: "button", "data-sort": column.key },
      column.text, column.key === view.sort ? (view.down ? " ▾" : " ▴") : "") : column.text }));
  const search = many ? h("input", { type: "search", id: "filter", placeholder: "Filter", "aria-label": "Show instruments whose name contains" }) : null;
  return panel("Instruments", many ? `${rows.length} of ${snap.instruments.length}` : null, search,
    table("Every instrument of the run", head, rows.map((row) => instrument(row, view.chosen)), many ? "overview tall" : "overview"));
}
