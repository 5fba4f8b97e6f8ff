// Drawings of a story (app/figures/drawing.py) as SVG: lines and points over two axes, and bars with their intervals.
// Everything in units of a picture of 780 by 510, which the stage scales.

const WIDE = 780;
const TALL = 510;
const DASH = { solid: "", dash: "9 6", dot: "2 5", dashdot: "9 5 2 5", longdash: "15 6", longdashdot: "15 5 2 5" };

// Numbers by a spreadsheet's format.
function formatted(value, format) {
  if (format.endsWith("%")) return `${(100 * value).toFixed(0)}%`;
  if (format === "0.0") return value.toFixed(1);
  if (format === "General") return String(Number(value.toPrecision(3)));
  return Math.round(value).toLocaleString("en-US");
}

function ticksOf([low, high]) {
  const step = roundStep((high - low) / 6);
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + 1e-9 * step; at += step) found.push(Math.abs(at) < 1e-12 ? 0 : at);
  return found;
}

const dashed = (dash) => (dash.includes("px") ? dash.replaceAll("px", "").replaceAll(",", " ") : DASH[dash] ?? "");

// A canvas measures text in the letters that will draw it.
const measure = (text, size) => {
  const pen = (measure.pen ??= document.createElement("canvas").getContext("2d"));
  pen.font = `${size}px ${measure.family ?? "sans-serif"}`;
  return pen.measureText(text).width;
};

function frameOf(children) {
  return drawn("svg", { viewBox: `0 0 ${WIDE} ${TALL}`, class: "drawing", "aria-hidden": "true" }, ...children);
}

