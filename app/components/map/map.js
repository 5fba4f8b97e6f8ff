// The map: a pool of points and the picks of one or two strategies on it, drawn with WebGL 2.
//
// Streamlit calls the default export for every element of a map. Those whose data are bytes only bring something in
// (points, colors, layers, thumbnails); the one whose data are JSON is the map that is seen. They meet in one hub per
// page, by digest, so that a rerun sends only what has changed. See wire.py for the other side.

const hub = (globalThis.radStudioMap ??= { waiting: [] });
hub.blobs ??= new Map(); // digest -> what was brought in
hub.held ??= new Map(); // element -> { digest, turn }
hub.views ??= new Map(); // key of the map -> View
hub.cameras ??= new Map(); // key of the map -> where the user was looking, for when the page comes back
hub.turn ??= 0;

export default mount;

const POINT_LIMIT = 200000; // more points than this at once are drawn as their density
const QUANTA = 65535;
const MAX_ZOOM = 80;
const NEAR = 12; // px within which a point counts as under the cursor
const GAP = 12; // px between two panels
const NARROW = 560; // px of width below which two panels lie one below the other
const STEPS = 15; // colors of a continuous scale; this very code is for points without a value
const LASSO_VERTICES = 200;

function mount(component) {
  return component.data instanceof Uint8Array ? bring(component) : show(component);
}

// ---------------------------------------------------------------------------------------------- what is brought in

function bring({ key, data }) {
  const turn = ++hub.turn;
  const blob = unpack(data);
  const before = hub.held.get(key);
  hub.held.set(key, { digest: blob.digest, turn });
  if (before && before.digest !== blob.digest) forget(before.digest);
  if (!hub.blobs.has(blob.digest)) {
    hub.blobs.set(blob.digest, { ...blob, parts: blob.read() });
    hub.views.forEach((view) => view.refresh());
  }
  return () => {
    if (hub.held.get(key)?.turn !== turn) return; // a later call of the same element has taken over
    hub.held.delete(key);
    forget(blob.digest);
  };
}

function forget(digest) {
  if (![...hub.held.values()].some((held) => held.digest === digest)) hub.blobs.delete(digest);
}

function unpack(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const types = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array };
  const read = () => {
    let at = 4 + length;
    return header.parts.map(([type, count]) => {
      const size = types[type].BYTES_PER_ELEMENT * count;
      const part = new types[type](bytes.slice(at, at + size).buffer);
      at += size + (-size & 3);
      return part;
    });
  };
  return { ...header, read };
}

// Codes of all points, some bits each.
function readCodes({ bits, n }, packed) {
  const codes = new Uint8Array(n);
  const per = 8 / bits;
  for (let i = 0; i < n; i++) codes[i] = (packed[Math.floor(i / per)] >> (bits * (i % per))) & ((1 << bits) - 1);
  return codes;
}

// Positions and rounds of one layer: a list, or one bit per point of the pool where that is shorter.
function readLayer({ mask, round }, positions, rounds, n) {
  if (mask) {
    const bits = positions;
    const found = [];
    for (let i = 0; i < n; i++) if ((bits[i >> 3] >> (i & 7)) & 1) found.push(i);
    positions = Uint32Array.from(found);
  }
  return { positions, rounds: round === null ? Uint16Array.from(rounds) : new Uint16Array(positions.length).fill(round) };
}

function show(component) {
  const turn = ++hub.turn;
  const { key } = component.data;
  const view = hub.views.get(key) ?? new View(key);
  hub.views.set(key, view);
  view.attach(component, turn);
  return () => {
    if (view.turn !== turn) return;
    hub.views.delete(key);
    view.dispose();
  };
}

// ---------------------------------------------------------------------------------------------- geometry

// Points sorted by cell of a 256 x 256 grid: what lies in a rectangle is found row by row.
function buildGrid(xy, n) {
  const start = new Uint32Array(256 * 256 + 1);
  const cell = (i) => ((xy[2 * i + 1] >> 8) << 8) | (xy[2 * i] >> 8);
  for (let i = 0; i < n; i++) start[cell(i) + 1]++;
  for (let c = 0; c < 65536; c++) start[c + 1] += start[c];
  const next = start.slice();
  const order = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[next[cell(i)]++] = i;
  return { start, order };
}

function gridRows({ start }, [left, bottom, right, top]) {
  const clamp = (v) => Math.min(255, Math.max(0, Math.floor(v) >> 8));
  const rows = [];
  if (right < 0 || top < 0 || left > QUANTA || bottom > QUANTA) return rows;
  for (let row = clamp(bottom); row <= clamp(top); row++) {
    const from = start[(row << 8) | clamp(left)];
    const to = start[((row << 8) | clamp(right)) + 1];
    if (to > from) rows.push([from, to]);
  }
  return rows;
}

// The edges of a polygon, four numbers each, that a row of the grid can meet.
function edgesOf(polygon, low, high) {
  const edges = [];
  polygon.forEach(([xi, yi], i) => {
    const [xj, yj] = polygon.at(i - 1);
    if (Math.min(yi, yj) <= high && Math.max(yi, yj) > low) edges.push(xi, yi, xj, yj);
  });
  return Float64Array.from(edges);
}

// Even-odd rule; the very operations of geometry.py, in the same order, so that both find the same points.
function inside(edges, x, y) {
  let odd = false;
  for (let e = 0; e < edges.length; e += 4) {
    const yi = edges[e + 1];
    const yj = edges[e + 3];
    if (yi > y !== yj > y && x < ((edges[e + 2] - edges[e]) * (y - yi)) / (yj - yi) + edges[e]) odd = !odd;
  }
  return odd;
}

function bounds(polygon) {
  const xs = polygon.map((p) => p[0]);
  const ys = polygon.map((p) => p[1]);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

// Ramer, Douglas and Peucker: the fewest vertices that keep the outline within a tolerance.
function simplify(path, tolerance) {
  const keep = new Set([0, path.length - 1]);
  const stack = [[0, path.length - 1]];
  while (stack.length) {
    const [a, b] = stack.pop();
    const [ax, ay] = path[a];
    const [dx, dy] = [path[b][0] - ax, path[b][1] - ay];
    const length = Math.hypot(dx, dy);
    let far = tolerance;
    let at = -1;
    for (let i = a + 1; i < b; i++) {
      const [x, y] = [path[i][0] - ax, path[i][1] - ay];
      const distance = length > 0 ? Math.abs(x * dy - y * dx) / length : Math.hypot(x, y);
      if (distance > far) [far, at] = [distance, i];
    }
    if (at < 0) continue;
    keep.add(at);
    stack.push([a, at], [at, b]);
  }
  return path.filter((_, i) => keep.has(i));
}

// ---------------------------------------------------------------------------------------------- symbols and icons

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
];
const OPEN = new Set([10, 17]);

const svgNode = (tag, attributes) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
};
const pathOf = (points) => "M" + points.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join("L") + "Z";

