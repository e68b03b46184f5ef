// One instrument: our quotes against the book, inventory, where the PnL came from, fills, and who picks us off.

import { prices, results } from "./chart.js";
import { h } from "./dom.js";
import { LINES, badge, facts, nothing, num, panel, table, tone, use } from "./parts.js";
import { NONE, clock, clockMs, compact, inWords, lasting, listed, money, number, price, signed, size, ticks, title } from "./words.js";

const LADDER = [
  { text: "" }, { text: "Price", class: "n" }, { text: "Open", class: "n", title: "What is left of the order" }, { text: "State" },
  { text: "Ticks", class: "n", title: "From the best price of the side: 0 joins it, above 0 is behind, below 0 improves it" },
  { text: "bps", class: "n wide", title: "From the mid" },
  { text: "Ahead", class: "n", title: "At most this much trades before the order; cancellations by others make it less" },
  { text: "Rests", class: "n wide", title: "Since the order got its price" },
];

function ladder(row, detail) {
  const book = detail.book, rows = [];
  // Levels count from the best price; an order that was amended may carry another level's number.
  const places = new Map();
  for (const buy of [true, false]) {
    const mine = detail.orders.filter((order) => (order.side === "BUY") === buy && order.purpose === "QUOTE");
    mine.sort((a, b) => (buy ? b.price - a.price : a.price - b.price)).forEach((order, at) => places.set(order.id, at + 1));
  }
  for (const order of detail.orders) {
    const buy = order.side === "BUY", level = places.get(order.id);
    rows.push({ at: order.price, rank: buy ? 3 : 1, key: order.id, class: buy ? "buy" : "sell", cells: [
      { text: level ? `Our ${buy ? "bid" : "ask"} ${level}` : `${title(order.purpose)}, ${buy ? "buy" : "sell"}`,
        title: `${order.purpose.toLowerCase()} order ${order.id}` },
      num(price(order.price, row), order.wanted_price ? `moves to ${price(order.wanted_price, row)}` : null),
      num(size(order.size - order.filled, row), order.filled ? `${size(order.filled, row)} of ${size(order.size, row)} filled` : null),
      { text: [title(order.state), order.filled ? h("small", {}, " part filled") : null] },
      num(ticks(order.distance_ticks)), num(number(order.distance_bps, 1)),
      num(order.ahead === null ? NONE : `≤ ${size(order.ahead, row)}`), num(lasting(order.rests_s)),
    ] });
  }
  const best = (at, shown, words, rank) => ({ at, rank, class: "best", cells: [words, num(price(at, row)), num(size(shown, row)), "", "", "", "", ""] });
  if (book && book.ask !== null) rows.push(best(book.ask, book.ask_size, "Best ask", 2));
  if (book && book.bid !== null) rows.push(best(book.bid, book.bid_size, "Best bid", 2.5));
  // A crossed book is shown as it is: by price, and asks above bids at the same one.
  rows.sort((a, b) => b.at - a.at || a.rank - b.rank);
  return rows.length ? table("Our orders against the best prices, highest price first", LADDER, rows, "ladder") : nothing("No market and no order yet.");
}

function quotes(row, detail) {
  const spread = detail.book && detail.book.spread_bps !== null ? `spread ${number(detail.book.spread_bps, 1)} bps` : "no two-sided market";
  const heard = row.market_s === null ? "" : `, heard ${lasting(row.market_s)} before the last mark`;
  const chart = prices(detail.path, detail.fills, row);
  return panel("Quotes against the book", spread + heard, ladder(row, detail),
    chart ? h("figure", {}, chart, h("figcaption", { class: "key" },
      h("span", { class: "mid" }, "mid"), h("span", { class: "market" }, "best prices"), h("span", { class: "buy" }, "our bid, ▲ bought"),
      h("span", { class: "sell" }, "our ask, ▼ sold"))) : nothing("The picture begins with the second sample."));
}

const funding = (rate) => `${signed(100 * rate, 4)} %`;

function inventory(row, detail, snap) {
  const chart = results(detail.path, row), risk = snap.risk.rules.filter((rule) => rule.rule === "value_at_risk");
  const engine = detail.engine_position, due = detail.funding;
  return panel("Inventory", null, facts(
    ["Position", `${size(row.position, row)} ${row.unit}`],
    ["Limit", row.limit === null ? "none" : `± ${size(row.limit, row)}`],
    ["Use", use(row.use, row.worst_use)],
    ["If all bids fill", size(row.worst_long, row), "Position if every working and in-flight buy filled"],
    ["If all asks fill", size(row.worst_short, row), "Position if every working and in-flight sell filled"],
    ["Value at risk", risk.length && risk[0].value !== null ? compact(risk[0].value) : "not measured", risk.length ? risk[0].reason : "No rule of the run measures it"],
    due ? ["Funding", `${funding(due.rate)}${due.due_ns ? ` in ${lasting(Math.max(0, (due.due_ns - snap.clock_ns) / 1e9))}` : ""}`,
      `What a long position pays of its worth, and a short one receives${due.due_ns ? `, at ${clock(due.due_ns)} UTC` : ""}; below 0 the other way round`] : null,
    engine === null ? null : ["Engine, at the last roll-over", size(engine, row)],
  ), chart ? h("figure", {}, chart) : null);
}

