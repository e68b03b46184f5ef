// The last minutes as two small pictures: prices with our quotes and fills, and PnL with the position.

import { s } from "./dom.js";
import { clock, money, number, price, size } from "./words.js";

const LEFT = 4, RIGHT = 66, TOP = 8, BOTTOM = 18;

// Drawn about as wide as it is shown, so that its letters are as large as all others.
const wide = (columns) => (window.innerWidth < 760 ? window.innerWidth - 34 : window.innerWidth * columns - 40);

// A point of the path: [ms, bid, ask, own bid, own ask, position, pnl].
const AT = { ms: 0, bid: 1, ask: 2, ownBid: 3, ownAsk: 4, position: 5, pnl: 6 };

function span(values) {
  const known = values.filter((value) => value !== null && Number.isFinite(value));
  if (!known.length) return null;
  const low = Math.min(...known), high = Math.max(...known), room = 0.06 * (high - low) || Math.abs(high) * 1e-4 || 1;
  return [low - room, high + room];
}

function scale([low, high], from, to) {
  return (value) => from + ((value - low) / (high - low || 1)) * (to - from);
}

// A line that holds each value until the next one, with gaps where there is none.
function steps(path, of, x, y) {
  const out = [];
  let last = null;
  for (const point of path) {
    const value = of(point), at = x(point[AT.ms]).toFixed(1);
    if (value === null || value === undefined) { if (last !== null) out.push(`H${at}`); last = null; continue; }
    const to = y(value).toFixed(1);
    out.push(last === null ? `M${at} ${to}` : `H${at}V${to}`);
    last = value;
  }
  return out.join("");
}

function frame(width, height, caption, ...inside) {
  return s("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": caption },
    s("title", {}, caption), ...inside);
}

function level(right, y, text, name = "tick") {
  const at = y.toFixed(1);
  return s("g", { class: name }, s("line", { x1: LEFT, x2: right, y1: at, y2: at }),
    s("text", { x: right + 6, y: at, dy: "0.32em" }, text));
}

function times(path, x, height) {
  const first = path[0][AT.ms], last = path[path.length - 1][AT.ms];
  return [[first, "start"], [(first + last) / 2, "middle"], [last, "end"]].map(([ms, anchor]) =>
    s("text", { class: "time", x: x(ms).toFixed(1), y: height - 4, "text-anchor": anchor }, clock(ms * 1e6)));
}

export function prices(path, fills, row, height = 190) {
  if (path.length < 2) return null;
  const width = wide(0.4), right = width - RIGHT;
  const first = path[0][AT.ms], last = path[path.length - 1][AT.ms];
  const shown = fills.filter((fill) => fill.ts_ns / 1e6 >= first && fill.ts_ns / 1e6 <= last);
  const range = span([...path.flatMap((point) => point.slice(AT.bid, AT.position)), ...shown.map((one) => Number(one.price))]);
  if (!range) return null;
  const x = scale([first, last], LEFT, right), y = scale(range, height - BOTTOM, TOP);
  const line = (name, at) => s("path", { class: name, d: steps(path, (point) => point[at], x, y) });
  const mid = (point) => (point[AT.bid] === null || point[AT.ask] === null ? null : (point[AT.bid] + point[AT.ask]) / 2);
  const now = [...path].reverse().find((point) => mid(point) !== null);
  const marks = shown.map((fill) => {
    const cx = x(fill.ts_ns / 1e6), cy = y(Number(fill.price)), up = fill.side === "BUY", d = up ? 5 : -5;
    return s("path", { class: `fill ${up ? "buy" : "sell"}`,
      d: `M${cx.toFixed(1)} ${(cy - d).toFixed(1)}l4.5 ${2 * d}h-9z` },
      s("title", {}, `${up ? "Bought" : "Sold"} ${size(fill.size, row)} at ${price(fill.price, row)}, ${clock(fill.ts_ns)}`));
  });
  const levels = [0.15, 0.85].map((at) => range[0] + at * (range[1] - range[0]))
    .filter((at) => !now || Math.abs(y(at) - y(mid(now))) > 14);
  const caption = `${row.id}: mid, best prices, our best quotes and ${shown.length} fills`;
  return frame(width, height, caption,
    levels.map((at) => level(right, y(at), price(at, row))),
    line("market", AT.bid), line("market", AT.ask), s("path", { class: "mid", d: steps(path, mid, x, y) }),
    line("own buy", AT.ownBid), line("own sell", AT.ownAsk), marks,
    now ? level(right, y(mid(now)), price(mid(now), row, 1), "now") : null, times(path, x, height));
}

export function results(path, row, height = 130) {
  if (path.length < 2) return null;
  const width = wide(0.27), right = width - RIGHT;
  const x = scale([path[0][AT.ms], path[path.length - 1][AT.ms]], LEFT, right);
  const half = (height - BOTTOM) / 2, last = path[path.length - 1];
  const strip = (at, top, words, name) => {
    const range = span([0, ...path.map((point) => point[at])]);
    const y = scale(range, top + half - 6, top + 4), drawn = steps(path, (point) => point[at], x, y);
    return [s("line", { class: "zero", x1: LEFT, x2: right, y1: y(0).toFixed(1), y2: y(0).toFixed(1) }),
      s("path", { class: name, d: drawn }),
      s("text", { class: `label ${name}`, x: LEFT + 2, y: top + 12 }, words[0]),
      last[at] === null ? null : s("text", { class: "value", x: right + 6, y: y(last[at]).toFixed(1), dy: "0.32em" }, words[1])];
  };
  const caption = `${row.id}: PnL in ${row.currency} and position in ${row.unit}`;
  return frame(width, height, caption,
    strip(AT.pnl, 0, [`PnL, ${row.currency}`, money(last[AT.pnl], row.currency)], "pnl"),
    strip(AT.position, half, [`Position, ${row.unit}`, number(last[AT.position], 3)], "position"), times(path, x, height));
}