function symbolIcon(symbol, color) {
  const svg = svgNode("svg", { viewBox: "-12 -12 24 24", width: 16, height: 16, "aria-hidden": "true" });
  const paint = OPEN.has(symbol) ? { fill: "none", stroke: color, "stroke-width": 3 } : { fill: color };
  svg.append(svgNode("path", { d: pathOf(SHAPES[symbol]), ...paint }));
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
  play: "M4 2.5v11l9-5.5z",
  pause: "M5 3v10M11 3v10",
};

function icon(name) {
  const svg = svgNode("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" });
  svg.append(svgNode("path", { d: ICONS[name], fill: name === "play" ? "currentColor" : "none", class: "stroke" }));
  return svg;
}

// ---------------------------------------------------------------------------------------------- small helpers

function element(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children); // strings become text nodes: no name is ever read as HTML
  return node;
}

function button(name, label, onClick) {
  const node = element("button", "tool", icon(name));
  node.type = "button";
  node.title = label;
  node.setAttribute("aria-label", label);
  node.onclick = onClick;
  return node;
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const grouped = (value) => value.toLocaleString("en-US");
const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

function cssColor(node, variable, otherwise) {
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  probe.fillStyle = otherwise;
  probe.fillStyle = getComputedStyle(node).getPropertyValue(variable).trim() || otherwise;
  probe.fillRect(0, 0, 1, 1);
  return [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3);
}

// 256 colors: one per category, or the steps of a ramp through the given ones and gray for points without a value.
function expand({ kind, palette }) {
  const stops = palette.map(rgb);
  if (kind === "category") return Array.from({ length: 256 }, (_, i) => stops[Math.min(i, stops.length - 1)]);
  return Array.from({ length: 256 }, (_, i) => {
    if (i >= STEPS) return [154, 154, 154];
    const at = (i / (STEPS - 1)) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    return stops[low].map((c, channel) => Math.round(c + (stops[low + 1][channel] - c) * (at - low)));
  });
}

// ---------------------------------------------------------------------------------------------- WebGL

const POINT_SHADER = [
  `#version 300 es
  in vec2 a_pos; in float a_code; in float a_flag;
  uniform vec2 u_center, u_scale; uniform float u_size, u_alpha; uniform int u_pass;
  uniform vec3 u_dim; uniform sampler2D u_palette;
  flat out vec4 v_color; flat out float v_symbol;
  void main() {
    vec4 color = texelFetch(u_palette, ivec2(int(a_code), 0), 0);
    bool chosen = a_flag > 0.5;
    bool skip = color.a == 0.0 || (u_pass == 1 && chosen) || (u_pass == 2 && !chosen);
    gl_Position = skip ? vec4(2.0, 2.0, 2.0, 1.0) : vec4((a_pos - u_center) * u_scale, 0.0, 1.0);
    gl_PointSize = u_size;
    v_color = vec4(u_pass == 1 ? mix(color.rgb, u_dim, 0.75) : color.rgb, u_alpha);
    v_symbol = floor(texelFetch(u_palette, ivec2(int(a_code), 1), 0).r * 255.0 + 0.5);
  }`,
  `#version 300 es
  precision highp float;
  uniform sampler2D u_atlas; uniform float u_size, u_shaped;
  flat in vec4 v_color; flat in float v_symbol; out vec4 color;
  void main() {
    float cover;
    if (u_shaped > 0.5) {
      cover = texture(u_atlas, vec2((v_symbol + gl_PointCoord.x) / ${SHAPES.length}.0, gl_PointCoord.y)).r;
    } else {
      cover = clamp((0.5 - length(gl_PointCoord - 0.5)) * u_size + 0.25, 0.0, 1.0);
    }
    color = vec4(v_color.rgb, 1.0) * v_color.a * cover;
  }`,
];

const PICK_SHADER = [
  `#version 300 es
  in vec2 a_pos; in float a_round; in float a_flag;
  uniform vec2 u_center, u_scale; uniform float u_size, u_round, u_only; uniform bool u_latest, u_dimming;
  flat out float v_alpha;
  void main() {
    bool latest = a_round == u_only;
    bool skip = a_round > u_round || latest != u_latest;
    gl_Position = skip ? vec4(2.0, 2.0, 2.0, 1.0) : vec4((a_pos - u_center) * u_scale, 0.0, 1.0);
    gl_PointSize = u_size * (latest ? 1.35 : 1.0);
    v_alpha = u_dimming && a_flag < 0.5 ? 0.18 : 1.0;
  }`,
  `#version 300 es
  precision mediump float;
  uniform sampler2D u_atlas; uniform float u_symbol; uniform vec3 u_color, u_halo;
  flat in float v_alpha; out vec4 color;
  void main() {
    vec4 ink = texture(u_atlas, vec2((u_symbol + gl_PointCoord.x) / ${SHAPES.length}.0, gl_PointCoord.y));
    color = vec4(mix(u_halo, u_color, ink.r), 1.0) * max(ink.r, ink.g) * v_alpha;
  }`,
];

const DENSITY_SHADER = [
  `#version 300 es
  in vec2 a_pos; uniform vec2 u_center, u_scale; out vec2 v_at;
  void main() { v_at = a_pos; gl_Position = vec4((a_pos - u_center) * u_scale, 0.0, 1.0); }`,
  `#version 300 es
  precision mediump float;
  uniform sampler2D u_density; uniform float u_alpha; in vec2 v_at; out vec4 color;
  void main() { color = texture(u_density, v_at) * u_alpha; }`,
];

class Painter {
  constructor(gl) {
    this.gl = gl;
    this.points = this.program(POINT_SHADER, ["a_pos", "a_code", "a_flag"]);
    this.picks = this.program(PICK_SHADER, ["a_pos", "a_round", "a_flag"]);
    this.density = this.program(DENSITY_SHADER, ["a_pos"]);
    this.buffers = {};
    this.textures = { atlas: gl.createTexture(), palette: gl.createTexture(), density: gl.createTexture() };
    this.drawAtlas();
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.fill("quad", new Uint16Array([0, 0, QUANTA, 0, 0, QUANTA, QUANTA, QUANTA]));
  }

  program([vertex, fragment], attributes) {
    const { gl } = this;
    const id = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(id, shader);
    }
    attributes.forEach((name, i) => gl.bindAttribLocation(id, i, name));
    gl.linkProgram(id);
    if (!gl.getProgramParameter(id, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(id));
    const uniforms = {};
    for (let i = 0; i < (gl.getProgramParameter(id, gl.ACTIVE_UNIFORMS) ?? 0); i++) {
      const { name } = gl.getActiveUniform(id, i);
      uniforms[name] = gl.getUniformLocation(id, name);
    }
    return { id, uniforms };
  }

  fill(name, array, target = this.gl.ARRAY_BUFFER) {
    const { gl } = this;
    this.buffers[name] ??= gl.createBuffer();
    gl.bindBuffer(target, this.buffers[name]);
    gl.bufferData(target, array, gl.DYNAMIC_DRAW);
  }

  attribute(index, name, size, type, normalized = false) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name]);
    gl.enableVertexAttribArray(index);
    gl.vertexAttribPointer(index, size, type, normalized, 0, 0);
  }

  // Red: the symbol itself. Green: the symbol with its outline.
  drawAtlas() {
    const { gl } = this;
    const size = 64;
    const canvas = element("canvas");
    [canvas.width, canvas.height] = [size * SHAPES.length, size];
    const context = canvas.getContext("2d");
    context.globalCompositeOperation = "lighter";
    context.lineJoin = "round";
    SHAPES.forEach((shape, i) => {
      context.setTransform(2.2, 0, 0, 2.2, size * (i + 0.5), size / 2);
      const path = new Path2D(pathOf(shape));
      [context.fillStyle, context.strokeStyle] = ["#f00", "#0f0"];
      context.lineWidth = 6;
      context.stroke(path);
      [context.strokeStyle, context.lineWidth] = ["#f00", 3.5];
      if (OPEN.has(i)) context.stroke(path);
      else context.fill(path);
    });
    gl.bindTexture(gl.TEXTURE_2D, this.textures.atlas);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, canvas);
    gl.generateMipmap(gl.TEXTURE_2D);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
  }

  texture(name, width, height, pixels, filter) {
    const { gl } = this;
    gl.bindTexture(gl.TEXTURE_2D, this.textures[name]);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, side, filter);
    for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
  }

  use(program, values) {
    const { gl } = this;
    gl.useProgram(program.id);
    let unit = 0;
    for (const [name, value] of Object.entries(values)) {
      const where = program.uniforms["u_" + name];
      if (!where) continue;
      if (value instanceof WebGLTexture) {
        gl.activeTexture(gl.TEXTURE0 + unit);
        gl.bindTexture(gl.TEXTURE_2D, value);
        gl.uniform1i(where, unit++);
      } else if (Array.isArray(value)) gl["uniform" + value.length + "fv"](where, value);
      else if (["pass", "latest", "dimming"].includes(name)) gl.uniform1i(where, value);
      else gl.uniform1f(where, value);
    }
    gl.activeTexture(gl.TEXTURE0);
  }
}