export function statement(lines, total, currency, caption) {
  const rows = Object.entries(LINES).filter(([name]) => Number(lines[name]) !== 0).map(([name, words]) =>
    [words, num(money(lines[name], currency), lines[name], tone(lines[name]))]);
  rows.push({ class: "sum", cells: ["Total", num(money(total, currency), total, tone(total))] });
  return table(caption, [{ text: "Line" }, { text: currency, class: "n" }], rows, "statement");
}

function attribution(row, detail) {
  const words = "so far, as the report will say";
  return panel("Where the PnL came from", words, detail.lines ?
    statement(detail.lines, row.pnl, row.currency, `PnL of ${row.id} by where it came from`) : nothing("Not before the market was marked at once."));
}

function fills(row, detail) {
  const horizons = [...new Set(detail.fills.flatMap((fill) => Object.keys(fill.markouts)))].sort((a, b) => a - b).slice(0, 4);
  const head = [{ text: "UTC" }, { text: "Side" }, { text: "Price", class: "n" }, { text: "Size", class: "n" },
    { text: "Edge", class: "n", title: "Against the mid at the fill, per unit, in ticks" },
    ...horizons.map((one, at) => ({ text: `${one} s`, class: at > 1 ? "n wide" : "n", title: `Markout ${one} s later, per unit, in ticks; empty until then` })),
    { text: "Held", class: "n wide", title: "Position after it" }, { text: "Why", class: "wide" }];
  const tick = (value) => (value === null || value === undefined ? num(NONE) : num(signed(value / row.tick, 1), `${compact(value)} per unit`, tone(value)));
  const rows = detail.fills.slice(0, 20).map((fill) => ({ key: fill.trade_id, cells: [
    { text: clock(fill.ts_ns), title: `${clockMs(fill.ts_ns)}, trade ${fill.trade_id}` },
    { text: fill.side === "BUY" ? "▲ Bought" : "▼ Sold", class: fill.side === "BUY" ? "buy" : "sell" },
    num(price(fill.price, row)), num(size(fill.size, row)), tick(fill.edge), ...horizons.map((one) => tick(fill.markouts[one])),
    num(size(fill.position_after, row)),
    { text: `${fill.purpose.toLowerCase()}${fill.level >= 0 ? ` ${fill.level + 1}` : ""}`,
      title: `${fill.liquidity.toLowerCase()}, decision ${fill.decision_id}, commission ${fill.commission} ${fill.commission_currency}` },
  ] }));
  return panel("Last fills", `${row.fills} so far; edge and markouts in ticks`,
    rows.length ? table("Last fills, latest first", head, rows, "fills") : nothing("None yet."));
}

const TESTS = { immediate: "Immediate markout", delayed: "Delayed markout", flow: "Order flow", sweep: "Sweeps", clustering: "Clustering" };

function adverse(row, detail) {
  const one = detail.assessment;
  if (!one) return panel("Adverse selection", null, nothing("Not assessed: no [adverse_selection] in the run file, or no assessment yet."));
  const verdict = (side) => (one[`${side}_toxic`] ? badge("Picked off", "severe") : badge("No sign", "good"));
  const rows = Object.entries(TESTS).map(([key, words]) => [words, ...["bid", "ask"].flatMap((side) => [
    num(compact(one[`${side}_${key}_score`])),
    num(number(one[`${side}_${key}_t`], 2), null, one[`${side}_tests`].includes(key) || one[`${side}_tests`].includes(key.toUpperCase()) ? "loss" : "")])]);
  rows.push({ class: "sum", cells: ["Together", "", num(number(one.bid_t, 2)), "", num(number(one.ask_t, 2))] });
  const away = (side) => (one[`${side}_away_until_ns`] ? "withdrawn" : `spread × ${number(one[`${side}_spread_multiplier`], 2)}, size × ${number(one[`${side}_size_multiplier`], 2)}`);
  return panel("Adverse selection", `assessed ${clockMs(one.ts_ns).slice(0, 8)} UTC; above 0 is against us`,
    facts(["Bid", verdict("bid")], ["Ask", verdict("ask")], ["Bid advice", away("bid")], ["Ask advice", away("ask")],
      ["Fills against us", `${number(100 * one.adverse_ratio, 0)} %`], ["Trade imbalance", number(one.trade_imbalance, 2)]),
    table("Tests by side", [{ text: "Test" }, { text: "Bid score", class: "n" }, { text: "t", class: "n" }, { text: "Ask score", class: "n" }, { text: "t", class: "n" }], rows));
}

export function detail(row, known, snap, decisions) {
  const age = (snap.clock_ns - known.at_ns) / 1e9, exact = (value) => (value === null ? null : Number(value));
  // The path ends with what is known now: its own last point may be a second old.
  const now = [snap.clock_ns / 1e6, row.bid, row.ask, row.own_bid, row.own_ask, exact(row.position), exact(row.pnl)];
  const current = { ...known, path: [...known.path, now] };
  return [
    h("h2", { class: "name" }, row.id, " ", badge(title(row.state || "not yet"), row.state),
      h("small", {}, row.fault ? inWords(row.fault) : listed(row.reasons), age > 5 ? ` as of ${lasting(age)} ago` : "")),
    h("div", { class: "grid" },
      h("div", { class: "column" }, quotes(row, current), fills(row, known)),
      h("div", { class: "column" }, inventory(row, current, snap), attribution(row, known), adverse(row, known)),
      h("div", { class: "column" }, decisions)),
  ];
}
