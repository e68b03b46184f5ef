"use strict";
// Unpacks what detail.py packed: segments of differences in byte planes, deflated, in base64.
const Detail = (() => {
  const unpacked = new Map();

  const inflate = async (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };

  const number = (bytes, begin, rows, i) =>
    bytes[begin + i] + 256 * bytes[begin + rows + i] + 65536 * bytes[begin + 2 * rows + i] + 16777216 * bytes[begin + 3 * rows + i];

  const unpack = async (segment, unit, columns) => {
    const bytes = await inflate(segment.packed);
    const { rows } = segment;
    const x = new Float64Array(rows);
    let clock = Math.round(segment.start_ms * 1000);
    for (let i = 0; i < rows; i += 1) {
      clock += number(bytes, 0, rows, i);
      x[i] = clock / 1000;
    }
    const masks = 4 * rows * (columns + 1);
    const y = [];
    for (let c = 0; c < columns; c += 1) {
      const values = new Float64Array(rows);
      let value = segment.first[c];
      for (let i = 0; i < rows; i += 1) {
        const folded = number(bytes, 4 * rows * (c + 1), rows, i);
        value += folded % 2 ? -(folded + 1) / 2 : folded / 2;
        const bit = bytes[masks + c * Math.ceil(rows / 8) + (i >> 3)] & (1 << (i & 7));
        values[i] = bit ? value * unit : NaN;
      }
      y.push(values);
    }
    return { x, y };
  };

  // Whether no segment between these was left out for want of room.
  const whole = (found) => found.length > 0 && found.every((one, at) => at === 0 || one.at === found[at - 1].at + 1);

  // Rows of a stretch of time, the one that leads into it and the one that follows it included.
  const between = async (detail, from, to) => {
    const { segments, unit, traces } = detail;
    const first = Math.max(0, segments.findLastIndex((one) => one.start_ms <= from));
    const found = segments.slice(first).filter((one, at) => at === 0 || one.start_ms <= to);
    const parts = await Promise.all(found.map((segment) => {
      if (!unpacked.has(segment)) unpacked.set(segment, unpack(segment, unit, traces.length));
      return unpacked.get(segment);
    }));
    const x = parts.flatMap((part) => Array.from(part.x));
    const y = traces.map((_, c) => parts.flatMap((part) => Array.from(part.y[c])));
    const begin = Math.max(0, x.findLastIndex((at) => at <= from));
    const after = x.findIndex((at) => at > to);
    const end = after < 0 ? x.length : after + 1;
    return { x: x.slice(begin, end), y: y.map((values) => values.slice(begin, end)), whole: whole(found) };
  };

  // About how many rows there are between two instants.
  const rowsBetween = (detail, from, to) =>
    detail.segments.reduce((sum, one) => sum + (one.end_ms >= from && one.start_ms <= to ? one.rows : 0), 0);

  // As thin.py does it: of each of equal stretches the first, last, lowest, highest and first gap.
  const thin = (x, y, points) => {
    if (x.length <= points) return { x, y };
    const stretches = Math.max(1, Math.floor(points / 5));
    const width = (x[x.length - 1] - x[0]) / stretches || 1;
    const kept = { x: [], y: [] };
    let begin = 0;
    while (begin < x.length) {
      const edge = x[0] + width * (Math.floor((x[begin] - x[0]) / width) + 1);
      let end = begin;
      let low = -1;
      let high = -1;
      let gap = -1;
      while (end < x.length && (end === begin || x[end] < edge)) {
        if (Number.isNaN(y[end])) gap = gap < 0 ? end : gap;
        else {
          if (low < 0 || y[end] < y[low]) low = end;
          if (high < 0 || y[end] > y[high]) high = end;
        }
        end += 1;
      }
      const chosen = [...new Set([begin, low, high, gap, end - 1])].filter((at) => at >= 0).sort((a, b) => a - b);
      chosen.forEach((at) => { kept.x.push(x[at]); kept.y.push(y[at]); });
      begin = end;
    }
    return kept;
  };

  return { between, inflate, rowsBetween, thin };
})();