// How densely the points lie, in the mean color of those in a cell; hidden categories left out.
function densityPixels(xy, codes, colors, hidden, size) {
  const sums = new Float32Array(size * size * 4);
  const shift = 16 - Math.log2(size);
  for (let i = 0; i < codes.length; i++) {
    if (hidden.has(codes[i])) continue;
    const at = 4 * ((xy[2 * i + 1] >> shift) * size + (xy[2 * i] >> shift));
    const color = colors[codes[i]];
    for (let c = 0; c < 3; c++) sums[at + c] += color[c];
    sums[at + 3]++;
  }
  let most = 1;
  for (let at = 3; at < sums.length; at += 4) most = Math.max(most, sums[at]);
  const pixels = new Uint8Array(sums.length);
  for (let at = 0; at < sums.length; at += 4) {
    const count = sums[at + 3];
    if (!count) continue;
    const alpha = 0.15 + (0.75 * Math.log1p(count)) / Math.log1p(most);
    for (let c = 0; c < 3; c++) pixels[at + c] = (sums[at + c] / count) * alpha;
    pixels[at + 3] = 255 * alpha;
  }
  return pixels;
}

// ---------------------------------------------------------------------------------------------- the map that is seen

class View {
  constructor(key) {
    this.key = key;
    this.blobs = {}; // kind -> what is drawn now
    this.data = null;
    this.tool = "pan";
    this.camera = null; // { x, y, k }: center in quanta, px per quantum; null shows everything
    this.hidden = new Map(); // title of a coloring -> Set of hidden codes
    this.off = new Set(); // hidden layers
    this.applied = {};
    this.selection = null; // { kind, polygon }, in data coordinates
    this.primary = null;
    this.round = 0;
    this.flags = new Uint8Array(0); // 1: selected
    this.selected = 0;
    this.pointers = new Map();
    this.draft = null;
    this.build();
  }

  // -- the page's side

  attach(component, turn) {
    this.turn = turn;
    this.component = component;
    if (this.root.parentNode !== component.parentElement) component.parentElement.append(this.root);
    this.data = component.data;
    this.arrange();
    this.paper = cssColor(this.root, "--st-background-color", "#ffffff"); // a change of theme comes this way, too
    this.text = cssColor(this.root, "--st-text-color", "#31333f");
    if (!this.gl && !this.failed) this.start();
    this.refresh();
  }

