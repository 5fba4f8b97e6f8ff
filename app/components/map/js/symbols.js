// Symbols of picks and categories, and the icons of the tools.

const ring = (n, radius, turn = 0, inner = null) =>
  Array.from({ length: inner === null ? n : 2 * n }, (_, i) => {
    const angle = (2 * Math.PI * i) / (inner === null ? n : 2 * n) + turn - Math.PI / 2;
    const r = inner !== null && i % 2 ? inner : radius;
    return [r * Math.cos(angle), r * Math.sin(angle)];
  });
const PLUS = [[-3, -9], [3, -9], [3, -3], [9, -3], [9, 3], [3, 3], [3, 9], [-3, 9], [-3, 3], [-9, 3], [-9, -3], [-3, -3]];
const turned = (shape, angle) =>
  shape.map(([x, y]) => [x * Math.cos(angle) - y * Math.sin(angle), x * Math.sin(angle) + y * Math.cos(angle)]);

// In the order of SYMBOLS in model.py; coordinates from -10 to 10, y down.
const SHAPES = [
  ring(40, 8),
  turned(ring(4, 10), Math.PI / 4),
  ring(4, 10),
  ring(3, 10.5),
  ring(3, 10.5, Math.PI),
  PLUS,
  turned(PLUS, Math.PI / 4),
  ring(5, 9),
  ring(6, 10.5, 0, 6),
  ring(5, 11, 0, 4.6),
  ring(5, 10.5, 0, 4.8),
  ring(3, 10.5, -Math.PI / 2),
  ring(3, 10.5, Math.PI / 2),
  [[-7, -8], [7, -8], [-7, 8], [7, 8]],
  [[-8, -7], [8, 7], [8, -7], [-8, 7]],
  ring(8, 8.5, Math.PI / 8),
  ring(4, 11, 0, 4.6),
  ring(4, 9.5),
  ring(40, 8),
];
const OPEN = new Set([10, 17, 18]);

const pathOf = (points) => "M" + points.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join("L") + "Z";

function symbolIcon(symbol, color, outline) {
  const svg = drawn("svg", { viewBox: "-12 -12 24 24", width: 16, height: 16, "aria-hidden": "true" });
  const paint = OPEN.has(symbol) ? { fill: "none", stroke: color, "stroke-width": 3 } : { fill: color };
  if (outline) svg.append(drawn("path", { d: pathOf(SHAPES[symbol]), fill: "none", stroke: outline, "stroke-width": OPEN.has(symbol) ? 8 : 6 }));
  svg.append(drawn("path", { d: pathOf(SHAPES[symbol]), ...paint }));
  return svg;
}

const ICONS = {
  pan: "M8 1v14M1 8h14M8 1 6 3M8 1l2 2M8 15l-2-2M8 15l2-2M1 8l2-2M1 8l2 2M15 8l-2-2M15 8l-2 2",
  box: "M2 3h3M7 3h2M11 3h3v3M14 8v1M14 11v2h-3M9 13H7M5 13H2v-2M2 9V8M2 6V3",
  lasso: "M5 11c-5-2-4-8 3-8s8 6 3 8-7-1-6 0 1 3-1 3",
  in: "M8 3v10M3 8h10",
  out: "M3 8h10",
  home: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4",
  clear: "M3 3l10 10M13 3 3 13",
};

function icon(name) {
  const svg = drawn("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" });
  svg.append(drawn("path", { d: ICONS[name], fill: "none", class: "stroke" }));
  return svg;
}

function button(name, label, onClick) {
  const made = node("button", { class: "tool", type: "button", title: label, "aria-label": label }, icon(name));
  made.onclick = onClick;
  return made;
}