function axisText(spec, left, right, bottom, top) {
  return [
    drawn("text", { x: (left + right) / 2, y: TALL - 8, "text-anchor": "middle" }, spec.xTitle),
    drawn("text", { transform: `translate(18 ${(top + bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, spec.yTitle),
  ];
}

// Labels moved apart, in their order, each as little as needed.
function spreadOut(wanted, gap, low, high) {
  const order = wanted.map((_, i) => i).sort((i, j) => wanted[i] - wanted[j]);
  const at = [...wanted];
  let least = low;
  for (const i of order) least = (at[i] = Math.max(at[i], least)) + gap;
  let most = high;
  for (const i of order.reverse()) most = (at[i] = Math.min(at[i], most)) - gap;
  return at;
}

const symbolPath = (symbol, x, y, r) =>
  ({
    square: `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`,
    diamond: `M${x} ${y - 1.3 * r}L${x + 1.3 * r} ${y}L${x} ${y + 1.3 * r}L${x - 1.3 * r} ${y}z`,
    "triangle-up": `M${x} ${y - 1.2 * r}L${x + 1.2 * r} ${y + r}H${x - 1.2 * r}z`,
    "triangle-down": `M${x} ${y + 1.2 * r}L${x + 1.2 * r} ${y - r}H${x - 1.2 * r}z`,
  })[symbol] ?? `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;

const whisker = (x1, y1, x2, y2, color) => drawn("line", { x1, y1, x2, y2, stroke: color, "stroke-width": 2 });

function drawXY(spec) {
  const room = Math.min(230, 26 + Math.max(...spec.series.map((each) => measure(each.name, 17))));
  const [left, right, top, bottom] = [86, WIDE - (spec.series.every((each) => each.line) ? room : 24), 14, TALL - 66];
  const [x0, x1] = spec.xRange;
  const [y0, y1] = spec.yRange;
  const x = (value) => left + ((value - x0) / (x1 - x0)) * (right - left);
  const y = (value) => bottom - ((value - y0) / (y1 - y0)) * (bottom - top);
  const parts = [];
  for (const tick of ticksOf(spec.yRange)) {
    parts.push(drawn("line", { x1: left, x2: right, y1: y(tick), y2: y(tick), class: "rule" }));
    parts.push(drawn("text", { x: left - 10, y: y(tick) + 6, "text-anchor": "end", class: "soft" }, formatted(tick, spec.yFormat)));
  }
  for (const tick of ticksOf(spec.xRange)) parts.push(drawn("text", { x: x(tick), y: bottom + 26, "text-anchor": "middle", class: "soft" }, formatted(tick, spec.xFormat)));
  parts.push(drawn("line", { x1: left, x2: right, y1: bottom, y2: bottom, class: "base" }), ...axisText(spec, left, right, bottom, top));
  const lines = spec.series.filter((each) => each.line);
  for (const each of spec.series) {
    const points = each.x.map((value, i) => [x(value), each.y[i] === null ? null : y(each.y[i])]).filter(([, at]) => at !== null);
    if (each.line && each.low?.some((value) => value !== null)) {
      const known = each.x.map((_, i) => i).filter((i) => each.low[i] !== null && each.high[i] !== null);
      const edge = [...known.map((i) => [x(each.x[i]), y(each.high[i])]), ...known.reverse().map((i) => [x(each.x[i]), y(each.low[i])])];
      parts.push(drawn("path", { d: `M${edge.map((at) => at.join(" ")).join("L")}Z`, fill: each.color, "fill-opacity": 0.13 }));
    }
    if (each.line) parts.push(drawn("path", { d: `M${points.map((at) => at.join(" ")).join("L")}`, fill: "none", stroke: each.color, "stroke-width": each.width, "stroke-dasharray": dashed(each.dash) }));
    if (!each.line) {
      for (const [i, [px, py]] of points.entries()) {
        if (each.low?.[i] !== null && each.low) parts.push(whisker(px, y(each.low[i]), px, y(each.high[i]), each.color));
        if (each.left?.[i] !== null && each.left) parts.push(whisker(x(each.left[i]), py, x(each.right[i]), py, each.color));
      }
    }
    if (each.markers) for (const [px, py] of points) parts.push(drawn("path", { d: symbolPath(each.symbol, px, py, each.width > 3 ? 6 : 4.5), fill: each.color }));
    if (!each.line && points.length) parts.push(drawn("text", { x: points[0][0] + 11, y: points[0][1] - 9 }, each.name));
  }
  const ends = lines.map((each) => [x(each.x.at(-1)), y(each.y.findLast((value) => value !== null) ?? y0)]);
  const places = spreadOut(ends.map(([, at]) => at), 21, top + 4, bottom - 4);
  lines.forEach((each, i) => {
    parts.push(drawn("line", { x1: ends[i][0], y1: ends[i][1], x2: right + 14, y2: places[i], stroke: each.color, "stroke-width": 1.2 }));
    parts.push(drawn("text", { x: right + 18, y: places[i] + 6, class: each.width > 3 ? "strong" : "" }, each.name));
  });
  return frameOf(parts);
}

function drawBars(spec) {
  const names = spec.categories;
  const [low, high] = spec.range;
  const side = spec.horizontal ? Math.min(330, 24 + Math.max(...names.map((name) => measure(name, 17)))) : 86;
  const [left, right, top, bottom] = [side, WIDE - 24, 14, TALL - 66];
  const along = (value) => (spec.horizontal ? left + ((value - low) / (high - low)) * (right - left) : bottom - ((value - low) / (high - low)) * (bottom - top));
  const slot = (spec.horizontal ? bottom - top : right - left) / names.length;
  const parts = [];
  for (const tick of ticksOf(spec.range)) {
    const at = along(tick);
    const text = formatted(tick, spec.format);
    if (spec.horizontal) parts.push(drawn("line", { x1: at, x2: at, y1: top, y2: bottom, class: "rule" }), drawn("text", { x: at, y: bottom + 26, "text-anchor": "middle", class: "soft" }, text));
    else parts.push(drawn("line", { x1: left, x2: right, y1: at, y2: at, class: "rule" }), drawn("text", { x: left - 10, y: at + 6, "text-anchor": "end", class: "soft" }, text));
  }
  names.forEach((name, i) => {
    const middle = (spec.horizontal ? top : left) + (i + 0.5) * slot;
    const thick = Math.min(34, 0.62 * slot);
    const value = spec.values[i];
    const ends = [spec.low[i], spec.high[i]];
    if (value !== null) {
      const [from, to] = [along(Math.max(low, 0)), along(value)];
      const box = spec.horizontal
        ? { x: from, y: middle - thick / 2, width: Math.max(1, to - from), height: thick }
        : { x: middle - thick / 2, y: to, width: thick, height: Math.max(1, from - to) };
      parts.push(drawn("rect", { ...box, fill: spec.colors[i] }));
      if (ends.every((end) => end !== null)) {
        const [a, b] = ends.map(along);
        const line = spec.horizontal ? { x1: a, x2: b, y1: middle, y2: middle } : { x1: middle, x2: middle, y1: a, y2: b };
        parts.push(drawn("line", { ...line, class: "base" }));
      }
    }
    if (spec.horizontal) parts.push(drawn("text", { x: left - 12, y: middle + 6, "text-anchor": "end" }, name));
    else parts.push(drawn("text", { x: middle, y: bottom + 26, "text-anchor": "middle", class: "soft" }, name));
  });
  const titles = spec.horizontal ? { xTitle: spec.title, yTitle: "" } : { xTitle: spec.categoryTitle, yTitle: spec.title };
  parts.push(...axisText(titles, spec.horizontal ? left : left, right, bottom, top));
  return frameOf(parts);
}
