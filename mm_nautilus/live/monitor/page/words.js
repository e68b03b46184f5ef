// Numbers, codes and instants as a person reads them.

export const NONE = "–";
const MINUS = "\u2212";
const CENTS = new Set(["USD", "USDT", "USDC", "EUR", "GBP", "CHF", "AUD", "CAD", "BUSD", "FDUSD", "DAI", "TUSD"]);

const isNone = (value) => value === null || value === undefined || value === "" || Number.isNaN(Number(value));

export function number(value, digits) {
  if (isNone(value)) return NONE;
  const text = Number(value).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return Number(text.replaceAll(",", "")) === 0 ? text.replace("-", "") : text.replace("-", MINUS);
}

export function signed(value, digits) {
  const text = number(value, digits);
  return isNone(value) || text.startsWith(MINUS) || !/[1-9]/.test(text) ? text : `+${text}`;
}

// Digits after the point that a step of 0.01 needs: 2.
export function digitsOf(step) {
  const [, fraction = ""] = Number(step).toFixed(12).replace(/0+$/, "").split(".");
  return fraction.length;
}

export const price = (value, row, finer = 0) => number(value, digitsOf(row.tick) + finer);
export const size = (value, row) => number(value, digitsOf(row.lot));
export const moneyDigits = (currency) => (CENTS.has(currency) ? 2 : 6);
export const money = (value, currency) => signed(value, moneyDigits(currency));
export const share = (value) => (isNone(value) ? NONE : `${number(100 * value, 0)} %`);
export const ticks = (value) => (isNone(value) ? NONE : number(value, Number.isInteger(Number(value)) ? 0 : 1));

// Three significant digits and a unit: 0.0123 s is 12.3 ms.
export function lasting(seconds) {
  if (isNone(seconds)) return NONE;
  if (seconds >= 86400) return `${number(seconds / 86400, 1)} d`;
  if (seconds >= 3600) return `${number(seconds / 3600, 1)} h`;
  if (seconds >= 60) return `${Math.floor(seconds / 60)} m ${String(Math.floor(seconds % 60)).padStart(2, "0")} s`;
  if (seconds >= 1) return `${number(seconds, 1)} s`;
  const ms = 1000 * seconds;
  if (ms >= 1 || ms === 0) return `${number(ms, ms < 10 ? 1 : 0)} ms`;
  return `${number(1000 * ms, 0)} µs`;
}

// Three significant digits.
export function compact(value) {
  if (isNone(value)) return NONE;
  const x = Math.abs(Number(value)) < 1e-12 ? 0 : Number(value); // what binary fractions leave of nothing
  if (x !== 0 && (Math.abs(x) < 1e-4 || Math.abs(x) >= 1e7)) return x.toExponential(2).replace("-", MINUS);
  return number(x, Math.max(0, Math.min(6, 2 - Math.floor(Math.log10(Math.abs(x) || 1)))));
}

export const clock = (ns) => (ns ? new Date(ns / 1e6).toISOString().slice(11, 19) : NONE);
export const clockMs = (ns) => (ns ? new Date(ns / 1e6).toISOString().slice(11, 23) : NONE);
export const day = (ns) => new Date(ns / 1e6).toISOString().slice(0, 10);

// REDUCE_ONLY is "reduce only", POSITION_LIMIT:BID "position limit (bid)".
export function inWords(code) {
  const [what, side] = String(code).split(":");
  const words = what.replaceAll("_", " ").toLowerCase();
  return side ? `${words} (${side.toLowerCase()})` : words;
}

export const title = (code) => { const words = inWords(code); return words.charAt(0).toUpperCase() + words.slice(1); };
export const listed = (codes) => (codes || []).map(inWords).join(", ");