  start() {
    this.gl = this.canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: true });
    if (!this.gl) {
      this.failed = true;
      this.root.replaceChildren(this.style, element("p", "note", "This browser offers no WebGL 2, so the map is shown as a still picture."));
      this.report();
      return;
    }
    this.painter = new Painter(this.gl);
  }

  dispose() {
    this.stop();
    this.resizing.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.reporting);
    this.freeSprites();
    const { camera, tool, hidden, off } = this;
    hub.cameras.set(this.key, { camera, tool, hidden, off, points: this.blobs.points?.digest });
    this.gl?.getExtension("WEBGL_lose_context")?.loseContext();
    this.root.remove();
  }

  report() {
    const { selection, primary, round } = this;
    const event = { id: `${Date.now()}-${++hub.turn}`, points: this.data.points, webgl: !this.failed };
    this.component.setStateValue("event", this.failed ? event : { ...event, selection, primary, round });
  }

  // Take in what has arrived; waits until everything that the data speak of is there.
  refresh() {
    const { data } = this;
    if (!data || this.failed) return;
    const next = {};
    for (const kind of ["points", "colors", "layers", "sprites"]) {
      if (!data[kind]) continue;
      next[kind] = hub.blobs.get(data[kind]);
      if (!next[kind]) return;
    }
    const changed = (kind) => next[kind]?.digest !== this.blobs[kind]?.digest;
    const [points, colors, layers, sprites] = ["points", "colors", "layers", "sprites"].map(changed);
    this.blobs = next;
    if (points) this.takePoints();
    if (points || colors) this.takeColors();
    if (points || layers) this.takeLayers();
    if (sprites) this.takeSprites();
    this.obey(points);
    if (this.draft && points) this.draft = null;
    this.furnish();
    if (points || colors || layers) this.upload();
    else this.recolor();
    this.loading.hidden = true;
    this.draw();
  }

  takePoints() {
    const { n, origin, scale, parts, digest } = this.blobs.points;
    const xy = parts[0];
    let [right, top] = [0, 0];
    for (let i = 0; i < n; i++) {
      right = Math.max(right, xy[2 * i]);
      top = Math.max(top, xy[2 * i + 1]);
    }
    this.pool = { n, xy, ids: parts[1], origin, scale, right, top, grid: buildGrid(xy, n) };
    this.flags = new Uint8Array(n);
    const kept = hub.cameras.get(this.key);
    if (kept?.points === digest) Object.assign(this, kept);
    else this.camera = null;
    hub.cameras.delete(this.key);
    this.setTool(this.tool);
  }

  takeColors() {
    this.codes = readCodes(this.blobs.colors, this.blobs.colors.parts[0]);
    this.counts = new Uint32Array(256);
    for (const code of this.codes) this.counts[code]++;
  }

  takeLayers() {
    const { parts, layers } = this.blobs.layers;
    const { n, xy } = this.pool;
    this.layers = layers.map((layer, i) => {
      const { positions, rounds } = readLayer(layer, parts[2 * i], parts[2 * i + 1], n);
      const at = new Uint16Array(2 * positions.length);
      positions.forEach((p, j) => at.set([xy[2 * p], xy[2 * p + 1]], 2 * j));
      return { positions, rounds, at };
    });
  }

  takeSprites() {
    this.freeSprites();
    const sprites = this.blobs.sprites;
    this.spriteUrl = sprites && URL.createObjectURL(new Blob([sprites.parts[0]], { type: "image/png" }));
  }

  // The browser keeps an image as long as it has an address.
  freeSprites() {
    if (this.spriteUrl) URL.revokeObjectURL(this.spriteUrl);
    this.spriteUrl = null;
  }

  // What the server says holds when it says it anew; between that, the user's own doing does.
  obey(all) {
    const { rev, now } = this.data;
    const anew = (name) => all || this.applied[name] !== rev[name];
    if (anew("selection")) this.selection = now.selection;
    if (anew("primary")) this.primary = now.primary;
    if (anew("round")) [this.round] = [now.round, this.stop()];
    if (anew("selection")) this.findSelected();
    this.round = clamp(this.round, 0, this.data.rounds);
    this.applied = { ...rev };
  }

  // -- what is drawn

  get hiddenCodes() {
    const { title } = this.data.coloring;
    if (!this.hidden.has(title)) this.hidden.set(title, new Set());
    return this.hidden.get(title);
  }

  toQuanta([x, y]) {
    const { origin, scale } = this.pool;
    return [(x - origin[0]) / scale, (y - origin[1]) / scale];
  }

  toData([x, y]) {
    const { origin, scale } = this.pool;
    return [Math.fround(origin[0] + x * scale), Math.fround(origin[1] + y * scale)];
  }

  findSelected() {
    const { xy, grid } = this.pool;
    this.flags.fill(0);
    this.selected = 0;
    if (!this.selection) return;
    const polygon = this.selection.polygon.map((p) => this.toQuanta(p));
    for (const [from, to] of gridRows(grid, bounds(polygon))) {
      const low = xy[2 * grid.order[from] + 1] & ~255;
      const edges = edgesOf(polygon, low, low + 255);
      for (let j = from; j < to; j++) {
        const i = grid.order[j];
        if (!inside(edges, xy[2 * i], xy[2 * i + 1])) continue;
        this.flags[i] = 1;
        this.selected++;
      }
    }
  }

  upload() {
    const { painter, gl, pool, codes } = this;
    if (!painter || gl.isContextLost()) return;
    painter.fill("xy", pool.xy);
    painter.fill("codes", codes);
    this.layers.forEach((layer, i) => {
      painter.fill(`at${i}`, layer.at);
      painter.fill(`rounds${i}`, layer.rounds);
    });
    this.recolor();
  }

  recolor() {
    this.uploadFlags();
    this.uploadColors();
  }

  uploadFlags() {
    const { painter, flags } = this;
    painter.fill("flags", flags);
    this.layers.forEach(({ positions }, i) => painter.fill(`flags${i}`, Uint8Array.from(positions, (p) => flags[p])));
  }

  uploadColors() {
    const { painter, gl } = this;
    const { coloring } = this.data;
    const hidden = this.hiddenCodes;
    this.colors = expand(coloring);
    const pixels = new Uint8Array(2 * 256 * 4);
    this.colors.forEach((color, i) => pixels.set([...color, hidden.has(i) ? 0 : 255], 4 * i));
    coloring.symbols.forEach((symbol, i) => (pixels[4 * (256 + i)] = symbol));
    painter.texture("palette", 256, 2, pixels, gl.NEAREST);
    if (this.pool.n > POINT_LIMIT) {
      const density = densityPixels(this.pool.xy, this.codes, this.colors, hidden, 512);
      painter.texture("density", 512, 512, density, gl.LINEAR);
    }
  }

  get panels() {
    const count = this.data.panels.length;
    const { clientWidth, clientHeight } = this.stage;
    const [columns, rows] = this.stacked ? [1, count] : [count, 1];
    const [width, height] = [(clientWidth - GAP * (columns - 1)) / columns, (clientHeight - GAP * (rows - 1)) / rows];
    return this.data.panels.map((panel, i) => {
      const [left, top] = this.stacked ? [0, i * (height + GAP)] : [i * (width + GAP), 0];
      return { ...panel, i, left, top, width, height };
    });
  }

  // Two panels lie one below the other where there is no room beside.
  get stacked() {
    const { clientWidth } = this.stage;
    return this.data.panels.length > 1 && clientWidth > 0 && clientWidth < NARROW;
  }

  // Room for the panels, and for the head of each above it.
  arrange() {
    if (!this.data) return;
    const { stacked, stage } = this;
    stage.style.height = `${stacked ? 1.5 * this.data.height + GAP : this.data.height}px`;
    this.heads.style.gridTemplateColumns = `repeat(${stacked ? 1 : this.data.panels.length}, minmax(0, 1fr))`;
  }

  get home() {
    const { width, height } = this.panels[0];
    const { right, top } = this.pool;
    const k = 0.93 * Math.min(width / Math.max(right, 1), height / Math.max(top, 1));
    return { x: right / 2, y: top / 2, k };
  }

  get eye() {
    return this.camera ?? this.home;
  }

  draw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.pool && this.gl && !this.gl.isContextLost() && this.stage.clientWidth) this.paint();
    });
  }

  paint() {
    const { gl, stage, canvas } = this;
    const ratio = globalThis.devicePixelRatio || 1;
    const [width, height] = [Math.round(stage.clientWidth * ratio), Math.round(stage.clientHeight * ratio)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    gl.viewport(0, 0, width, height);
    gl.disable(gl.SCISSOR_TEST);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.enable(gl.SCISSOR_TEST);
    const eye = this.eye;
    for (const panel of this.panels) {
      const below = stage.clientHeight - panel.top - panel.height;
      const box = [panel.left * ratio, below * ratio, panel.width * ratio, panel.height * ratio].map(Math.round);
      gl.viewport(...box);
      gl.scissor(...box);
      const place = {
        center: [eye.x / QUANTA, eye.y / QUANTA],
        scale: [(2 * eye.k * QUANTA) / panel.width, (2 * eye.k * QUANTA) / panel.height],
      };
      this.paintPool(panel, place, ratio, eye);
      panel.layers.forEach((layer) => this.paintLayer(layer, panel, place, ratio));
      this.overlay(panel, eye);
    }
  }

  // Positions of the points to draw one by one: all (null), those in view, or none because they are too many.
  visible(panel, eye) {
    const { n, grid } = this.pool;
    if (n <= POINT_LIMIT) return null;
    const [w, h] = [panel.width / 2 / eye.k, panel.height / 2 / eye.k];
    const rows = gridRows(grid, [eye.x - w, eye.y - h, eye.x + w, eye.y + h]);
    const total = rows.reduce((sum, [from, to]) => sum + to - from, 0);
    if (total > POINT_LIMIT / 2) return [];
    const found = new Uint32Array(total);
    let at = 0;
    for (const [from, to] of rows) {
      found.set(grid.order.subarray(from, to), at);
      at += to - from;
    }
    return found;
  }

  paintPool(panel, place, ratio, eye) {
    const { gl, painter, pool } = this;
    const { coloring } = this.data;
    const chosen = this.visible(panel, eye);
    const zoom = eye.k / this.home.k;
    const share = Math.sqrt((panel.width * panel.height) / Math.max(pool.n, 1));
    const size = clamp(clamp(0.9 * share, 1.6, coloring.symbols.length ? 9 : 7) * Math.pow(zoom, 0.45), 1.6, 12);
    const alpha = clamp((pool.n > 20000 ? 0.55 : 0.7) * Math.pow(zoom, 0.15), 0, 0.95);
    if (chosen && !chosen.length) {
      painter.use(painter.density, { ...place, density: painter.textures.density, alpha: this.selection ? 0.35 : 1 });
      painter.attribute(0, "quad", 2, gl.UNSIGNED_SHORT, true);
      [1, 2].forEach((i) => gl.disableVertexAttribArray(i));
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    }
    painter.attribute(0, "xy", 2, gl.UNSIGNED_SHORT, true);
    painter.attribute(1, "codes", 1, gl.UNSIGNED_BYTE);
    painter.attribute(2, "flags", 1, gl.UNSIGNED_BYTE);
    const shared = {
      ...place,
      size: size * ratio,
      dim: this.paper.map((p, c) => (0.6 * p + 0.4 * this.text[c]) / 255),
      shaped: coloring.symbols.length > 0 && size > 3.5,
      palette: painter.textures.palette,
      atlas: painter.textures.atlas,
    };
    if (chosen) painter.fill("chosen", chosen, gl.ELEMENT_ARRAY_BUFFER);
    const pass = (number, opacity) => {
      painter.use(painter.points, { ...shared, pass: number, alpha: opacity, shaped: +shared.shaped });
      if (chosen) gl.drawElements(gl.POINTS, chosen.length, gl.UNSIGNED_INT, 0);
      else gl.drawArrays(gl.POINTS, 0, pool.n);
    };
    if (!this.selection) pass(0, alpha);
    else {
      pass(1, alpha * 0.3);
      pass(2, 0.95);
      if (chosen && !chosen.length && this.selected <= POINT_LIMIT) this.paintSelected();
    }
  }

  paintSelected() {
    const { gl, painter, flags } = this;
    const found = new Uint32Array(this.selected);
    let at = 0;
    for (let i = 0; i < flags.length; i++) if (flags[i]) found[at++] = i;
    painter.fill("chosen", found, gl.ELEMENT_ARRAY_BUFFER);
    gl.drawElements(gl.POINTS, found.length, gl.UNSIGNED_INT, 0);
  }

  paintLayer(layer, panel, place, ratio) {
    const { gl, painter } = this;
    const { positions } = this.layers[layer.slot];
    if (!positions.length || this.off.has(layer.label)) return;
    const zoom = this.eye.k / this.home.k;
    const room = Math.sqrt((panel.width * panel.height) / positions.length);
    // So many picks that they would hide each other, and the pool, are drawn smaller.
    const size = clamp(0.3 * room, clamp(0.6 * room, 2.2, 3.5), 9) * clamp(Math.pow(zoom, 0.3), 1, 1.8);
    painter.attribute(0, `at${layer.slot}`, 2, gl.UNSIGNED_SHORT, true);
    painter.attribute(1, `rounds${layer.slot}`, 1, gl.UNSIGNED_SHORT);
    painter.attribute(2, `flags${layer.slot}`, 1, gl.UNSIGNED_BYTE);
    const scrubbed = this.data.rounds > 0;
    const only = scrubbed && this.round < this.data.rounds ? this.round : -1;
    for (const latest of [false, true]) {
      painter.use(painter.picks, {
        ...place,
        latest,
        round: scrubbed ? this.round : QUANTA,
        only,
        dimming: this.selection !== null,
        size: size * ratio * 1.6, // the symbol fills two thirds of its cell
        atlas: painter.textures.atlas,
        symbol: layer.symbol,
        color: rgb(layer.color).map((c) => c / 255),
        halo: (latest ? this.text : this.paper).map((c) => c / 255),
      });
      gl.drawArrays(gl.POINTS, 0, positions.length);
    }
  }

  // Outline of the selection, the shape being drawn, and the primary point.
  overlay(panel, eye) {
    const svg = this.overlays[panel.i];
    const sides = { left: panel.left, top: panel.top, width: panel.width, height: panel.height };
    for (const [name, value] of Object.entries(sides)) svg.style[name] = `${value}px`;
    const place = ([x, y]) => [panel.width / 2 + (x - eye.x) * eye.k, panel.height / 2 - (y - eye.y) * eye.k];
    const parts = [];
    if (this.selection) {
      const d = pathOf(this.selection.polygon.map((p) => place(this.toQuanta(p))));
      parts.push(svgNode("path", { d, class: "selection" }));
    }
    if (this.draft?.path?.length > 1) {
      parts.push(svgNode("path", { d: pathOf(this.draft.path.map(place)), class: "selection draft" }));
    }
    if (this.primary !== null && this.primary < this.pool.n) {
      const { xy } = this.pool;
      const [cx, cy] = place([xy[2 * this.primary], xy[2 * this.primary + 1]]);
      for (const name of ["halo", "primary"]) parts.push(svgNode("circle", { cx, cy, r: 10, class: name }));
    }
    if (this.stacked) {
      const name = svgNode("text", { x: 10, y: 22, class: "name" });
      name.textContent = panel.title || panel.layers.map(({ label }) => label)[0] || "";
      parts.push(name);
    }
    svg.replaceChildren(...parts);
  }

  // -- the furniture around it

  build() {
    this.style = element("style", "", CSS);
    this.canvas = element("canvas", "canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.status = element("span", "status");
    this.status.setAttribute("role", "status");
    this.tools = {
      pan: button("pan", "Move the map (drag)", () => this.setTool("pan")),
      box: button("box", "Select a box (Shift + drag)", () => this.setTool("box")),
      lasso: button("lasso", "Select by lasso (Alt + drag)", () => this.setTool("lasso")),
    };
    this.clearing = button("clear", "Clear the selection (Esc)", () => this.clear());
    const zooms = element(
      "span",
      "group",
      button("in", "Zoom in (+)", () => this.zoom(1.6)),
      button("out", "Zoom out (\u2212)", () => this.zoom(1 / 1.6)),
      button("home", "Show the whole map (double click)", () => this.goHome()),
    );
    const bar = element("div", "bar", element("span", "group", ...Object.values(this.tools)), zooms, this.clearing, this.status);
    this.heads = element("div", "heads");
    this.tooltip = element("div", "tooltip");
    this.tooltip.hidden = true;
    this.loading = element("div", "loading", "Loading the map\u2026");
    this.stage = element("div", "stage", this.canvas, this.loading, this.tooltip);
    this.overlays = [];
    this.scrubber = this.buildScrubber();
    this.legend = element("div", "legend");
    this.root = element("div", "map", this.style, bar, this.heads, this.stage, this.scrubber, this.legend);
    this.resizing = new ResizeObserver(() => {
      this.arrange();
      this.draw();
    });
    this.resizing.observe(this.stage);
    this.listen();
  }

  buildScrubber() {
    this.player = button("play", "Play the rounds", () => (this.playing ? this.pause() : this.play()));
    this.slider = element("input");
    Object.assign(this.slider, { type: "range", min: 0, step: 1 });
    this.slider.setAttribute("aria-label", "Round");
    this.slider.oninput = () => {
      this.stop();
      this.setRound(Number(this.slider.value));
    };
    this.slider.onchange = () => this.report();
    this.roundText = element("span", "round");
    return element("div", "scrubber", this.player, this.slider, this.roundText);
  }

  furnish() {
    const { data } = this;
    if (this.overlays.length !== data.panels.length) {
      this.overlays.forEach((svg) => svg.remove());
      this.overlays = data.panels.map(() => svgNode("svg", { class: "overlay", "aria-hidden": "true" }));
      this.stage.append(...this.overlays);
    }
    this.arrange();
    this.scrubber.hidden = !data.rounds;
    this.slider.max = data.rounds;
    this.furnishLegend();
    this.setRound(this.round);
    this.tell();
  }

  furnishLegend() {
    const { coloring } = this.data;
    const title = element("span", "title", coloring.title);
    if (coloring.kind === "continuous") {
      const ramp = element("span", "ramp");
      ramp.style.background = `linear-gradient(to right, ${coloring.palette.join(", ")})`;
      const count = this.counts[STEPS];
      const missing = count ? [this.chip({ color: "#9A9A9A", symbol: 0, label: "no value", count, code: STEPS })] : [];
      this.legend.replaceChildren(title, element("span", "end", coloring.labels[0]), ramp, element("span", "end", coloring.labels[1]), ...missing);
      return;
    }
    const chips = coloring.labels.map((label, code) =>
      this.chip({ color: coloring.palette[code], symbol: coloring.symbols[code] ?? 0, label, count: this.counts[code], code }),
    );
    this.legend.replaceChildren(title, ...chips);
  }

  chip({ color, symbol, label, count, code }) {
    const hidden = this.hiddenCodes;
    const node = element("button", "chip", symbolIcon(symbol, color), element("span", "", label), element("small", "", grouped(count)));
    node.type = "button";
    node.title = `${label}: a click hides or shows it, a double click (or Shift) shows only this`;
    node.setAttribute("aria-pressed", String(!hidden.has(code)));
    const isolate = () => {
      const others = [...this.counts.keys()].filter((i) => this.counts[i] && i !== code);
      const alone = !hidden.has(code) && others.every((i) => hidden.has(i));
      hidden.clear();
      if (!alone) others.forEach((i) => hidden.add(i));
    };
    const act = (event) => {
      if (event.type === "dblclick" || event.shiftKey) isolate();
      else if (!hidden.delete(code)) hidden.add(code);
      [...this.legend.querySelectorAll("button")].forEach((chip, i) => {
        chip.setAttribute("aria-pressed", String(!hidden.has(this.data.coloring.kind === "category" ? i : STEPS)));
      });
      this.uploadColors();
      this.tell();
      this.draw();
    };
    node.onclick = node.ondblclick = act;
    return node;
  }

  // Titles of the panels and their layers, with how many were bought up to the round shown.
  furnishHeads() {
    const heads = this.data.panels.map((panel) => {
      const chips = panel.layers.map((layer) => {
        const bought = this.bought(layer);
        const node = element("button", "chip", symbolIcon(layer.symbol, layer.color), element("span", "", layer.label), element("small", "", grouped(bought)));
        node.type = "button";
        node.title = `${layer.label}: a click hides or shows these picks`;
        node.setAttribute("aria-pressed", String(!this.off.has(layer.label)));
        node.onclick = () => {
          if (!this.off.delete(layer.label)) this.off.add(layer.label);
          node.setAttribute("aria-pressed", String(!this.off.has(layer.label)));
          this.draw();
        };
        return node;
      });
      return element("div", "head", ...(panel.title ? [element("span", "title", panel.title)] : []), ...chips);
    });
    const focused = [...this.heads.querySelectorAll("button")].indexOf(this.root.getRootNode().activeElement);
    this.heads.replaceChildren(...heads);
    if (focused >= 0) this.heads.querySelectorAll("button")[focused]?.focus();
    this.heads.hidden = heads.every((head) => !head.childNodes.length);
  }

  bought({ slot }) {
    const { rounds } = this.layers[slot];
    if (!this.data.rounds) return rounds.length;
    return rounds.reduce((sum, round) => sum + (round <= this.round), 0);
  }

  // The count in words, and what the canvas shows for those who do not see it.
  tell() {
    const { n } = this.pool;
    const hidden = this.hiddenCodes;
    let unseen = 0;
    if (this.selection && hidden.size) this.flags.forEach((flag, i) => (unseen += flag && hidden.has(this.codes[i])));
    const counted = this.selection ? `${grouped(this.selected)} of ${grouped(n)} selected` : `${grouped(n)} points`;
    this.status.textContent = counted + (unseen ? `, ${grouped(unseen)} of them hidden` : "");
    this.status.classList.toggle("strong", this.selection !== null);
    this.clearing.hidden = !this.selection;
    const layers = this.data.panels.flatMap((panel) =>
      panel.layers.map((layer) => `${panel.title ? panel.title + ", " : ""}${layer.label}: ${grouped(this.bought(layer))}`),
    );
    const parts = [`Map of ${grouped(n)} points colored by ${this.data.coloring.title}.`, ...layers.map((text) => text + ".")];
    const keys = "Arrow keys move, plus and minus zoom, 0 shows everything, Escape clears the selection.";
    this.canvas.setAttribute("aria-label", [...parts, this.selection ? counted + "." : "", keys].join(" "));
  }

  // -- rounds

  setRound(round) {
    this.round = clamp(round, 0, this.data.rounds);
    this.slider.value = this.round;
    this.roundText.textContent = `Round ${this.round} of ${this.data.rounds}`;
    this.slider.setAttribute("aria-valuetext", this.roundText.textContent);
    this.furnishHeads();
    this.tell();
    this.draw();
  }

  play() {
    const { rounds } = this.data;
    if (this.round >= rounds) this.setRound(0);
    this.playing = setInterval(() => {
      this.setRound(this.round + 1);
      if (this.round >= this.data.rounds) this.pause();
    }, clamp(12000 / rounds, 150, 900));
    this.showPlayer();
  }

  pause() {
    this.stop();
    this.report();
  }

  stop() {
    clearInterval(this.playing);
    this.playing = null;
    this.showPlayer();
  }

  showPlayer() {
    this.player.replaceChildren(icon(this.playing ? "pause" : "play"));
    this.player.title = this.playing ? "Pause" : "Play the rounds";
    this.player.setAttribute("aria-label", this.player.title);
  }

  // -- moving and selecting

  setTool(tool) {
    this.tool = tool;
    for (const [name, node] of Object.entries(this.tools)) node.setAttribute("aria-pressed", String(name === tool));
    this.canvas.style.cursor = tool === "pan" ? "grab" : "crosshair";
  }

  zoom(factor, at = null) {
    const { x, y, k } = this.eye;
    const next = clamp(k * factor, this.home.k * 0.5, this.home.k * MAX_ZOOM);
    const [qx, qy] = at ?? [x, y];
    this.camera = { x: qx + ((x - qx) * k) / next, y: qy + ((y - qy) * k) / next, k: next };
    this.tooltip.hidden = true;
    this.draw();
  }

  pan(dx, dy) {
    const { x, y, k } = this.eye;
    const { right, top } = this.pool;
    this.camera = { x: clamp(x - dx / k, 0, right), y: clamp(y + dy / k, 0, top), k };
    this.draw();
  }

  goHome() {
    this.camera = null;
    this.draw();
  }

  select(selection) {
    this.selection = selection;
    this.findSelected();
    this.uploadFlags();
    this.tell();
    this.draw();
  }

  clear() {
    if (this.draft) {
      this.draft = null;
      this.draw();
    } else if (this.selection || this.primary !== null) {
      this.primary = null;
      this.select(null);
      this.report();
    }
  }

  locate(event) {
    const box = this.stage.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const panels = this.panels;
    const beyond = x > panels[0].width + GAP / 2 || y > panels[0].height + GAP / 2;
    const panel = panels[this.draft?.panel ?? (beyond ? panels.length - 1 : 0)]; // a drag stays where it began
    const { x: cx, y: cy, k } = this.eye;
    const [right, down] = [x - panel.left - panel.width / 2, y - panel.top - panel.height / 2];
    return { x, y, panel, at: [cx + right / k, cy - down / k] };
  }

  listen() {
    const { canvas } = this;
    const ready = (act) => (event) => this.pool && act(event);
    canvas.addEventListener("wheel", ready((event) => {
      event.preventDefault();
      const step = event.deltaY * (event.deltaMode === 1 ? 20 : 1);
      this.zoom(Math.exp(-clamp(step, -300, 300) * 0.002), this.locate(event).at);
    }), { passive: false });
    canvas.addEventListener("pointerdown", ready((event) => this.press(event)));
    canvas.addEventListener("pointermove", ready((event) => this.move(event)));
    canvas.addEventListener("pointerup", ready((event) => this.release(event)));
    canvas.addEventListener("pointercancel", ready((event) => {
      this.pointers.delete(event.pointerId);
      this.draft = null;
      this.draw();
    }));
    canvas.addEventListener("pointerleave", () => (this.tooltip.hidden = true));
    canvas.addEventListener("dblclick", ready(() => {
      this.reporting = clearTimeout(this.reporting);
      this.primary = this.before ?? null;
      this.goHome();
    }));
    canvas.addEventListener("keydown", ready((event) => this.type(event)));
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => {
      this.painter = new Painter(this.gl);
      if (this.pool) this.upload();
      this.draw();
    });
  }

  type(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = 60;
    const acts = {
      ArrowLeft: () => this.pan(step, 0),
      ArrowRight: () => this.pan(-step, 0),
      ArrowUp: () => this.pan(0, step),
      ArrowDown: () => this.pan(0, -step),
      "+": () => this.zoom(1.4),
      "=": () => this.zoom(1.4),
      "-": () => this.zoom(1 / 1.4),
      0: () => this.goHome(),
      Escape: () => this.clear(),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  }

  press(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
    this.tooltip.hidden = true;
    if (this.pointers.size > 1) {
      this.draft = null;
      return;
    }
    const kind = event.shiftKey ? "box" : event.altKey ? "lasso" : this.tool;
    const { x, y, panel, at } = this.locate(event);
    this.draft = { kind, panel: panel.i, start: at, from: [x, y], last: [x, y], moved: false, path: [] };
  }

  move(event) {
    if (this.pointers.size > 1) return this.pinch(event);
    const { x, y, panel, at } = this.locate(event);
    const { draft } = this;
    if (!draft) return this.hover(x, y, panel, at);
    draft.moved ||= Math.hypot(x - draft.from[0], y - draft.from[1]) > 4;
    if (!draft.moved) return undefined;
    if (draft.kind === "pan") this.pan(x - draft.last[0], y - draft.last[1]);
    else if (draft.kind === "box") draft.path = [draft.start, [at[0], draft.start[1]], at, [draft.start[0], at[1]]];
    else if (!draft.path.length || Math.hypot(x - draft.last[0], y - draft.last[1]) >= 3) draft.path.push(at);
    else return undefined;
    draft.last = [x, y];
    return this.draw();
  }

  pinch(event) {
    const [other] = [...this.pointers.values()].filter((p) => p.pointerId !== event.pointerId);
    const before = this.pointers.get(event.pointerId);
    if (!before || !other) return;
    const apart = (p) => Math.max(10, Math.hypot(p.clientX - other.clientX, p.clientY - other.clientY));
    const middle = { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 };
    this.zoom(apart(event) / apart(before), this.locate(middle).at);
    this.pointers.set(event.pointerId, event);
  }

  release(event) {
    this.pointers.delete(event.pointerId);
    const { draft } = this;
    this.draft = null;
    if (!draft) return;
    if (!draft.moved) this.click(event);
    else if (draft.kind !== "pan") this.finish(draft);
    this.draw();
  }

  finish({ kind, path }) {
    const { k } = this.eye;
    let outline = path;
    for (let px = 1; kind === "lasso" && (px === 1 || outline.length > LASSO_VERTICES); px *= 2) outline = simplify(path, px / k);
    const polygon = outline.map((p) => this.toData(p));
    const [left, bottom, right, top] = bounds(polygon);
    if (polygon.length < 3 || right <= left || top <= bottom) return;
    this.select({ kind, polygon });
    this.report();
  }

  click(event) {
    const { panel, at } = this.locate(event);
    const found = this.nearest(panel, at);
    if (!this.reporting) this.before = this.primary;
    if (found === this.primary) return;
    this.primary = found;
    this.draw();
    clearTimeout(this.reporting);
    this.reporting = setTimeout(() => { // a double click means something else
      this.reporting = 0;
      this.report();
    }, 260);
  }

  // The pick or else the point nearest to a place, no farther than NEAR px; null if there is none.
  nearest(panel, [qx, qy]) {
    const { xy, grid, n } = this.pool;
    const radius = NEAR / this.eye.k;
    let [best, least] = [null, radius * radius];
    const consider = (i, x, y) => {
      const distance = (x - qx) ** 2 + (y - qy) ** 2;
      if (distance < least) [best, least] = [i, distance];
    };
    for (const { slot, label } of panel.layers) {
      if (this.off.has(label)) continue;
      const { positions, rounds, at } = this.layers[slot];
      for (let j = 0; j < positions.length; j++) {
        if (!this.data.rounds || rounds[j] <= this.round) consider(positions[j], at[2 * j], at[2 * j + 1]);
      }
    }
    if (best !== null || n > POINT_LIMIT && !this.visible(panel, this.eye).length) return best;
    const hidden = this.hiddenCodes;
    for (const [from, to] of gridRows(grid, [qx - radius, qy - radius, qx + radius, qy + radius])) {
      for (let j = from; j < to; j++) {
        const i = grid.order[j];
        if (!hidden.has(this.codes[i])) consider(i, xy[2 * i], xy[2 * i + 1]);
      }
    }
    return best;
  }

  hover(x, y, panel, at) {
    const i = this.nearest(panel, at);
    this.tooltip.hidden = i === null;
    if (i === null) return;
    const lines = this.describe(i, panel).map((line) => element("div", "", line));
    this.tooltip.replaceChildren(...this.thumbnail(i), element("div", "", ...lines));
    lines[0].className = "strong";
    const { offsetWidth: w, offsetHeight: h } = this.tooltip;
    const { clientWidth: width, clientHeight: height } = this.stage;
    this.tooltip.style.left = `${x + 16 + w > width ? Math.max(0, x - w - 12) : x + 16}px`;
    this.tooltip.style.top = `${clamp(y + 12, 0, Math.max(0, height - h))}px`;
  }

  describe(i, panel) {
    const { coloring } = this.data;
    const code = this.codes[i];
    const lines = [`Point ${this.pool.ids ? this.pool.ids[i] : i}`];
    if (coloring.kind === "category") lines.push(`${coloring.title}: ${coloring.labels[code]}`);
    else if (code === STEPS) lines.push(`${coloring.title}: no value`);
    else if (coloring.limits) {
      const [low, high] = coloring.limits;
      lines.push(`${coloring.title}: about ${(low + ((high - low) * code) / (STEPS - 1)).toPrecision(2)}`);
    }
    for (const { slot, label } of panel.layers) {
      const { positions, rounds } = this.layers[slot];
      const j = positions.indexOf(i);
      if (j >= 0 && (!this.data.rounds || rounds[j] <= this.round)) {
        lines.push(this.data.rounds ? `${label}, round ${rounds[j]}` : label);
      }
    }
    return lines;
  }

  thumbnail(i) {
    const sprites = this.blobs.sprites;
    if (!sprites || i >= sprites.count) return [];
    const side = 64;
    const node = element("div", "sprite");
    const [column, row] = [i % sprites.columns, Math.floor(i / sprites.columns)];
    node.style.backgroundImage = `url(${this.spriteUrl})`;
    node.style.backgroundSize = `${sprites.columns * side}px auto`;
    node.style.backgroundPosition = `${-column * side}px ${-row * side}px`;
    return [node];
  }
}

const CSS = `
.map { font-family: var(--st-font, sans-serif); font-size: 14px; color: var(--st-text-color, #31333f); line-height: 1.4; }
.map [hidden] { display: none !important; }
.bar, .group, .scrubber, .legend, .head { display: flex; align-items: center; gap: 4px; flex-wrap: wrap; }
.bar { gap: 12px; min-height: 36px; padding-bottom: 4px; }
.status { margin-left: auto; opacity: 0.8; font-variant-numeric: tabular-nums; }
.status.strong { opacity: 1; font-weight: 600; }
.heads { display: grid; gap: ${GAP}px; padding-bottom: 4px; align-items: end; }
.title { font-weight: 600; margin-right: 6px; }
.stage { position: relative; }
.canvas { position: absolute; inset: 0; width: 100%; height: 100%; touch-action: none; display: block; border-radius: 6px; }
.overlay { position: absolute; pointer-events: none; box-sizing: border-box; border-radius: 6px;
  border: 1px solid var(--st-border-color, #d5d8de); }
.canvas:focus-visible, .map button:focus-visible, .map input:focus-visible {
  outline: 2px solid var(--st-primary-color, #0068c9); outline-offset: 1px; }
.loading { position: absolute; inset: 0; display: grid; place-items: center; opacity: 0.7; }
.tool, .chip { font: inherit; color: inherit; background: none; border: 1px solid var(--st-border-color, #d5d8de);
  border-radius: 6px; cursor: pointer; display: inline-flex; align-items: center; gap: 6px; }
.tool { width: 32px; height: 32px; justify-content: center; padding: 0; }
.chip { padding: 1px 8px; min-height: 28px; max-width: 22em; border-color: transparent; }
.chip span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.chip small { font-size: 14px; opacity: 0.7; font-variant-numeric: tabular-nums; }
.tool:hover, .chip:hover { background: var(--st-secondary-background-color, #f0f2f6); }
.tool[aria-pressed="true"] { background: var(--st-text-color, #31333f); color: var(--st-background-color, #fff); }
.chip[aria-pressed="false"] { opacity: 0.45; }
.chip[aria-pressed="false"] span { text-decoration: line-through; }
.chip svg { flex: none; }
.stroke { stroke: currentColor; stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round; }
.scrubber { padding-top: 8px; gap: 10px; flex-wrap: nowrap; }
.scrubber input { flex: 1; accent-color: var(--st-primary-color, #0068c9); min-width: 80px; height: 24px; }
.round { min-width: 8.5em; text-align: right; font-variant-numeric: tabular-nums; }
.legend { padding-top: 8px; }
.ramp { width: 180px; height: 12px; border-radius: 3px; }
.end { font-variant-numeric: tabular-nums; }
.selection { fill: var(--st-text-color, #31333f); fill-opacity: 0.04; stroke: var(--st-text-color, #31333f); stroke-width: 1.5; }
.draft { stroke-dasharray: 5 4; }
.name { font-weight: 600; fill: var(--st-text-color, #31333f); }
.primary, .halo { fill: none; stroke: var(--st-text-color, #31333f); stroke-width: 2.5; }
.halo { stroke: var(--st-background-color, #fff); stroke-width: 6; }
.tooltip { position: absolute; z-index: 2; pointer-events: none; display: flex; gap: 8px; padding: 6px 10px; border-radius: 6px;
  max-width: 280px; background: var(--st-background-color, #fff); border: 1px solid var(--st-border-color, #d5d8de);
  box-shadow: 0 2px 8px #0003; overflow-wrap: anywhere; }
.strong { font-weight: 600; }
.sprite { width: 64px; height: 64px; flex: none; image-rendering: pixelated; background-repeat: no-repeat; }
.note { margin: 0; padding: 4px 0; opacity: 0.8; }
`;

hub.mount = mount;
hub.waiting.splice(0).forEach((start) => start()); // the elements that came before this file did
