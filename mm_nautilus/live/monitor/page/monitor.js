// Follows the run and shows it. Read-only: nothing here sends anything but requests to look.

import { decisions } from "./decision.js";
import { detail } from "./detail.js";
import { h, show } from "./dom.js";
import { follow } from "./feed.js";
import { attentionPanel, overview, strip } from "./overview.js";
import { nothing } from "./parts.js";
import { lasting, money } from "./words.js";
import { whole } from "./whole.js";

const place = Object.fromEntries(["run", "feed", "feed-words", "strip", "trouble", "overview", "detail", "whole"]
  .map((id) => [id, document.getElementById(id)]));
const view = { chosen: null, filter: "", sort: null, down: true, pinned: null };
const details = new Map();
let latest = null, broken = "", feed = { state: "waiting", age_s: null }, drawn = false;

// The instrument that the address names; a damaged one names none.
function addressed() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "";
  }
}

// What could not be drawn must not pass for what is.
function draw() {
  drawn = false;
  if (!latest || document.hidden) return;
  try {
    paint(latest);
    broken = "";
  } catch (error) {
    broken = String(error);
    console.error(error);
  }
  tell(feed);
}

function paint(snap) {
  const ids = snap.instruments.map((row) => row.id), asked = addressed();
  const before = view.chosen;
  view.chosen = ids.includes(asked) ? asked : ids[0];
  // Where there are too many for one snapshot to hold the details of all.
  if (before !== view.chosen && Object.keys(snap.details).length < ids.length) askAnew();
  const row = snap.instruments.find((one) => one.id === view.chosen), known = details.get(view.chosen);
  show(place.run, snap.run.name, " ", h("small", {}, `${snap.run.strategy}, ${snap.run.mode}`));
  show(place.strip, strip(snap));
  show(place.overview, attentionPanel(snap) || h("p", { class: "calm" }, "Nothing needs attention."),
    snap.instruments.length > 1 ? overview(snap, view) : null);
  show(place.detail, !row ? nothing("The run has no instrument.") :
    known ? detail(row, known, snap, decisions(row, known, view)) : nothing(`Waiting for the details of ${row.id}.`));
  show(place.whole, whole(snap));
  name();
}

function redraw() {
  if (!drawn) { drawn = true; requestAnimationFrame(draw); }
}

function name() {
  const words = latest ? latest.run.name : "mm-nautilus", sum = latest?.money[0];
  const state = feed.state === "live" ? (sum ? money(sum.total, sum.currency) : "") : feed.state.toUpperCase();
  document.title = [state, words, "monitor"].filter(Boolean).join(" · ");
}

function tell(state) {
  const before = feed.state;
  feed = state;
  const shown = state.state === "live" && broken ? "broken" : state.state;
  document.body.dataset.feed = shown;
  const age = lasting(Math.floor(state.age_s ?? 0));
  const words = { waiting: "Connecting", live: "Live", stale: "Stale", lost: "Connection lost", broken: "Page broken" }[shown];
  if (place["feed-words"].textContent !== words) place["feed-words"].textContent = words;
  const trouble = {
    broken: `The page cannot show the latest values (${broken}). What is shown may be old; reload it.`,
    stale: `Stale for ${age}: the connection stands, but no values come. What is shown is old.`,
    lost: latest ? `Stale for ${age}: no connection to the monitor; trying again. What is shown is old.` :
      "No connection to the monitor; trying again.",
  }[shown];
  place.trouble.hidden = !trouble;
  if (trouble) place.trouble.textContent = trouble;
  if (before !== state.state) name();
}

function take(snap) {
  if (latest && snap.sequence < latest.sequence) details.clear(); // the node was started again
  latest = snap;
  for (const [id, one] of Object.entries(snap.details)) details.set(id, one);
  redraw();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || !latest) return;
  const { instrument, sort, decision } = button.dataset;
  if (instrument) { location.hash = encodeURIComponent(instrument); view.pinned = null; }
  if (sort) { view.down = view.sort === sort ? !view.down : sort !== "id"; view.sort = sort; }
  if (decision) {
    const list = details.get(view.chosen)?.decisions || [];
    view.pinned = decision === "latest" ? null : list.find((one) => String(one.decision_id) === decision) || view.pinned;
  }
  redraw();
});
document.addEventListener("input", (event) => {
  if (event.target.id === "filter") { view.filter = event.target.value.trim().toLowerCase(); redraw(); }
});
window.addEventListener("hashchange", redraw);
document.addEventListener("visibilitychange", redraw);

const askAnew = follow(() => view.chosen || addressed(), take, tell);
