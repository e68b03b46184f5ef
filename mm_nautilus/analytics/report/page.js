"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const swaps = JSON.parse(document.getElementById("swaps").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const narrow = window.matchMedia("(max-width: 520px)");

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
    modeBarButtons: [["toImage", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
    scrollZoom: false,
  };

  const draw = (key) => {
    const { figure, group, height } = figures[key];
    const { data, layout } = dark.matches ? shaded(figure) : figure;
    const style = getComputedStyle(document.documentElement);
    const margin = narrow.matches ? { ...layout.margin, l: Math.min(layout.margin.l, 58) } : layout.margin;
    const yaxis = narrow.matches ? { ...layout.yaxis, title: undefined } : layout.yaxis;
    const hoverlabel = {
      ...layout.hoverlabel,
      bgcolor: style.getPropertyValue("--card").trim(),
      bordercolor: style.getPropertyValue("--line").trim(),
      font: { ...layout.hoverlabel.font, color: style.getPropertyValue("--ink").trim() },
    };
    const full = { ...layout, margin, yaxis, hoverlabel, height, autosize: true, dragmode: narrow.matches ? false : layout.dragmode };
    return Plotly.react(document.getElementById(key), data, full, { ...config, displayModeBar: group && !narrow.matches ? "hover" : false });
  };

  const instant = (value) => (typeof value === "number" ? value : Date.parse(`${value.replace(" ", "T")}Z`));

  // The vertical range of what is drawn between two instants, the step that leads into them included.
  const visibleRange = (key, from, to) => {
    let low = Infinity;
    let high = -Infinity;
    for (const { x, y, visible, mode } of document.getElementById(key)._fullData) {
      if (visible !== true || !x || !y) continue;
      for (let i = 0; i < x.length; i += 1) {
        const leadsIn = mode === "lines" && i + 1 < x.length && x[i + 1] > from;
        if ((x[i] >= from || leadsIn) && x[i] <= to && Number.isFinite(y[i])) {
          low = Math.min(low, y[i]);
          high = Math.max(high, y[i]);
        }
      }
    }
    if (low > high) return null;
    const room = 0.06 * (high - low) || 0.01 * Math.abs(high) || 1;
    return [low - room, high + room];
  };

  // Charts of one instrument show the same stretch of time, each fitted to what it then shows.
  let following = false;
  const follow = (key) => {
    const { group } = figures[key];
    if (!group) return;
    document.getElementById(key).on("plotly_relayout", (change) => {
      const range = change["xaxis.range"] ?? [change["xaxis.range[0]"], change["xaxis.range[1]"]];
      const reset = change["xaxis.autorange"] === true;
      if (following || (!reset && range[0] === undefined)) return;
      following = true;
      const [from, to] = reset ? [] : range.map(instant);
      const zoom = (other) => {
        const update = reset ? { "xaxis.autorange": true } : { "xaxis.range": range };
        if (!figures[other].fixedY) {
          const fitted = reset ? null : visibleRange(other, from, to);
          Object.assign(update, fitted ? { "yaxis.range": fitted } : { "yaxis.autorange": true });
        }
        return Plotly.relayout(other, update);
      };
      const charts = Object.keys(figures).filter((other) => figures[other].group === group);
      Promise.all(charts.map(zoom)).finally(() => { following = false; });
    });
  };

  const keys = Object.keys(figures);
  const drawAll = () => Promise.all(keys.map(draw));
  drawAll().then(() => {
    keys.forEach(follow);
    document.documentElement.dataset.drawn = String(keys.length);
  });
  dark.addEventListener("change", drawAll);
  narrow.addEventListener("change", drawAll);
})();
