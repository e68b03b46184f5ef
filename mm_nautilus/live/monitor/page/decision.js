// The last decisions, and one of them step by step: what was seen, what each step made of it, what came of it.

import { h } from "./dom.js";
import { badge, facts, nothing, panel } from "./parts.js";
import { NONE, clockMs, compact, listed, number, price, signed, size, title } from "./words.js";

const pair = (bid, ask) => `${bid} / ${ask}`;

function step(number_, name, ...inside) {
  return h("li", {}, h("h3", {}, h("span", { class: "muted" }, `${number_} `), name), ...inside);
}

const levels = (prices, sizes, row) => (prices.length ? prices.map((at, i) => `${size(sizes[i], row)} @ ${price(at, row)}`).join(", ") : "none");

function commands(one) {
  const counts = [["submit", one.submits], ["amend", one.amends], ["cancel", one.cancels], ["keep", one.keeps], ["defer", one.deferred]];
  return counts.filter(([, count]) => count).map(([what, count]) => `${count} ${what}`).join(", ") || "nothing to do";
}

function explained(one, row) {
  const inTicks = (value) => (value === null ? NONE : signed(value / row.tick, 1));
  const skew = one.reservation_price === null || one.fair_value === null ? null : one.reservation_price - one.fair_value;
  const plain = one.bid_spread_multiplier === 1 && one.ask_spread_multiplier === 1 && one.bid_size_multiplier === 1 &&
    one.ask_size_multiplier === 1 && one.fair_value_shift === 0;
  const half = (value) => (value === null ? "not quoted" : `${number(value / row.tick, 1)}`);
  return h("ol", { class: "steps" },
    step(0, "Seen", facts(["Best bid / ask", pair(price(one.bid, row), price(one.ask, row))],
      ["Sizes", pair(size(one.bid_size, row), size(one.ask_size, row))], ["Position", size(one.position, row)],
      one.inventory === null ? null : ["Netted over venues", size(one.inventory, row)],
      ["Worst case", pair(size(one.worst_short, row), size(one.worst_long, row)), "Position if all asks, all bids filled"])),
    step(1, "Estimate", facts(["Fair value", price(one.fair_value, row, 2)], ["Volatility", `${compact(one.sigma)} /√s`, "Price units per square-root second"],
      ["Fills per s, A", pair(compact(one.bid_a_per_s), compact(one.ask_a_per_s))], ["Decay, k", pair(compact(one.bid_k_per_price), compact(one.ask_k_per_price))])),
    step(2, "Price", facts(["Reservation", price(one.reservation_price, row, 2)], ["Skew, ticks", inTicks(skew), "Reservation price less fair value: what the inventory does"],
      ["Half-spreads, ticks", pair(half(one.bid_half_spread), half(one.ask_half_spread))])),
    step(3, "Adjust", plain ? nothing("Nothing adjusted.") : facts(
      ["Spread ×", pair(number(one.bid_spread_multiplier, 2), number(one.ask_spread_multiplier, 2))],
      ["Size ×", pair(number(one.bid_size_multiplier, 2), number(one.ask_size_multiplier, 2))], ["Shift, ticks", inTicks(one.fair_value_shift)])),
    step(4, "Ladder", facts(["Bids", levels(one.bid_prices, one.bid_sizes, row)], ["Asks", levels(one.ask_prices, one.ask_sizes, row)])),
    step(5, "Guards", facts(["State", title(one.quote_state)], ["Why", listed(one.reasons) || "nothing stands against quoting"],
      ["Caps", listed(one.caps) || "none"],
      one.bid_bound === null && one.ask_bound === null ? null : ["Hedge bounds", pair(price(one.bid_bound, row), price(one.ask_bound, row))],
      one.bid_hedge_venue || one.ask_hedge_venue ? ["Hedged on", pair(one.bid_hedge_venue || NONE, one.ask_hedge_venue || NONE)] : null,
      one.hedge_refusals.length ? ["Refused", one.hedge_refusals.join("; ")] : null)),
    step(6, "Orders", h("p", {}, commands(one), ".")));
}

export function decisions(row, known, view) {
  const list = known.decisions;
  if (!list.length) return panel("Decisions", null, nothing("None yet."));
  const pinned = view.pinned && view.pinned.instrument_id === row.id ? view.pinned : null, shown = pinned || list[0];
  return panel("Decisions", `${known.decided} so far`,
    h("ul", { class: "decisions", "aria-label": "Last decisions, latest first" }, list.map((one) =>
      h("li", {}, h("button", { type: "button", "data-decision": one.decision_id, "aria-pressed": String(one.decision_id === shown.decision_id) },
        h("span", {}, clockMs(one.ts_ns)), h("span", {}, one.trigger), h("span", {}, title(one.quote_state)), h("span", { class: "muted" }, commands(one)))))),
    h("p", { class: "pin" }, `Decision ${shown.decision_id}, on ${shown.trigger}, at ${clockMs(shown.ts_ns)} `, badge(title(shown.quote_state), shown.quote_state), " ",
      pinned ? h("button", { type: "button", "data-decision": "latest" }, "Follow the latest") : h("span", { class: "muted" }, "the latest")),
    explained(shown, row));
}
