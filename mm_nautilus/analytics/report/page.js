"use strict";
(async () => {
  const json = (id) => JSON.parse(document.getElementById(id).textContent);
  const figures = json("figures");
  const swaps = json("swaps");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const narrow = window.matchMedia("(max-width: 520px)");
  const PRINTED_WIDTH = 690;
  const LINE_POINTS = 6000;
  const MOST_ROWS = 400000;
  let printing = false;

  // Figures are stored in light shades; data arrays hold no colours except marker.color, which is short.
  const shaded = (value) => {
    if (typeof value === "string") return swaps[value] ?? value;
    if (Array.isArray(value)) return value.length > 64 ? value : value.map(shaded);
    if (value === null || typeof value !== "object" || "bdata" in value) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shaded(item)]));
  };

  const config = {
    responsive: true,
    displaylogo: false,
    doubleClick: "reset",
    modeBarButtons: [["toImage", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
    scrollZoom: false,
  };

  // Draw a figure; where `lines` (trace -> points) are given they stand in for the thinned ones.
  const draw = (key, range = null, lines = null) => {
    const { figure, group, height } = figures[key];
    const light = printing || !dark.matches;
    // The library writes the ranges it shows into the layout it is given, so it gets one of its own.
    const { data, layout } = light ? { data: figure.data, layout: structuredClone(figure.layout) } : shaded(figure);
    const style = getComputedStyle(document.documentElement);
    const small = narrow.matches && !printing;
    const margin = small ? { ...layout.margin, l: Math.min(layout.margin.l, 58) } : layout.margin;
    const yaxis = small ? { ...layout.yaxis, title: undefined } : layout.yaxis;
    const xaxis = range ? { ...layout.xaxis, range } : layout.xaxis;
    const hoverlabel = {
      ...layout.hoverlabel,
      bgcolor: style.getPropertyValue("--card").trim(),
      bordercolor: style.getPropertyValue("--line").trim(),
      font: { ...layout.hoverlabel.font, color: style.getPropertyValue("--ink").trim() },
    };
    const dragmode = small ? false : layout.dragmode;
    const size = printing ? { width: PRINTED_WIDTH, autosize: false } : { width: undefined, autosize: true };
    const full = { ...layout, margin, xaxis, yaxis, hoverlabel, height, dragmode, ...size };
    // Zoomed in there is room for larger marks.
    const near = (trace) => (trace.mode === "markers" ? { ...trace, marker: { ...trace.marker, size: 10 } } : trace);
    const shown = lines ? data.map((trace, at) => (lines.has(at) ? { ...trace, ...lines.get(at) } : near(trace))) : data;
    const bar = group && !small && !printing ? "hover" : false;
    return Plotly.react(document.getElementById(key), shown, full, { ...config, displayModeBar: bar });
  };

  const instant = (value) => (typeof value === "number" ? value : Date.parse(`${value.replace(" ", "T")}Z`));
  const spanOf = (key) => figures[key].figure.layout.xaxis.range.map(instant);

  // The vertical range of what is drawn between two instants, the step that leads into them included.
  const visibleRange = (key, from, to) => {
    let low = Infinity;
    let high = -Infinity;
    const stacked = {};
    for (const { x, y, visible, mode, stackgroup } of document.getElementById(key)._fullData) {
      if (visible !== true || !x || !y) continue;
      if (stackgroup) { (stacked[stackgroup] ??= []).push({ x, y }); continue; }
      for (let i = 0; i < x.length; i += 1) {
        const leadsIn = mode === "lines" && i + 1 < x.length && x[i + 1] > from;
        if ((x[i] >= from || leadsIn) && x[i] <= to && Number.isFinite(y[i])) {
          low = Math.min(low, y[i]);
          high = Math.max(high, y[i]);
        }
      }
    }
    for (const areas of Object.values(stacked)) {
      areas[0].x.forEach((at, i) => {
        if (at < from || at > to) return;
        const sum = areas.reduce((total, area) => total + area.y[i], 0);
        low = Math.min(low, sum);
        high = Math.max(high, sum);
      });
    }
    if (low > high) return null;
    const room = 0.06 * (high - low) || 0.01 * Math.abs(high) || 1;
    return [low - room, high + room];
  };

  // What is shown of each group of charts: null for all of it, else two instants in milliseconds.
  const shown = {};
  const bars = {};
  const keysOf = (group) => Object.keys(figures).filter((key) => figures[key].group === group);
  let following = false;

  const linesBetween = async (key, from, to) => {
    const { detail } = figures[key];
    if (!detail || Detail.rowsBetween(detail, from, to) > MOST_ROWS) return null;
    const { x, y, whole } = await Detail.between(detail, from, to);
    if (!whole) return null;
    const lines = new Map(detail.traces.map((trace, c) => [trace, Detail.thin(x, y[c], LINE_POINTS)]));
    const inside = x.filter((at) => at >= from && at <= to).length;
    return { lines, rows: inside, every: [...lines.values()].every((one) => one.x.length === x.length) };
  };

  const zoom = async (key, range) => {
    const node = document.getElementById(key);
    if (range === null) {
      if (node.dataset.detail) { delete node.dataset.detail; await draw(key); }
      const { xaxis, yaxis } = figures[key].figure.layout;
      const fixed = yaxis && yaxis.range ? { "yaxis.range": yaxis.range } : { "yaxis.autorange": true };
      return Plotly.relayout(key, { "xaxis.range": xaxis.range, ...fixed });
    }
    const found = await linesBetween(key, ...range);
    if (found) {
      await draw(key, range, found.lines);
      node.dataset.detail = String(found.rows);
      node.dataset.every = String(found.every);
    } else if (node.dataset.detail) { delete node.dataset.detail; await draw(key, range); }
    const fitted = figures[key].fixedY ? null : visibleRange(key, ...range);
    const vertical = figures[key].fixedY ? {} : fitted ? { "yaxis.range": fitted } : { "yaxis.autorange": true };
    return Plotly.relayout(key, { "xaxis.range": [...range], ...vertical });
  };

  const show = async (group, range) => {
    following = true;
    shown[group] = range;
    try {
      await Promise.all(keysOf(group).map((key) => zoom(key, range)));
    } finally {
      following = false;
      bars[group]?.say();
    }
  };

  // Charts of one instrument show the same stretch of time, each fitted to what it then shows.
  const follow = (key) => {
    const { group } = figures[key];
    if (!group) return;
    document.getElementById(key).on("plotly_relayout", (change) => {
      const range = change["xaxis.range"] ?? [change["xaxis.range[0]"], change["xaxis.range[1]"]];
      const reset = change["xaxis.autorange"] === true;
      if (following || (!reset && range[0] === undefined)) return;
      const [from, to] = reset ? spanOf(key) : range.map(instant);
      const [begin, end] = spanOf(key);
      show(group, reset || (from <= begin && to >= end) ? null : [from, to]);
    });
  };

  // Buttons for a group of charts: how long a stretch, back and forth, and from fill to fill.
  const LENGTHS = [["6 h", 21600e3], ["1 h", 3600e3], ["10 min", 600e3], ["1 min", 60e3], ["10 s", 10e3]];
  const clock = (at) => new Date(at).toISOString().replace("T", " ").slice(0, 23);

  const bar = (node) => {
    const { group } = node.dataset;
    const keys = keysOf(group);
    if (!keys.length) { node.remove(); return; }
    const [begin, end] = spanOf(keys[0]);
    const fills = () => keys.flatMap((key) => (document.getElementById(key)._fullData ?? [])
      .filter((trace) => trace.mode === "markers" && trace.x).flatMap((trace) => Array.from(trace.x))).sort((a, b) => a - b);
    const around = (centre, length) => {
      const from = Math.min(Math.max(begin, centre - length / 2), Math.max(begin, end - length));
      return show(group, length >= end - begin ? null : [from, from + length]);
    };
    const range = () => shown[group] ?? [begin, end];
    const middle = () => (range()[0] + range()[1]) / 2;
    const move = (share) => around(middle() + share * (range()[1] - range()[0]), range()[1] - range()[0]);
    const toFill = (forward) => {
      const at = fills();
      const found = forward ? at.find((one) => one > middle() + 0.5) : at.findLast((one) => one < middle() - 0.5);
      if (found !== undefined) around(found, Math.min(range()[1] - range()[0], 60e3));
    };
    const button = (text, title, act) => {
      const made = document.createElement("button");
      Object.assign(made, { type: "button", textContent: text, title });
      made.setAttribute("aria-label", title);
      made.addEventListener("click", act);
      node.append(made);
      return made;
    };
    const sized = [button("All", "Show the whole run", () => show(group, null))];
    sized[0].dataset.length = String(end - begin);
    for (const [name, length] of LENGTHS.filter((one) => one[1] < end - begin)) {
      const made = button(name, `Show ${name} around the middle of what is shown`, () => {
        const first = shown[group] === null || shown[group] === undefined ? fills()[0] : undefined;
        return around(first !== undefined && length <= 600e3 ? first : middle(), length);
      });
      made.dataset.length = String(length);
      sized.push(made);
    }
    button("\u2039", "Earlier by half of what is shown", () => move(-0.5));
    button("\u203a", "Later by half of what is shown", () => move(0.5));
    if (fills().length) {
      button("\u2039 fill", "To the fill before", () => toFill(false));
      button("fill \u203a", "To the next fill", () => toFill(true));
    }
    const told = document.createElement("span");
    told.className = "told";
    told.setAttribute("role", "status");
    node.append(told);
    bars[group] = {
      say: () => {
        const [from, to] = range();
        for (const one of sized) one.setAttribute("aria-pressed", String(Math.abs(Number(one.dataset.length) - (to - from)) < 1));
        const detailed = keys.map((key) => document.getElementById(key)).find((one) => one.dataset.detail);
        const rows = detailed ? Number(detailed.dataset.detail) : 0;
        const which = detailed && detailed.dataset.every === "true" ? "every one drawn" : "their extremes drawn";
        const quotes = detailed ? ` \u00b7 ${rows.toLocaleString("en")} changes of a quote or the mid, ${which}` : "";
        told.textContent = shown[group] ? `${clock(from)} to ${clock(to).slice(11)} UTC${quotes}` : "";
      },
    };
    bars[group].say();
  };

  const library = document.getElementById("plotly");
  const script = document.createElement("script");
  script.textContent = new TextDecoder().decode(await Detail.inflate(library.textContent));
  document.head.append(script);
  library.remove();

  const keys = Object.keys(figures);
  const pause = () => new Promise((resolve) => { setTimeout(resolve, 0); });
  const drawn = new Set();
  const drawAll = async (wanted) => {
    for (const key of wanted) {
      await draw(key);
      if (!drawn.has(key)) { drawn.add(key); follow(key); }
      await pause(); // the page stays usable while a long report is drawn
    }
  };
  const again = async () => {
    await drawAll(drawn);
    await Promise.all(Object.keys(shown).map((group) => show(group, shown[group])));
  };
  // Charts that are folded away have no width to be drawn in: they are drawn when they are unfolded.
  const isFolded = (node) => node.closest("details.folded:not([open])") !== null;
  const unfold = async (part) => {
    const charts = [...part.querySelectorAll(".chart")].filter((node) => !drawn.has(node.id) && !isFolded(node));
    await drawAll(charts.map((node) => node.id));
    part.querySelectorAll(".zoombar:empty").forEach((node) => { if (!isFolded(node)) bar(node); });
  };
  await unfold(document);
  document.querySelectorAll("details.folded").forEach((part) => part.addEventListener("toggle", () => {
    if (part.open && !printing) unfold(part);
  }));
  dark.addEventListener("change", again);
  narrow.addEventListener("change", again);
  // Paper is white and narrow, whatever the screen is; what is folded away is printed too.
  const folded = [];
  window.addEventListener("beforeprint", () => {
    printing = true;
    document.querySelectorAll("details:not(.folded):not([open])").forEach((one) => { one.open = true; folded.push(one); });
    keys.filter((key) => drawn.has(key)).forEach((key) => draw(key, shown[figures[key].group] ?? null));
  });
  window.addEventListener("afterprint", () => {
    printing = false;
    folded.splice(0).forEach((one) => { one.open = false; });
    again();
  });
  window.mmReport = { show, shown, figures };
  document.documentElement.dataset.drawn = String(drawn.size);
})();
