// What panels are made of.

import { h } from "./dom.js";
import { NONE, share } from "./words.js";

export const LINES = {
  spread_capture: "Spread capture", adverse_selection: "Adverse selection", hedging: "Hedging", arbitrage: "Arbitrage",
  fees: "Fees", rebates: "Rebates", funding: "Funding", inventory: "Inventory", basis: "Basis", conversion: "Conversion",
};

export function panel(title, note, ...inside) {
  return h("section", { class: "panel", "data-panel": title }, h("h2", {}, title, note ? h("small", {}, note) : null), ...inside);
}

// Cells are text, or {text, class, title}; the first of a row is its header.
export function table(caption, head, rows, name = "") {
  const cell = (tag, value, at, extra) => {
    const said = value !== null && typeof value === "object" && !(value instanceof Node) ? value : { text: value };
    const of = head[at], kind = [of.class, said.class].filter(Boolean).join(" ");
    return h(tag, { class: kind || null, title: said.title, ...extra }, said.text ?? NONE);
  };
  return h("div", { class: "scroll" }, h("table", { class: name || null },
    h("caption", { class: "hidden" }, caption),
    h("thead", {}, h("tr", {}, head.map((one) =>
      h("th", { scope: "col", class: one.class, title: one.title, "aria-sort": one.sort }, one.text)))),
    h("tbody", {}, rows.map((row) => {
      const cells = Array.isArray(row) ? row : row.cells;
      return h("tr", { class: row.class, "data-row": row.key }, cells.map((value, at) =>
        cell(at === 0 ? "th" : "td", value, at, at === 0 ? { scope: "row" } : {})));
    }))));
}

export const num = (text, title, more = "") => ({ text, title, class: `n ${more}`.trim() });

// A state is told by its words; colour only repeats them.
const GRAVE = { NORMAL: "good", ACTIVE: "good", PASSIVE: "note", AGGRESSIVE: "note", INVENTORY_LIMIT: "warning",
  WITHDRAWN: "warning", WIDEN: "warning", REDUCE_ONLY: "warning", FLATTEN: "severe", HALT: "severe" };

export const badge = (words, code, title) => h("span", { class: `badge ${GRAVE[code] || code || "note"}`, title }, words);

export const tone = (value) => (Number(value) > 0 ? "gain" : Number(value) < 0 ? "loss" : "");

// A worst case is counted in binary fractions: a hair above the limit is at it.
export const OVER = 1.0001;

export function use(value, worst) {
  if (value === null || value === undefined) return h("span", { class: "muted" }, "no limit");
  const high = worst > OVER ? "severe" : worst > 0.8 ? "warning" : "";
  const words = `${share(value)} of the limit held, ${share(worst)} if every working order of a side filled`;
  return h("span", { class: "use", title: words },
    h("meter", { min: 0, max: 1, low: 0.8, high: 0.95, optimum: 0, value: Math.min(value, 1), "aria-label": words }),
    h("span", { class: "n" }, share(value)), h("span", { class: `n muted ${high}` }, `≤ ${share(worst)}`));
}

export function facts(...pairs) {
  return h("dl", { class: "facts" }, pairs.filter(Boolean).map(([name, value, title]) =>
    h("div", { title }, h("dt", {}, name), h("dd", {}, value ?? NONE))));
}

// Three lines of words that may be long; all of them under the pointer.
export const long = (words) => ({ text: h("div", { class: "long" }, words), title: words, class: "text" });

export const nothing = (words) => h("p", { class: "muted" }, words);
