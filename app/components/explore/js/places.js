// Where it would buy: the pool painted once in grey, and above it, in every frame, the picks of the two rules.

const GRID = 65535;
const NEAR = 10; // px within which a point counts as under the cursor
const MANY = 2500; // picks from which on they are stamped pixel by pixel
const MARGIN = 8; // px

class Places {
  constructor(owner) {
    this.owner = owner;
    this.ground = node("canvas", { "aria-hidden": "true" });
    this.top = node("canvas", { role: "img" });
    this.names = node("div", { class: "names", "aria-hidden": "true" });
    this.stage = node("div", { class: "stage" }, this.ground, this.top, this.names);
    this.empty = node("p", { class: "quiet" });
    const { root, aside } = panel("places", "Where it would buy", this.stage, this.empty);
    this.root = root;
    this.legend = aside;
    this.lasso = null; // places inside, as a Uint8Array over the pool; null for none
    this.outline = [];
    this.listen();
  }

  listen() {
    const { top } = this;
    let drawing = null;
    top.addEventListener("pointerdown", (event) => {
      if (event.button || !this.grid) return;
      drawing = [this.xy(event)];
      top.setPointerCapture(event.pointerId);
    });
    top.addEventListener("pointermove", (event) => {
      const at = this.xy(event);
      if (drawing) {
        const [x, y] = drawing.at(-1);
        if (Math.hypot(at[0] - x, at[1] - y) > 3) drawing.push(at);
        this.outline = drawing;
        this.owner.schedule();
      } else this.owner.point(this.nearest(at));
    });
    const end = () => {
      if (!drawing) return;
      this.outline = drawing.length > 5 ? drawing : [];
      this.lasso = this.outline.length ? this.enclosed(this.outline) : null;
      drawing = null;
      this.owner.schedule();
    };
    for (const name of ["pointerup", "pointercancel"]) top.addEventListener(name, end);
    top.addEventListener("pointerleave", () => this.owner.point(null));
    top.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.clear();
    });
  }

  clear() {
    [this.outline, this.lasso] = [[], null];
    this.owner.schedule();
  }

  setPool(pool, facts) {
    this.facts = facts;
    this.grid = pool.grid ?? null;
    this.peaks = pool.peaks ?? [];
    [this.outline, this.lasso] = [[], null];
    this.stage.hidden = !this.grid;
    this.empty.hidden = Boolean(this.grid);
    write(this.empty, this.owner.data.noMap ?? "");
    this.layout();
  }

  layout() {
    if (!this.grid) return;
    const box = this.stage.getBoundingClientRect();
    if (!box.width || !box.height) return;
    const ratio = (this.ratio = Math.min(2, globalThis.devicePixelRatio || 1));
    const [width, height] = [Math.round(box.width), Math.round(box.height)];
    for (const canvas of [this.ground, this.top]) {
      canvas.width = width * ratio;
      canvas.height = height * ratio;
    }
    this.fit(width, height);
    this.project();
    this.paintGround();
    this.sprites = new Map();
    this.names.replaceChildren(...this.apart().map(([name, x, y]) => {
      const label = node("span", {}, name);
      [label.style.left, label.style.top] = [`${x}px`, `${y}px`];
      return label;
    }));
  }

  // Names of classes at their peaks, moved down where one would cover another.
  apart() {
    const placed = [];
    const at = this.peaks.map(([name, gx, gy]) => [name, this.px(gx), this.py(gy)]).sort((one, other) => one[2] - other[2]);
    for (const label of at) {
      const half = (other) => 3.4 * (label[0].length + other[0].length) + 4;
      for (const other of placed) if (Math.abs(other[1] - label[1]) < half(other) && label[2] - other[2] < 13) label[2] = other[2] + 13;
      placed.push(label);
    }
    return placed;
  }

  // The map in the panel, its longer side along the longer one, nothing bent.
  fit(width, height) {
    const { grid } = this;
    let [right, topmost] = [1, 1];
    for (let i = 0; i < grid.length; i += 2) {
      if (grid[i] > right) right = grid[i];
      if (grid[i + 1] > topmost) topmost = grid[i + 1];
    }
    const scale = Math.min((width - 2 * MARGIN) / right, (height - 2 * MARGIN) / topmost);
    const [x0, y0] = [(width - right * scale) / 2, (height + topmost * scale) / 2];
    this.px = (gx) => x0 + gx * scale;
    this.py = (gy) => y0 - gy * scale;
    [this.width, this.height] = [width, height];
  }

  project() {
    const n = this.grid.length / 2;
    this.xs = new Float32Array(n);
    this.ys = new Float32Array(n);
    for (let i = 0; i < n; i++) {
      this.xs[i] = this.px(this.grid[2 * i]);
      this.ys[i] = this.py(this.grid[2 * i + 1]);
    }
  }

  paintGround() {
    const context = this.ground.getContext("2d");
    const { width, height } = this.ground;
    const image = context.createImageData(width, height);
    const counts = new Uint16Array(width * height);
    const n = this.xs.length;
    const side = n < 20000 ? Math.round(2 * this.ratio) : Math.max(1, Math.round(this.ratio));
    for (let i = 0; i < n; i++) {
      const [x, y] = [Math.round(this.xs[i] * this.ratio), Math.round(this.ys[i] * this.ratio)];
      for (let dy = 0; dy < side; dy++) for (let dx = 0; dx < side; dx++) {
        const at = (y + dy) * width + x + dx;
        if (at >= 0 && at < counts.length && counts[at] < 65535) counts[at]++;
      }
    }
    const [r, g, b] = cssColor(this.root, "--pool", "#9aa1ab");
    for (let i = 0; i < counts.length; i++) {
      if (!counts[i]) continue;
      image.data.set([r, g, b, Math.min(235, 80 + 45 * counts[i])], 4 * i);
    }
    context.putImageData(image, 0, 0);
  }

  xy(event) {
    const box = this.top.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  // The place of the point under the cursor: a pick before any other.
  nearest([x, y]) {
    if (!this.xs) return null;
    let best = NEAR * NEAR;
    let found = null;
    const look = (i) => {
      const [dx, dy] = [this.xs[i] - x, this.ys[i] - y];
      const distance = dx * dx + dy * dy;
      if (distance < best) [best, found] = [distance, i];
    };
    for (const i of this.owner.picks?.a ?? []) look(i);
    if (found === null) for (let i = 0; i < this.xs.length; i++) look(i);
    return found;
  }

  enclosed(polygon) {
    const inside = new Uint8Array(this.xs.length);
    for (let i = 0; i < inside.length; i++) {
      const [x, y] = [this.xs[i], this.ys[i]];
      let odd = false;
      for (let e = 0, f = polygon.length - 1; e < polygon.length; f = e++) {
        const [[xe, ye], [xf, yf]] = [polygon[e], polygon[f]];
        if (ye > y !== yf > y && x < ((xf - xe) * (y - ye)) / (yf - ye) + xe) odd = !odd;
      }
      inside[i] = odd ? 1 : 0;
    }
    return inside;
  }

  // A dot or a ring, drawn once and copied.
  sprite(color, ring) {
    const key = color + ring;
    if (!this.sprites.has(key)) {
      const size = Math.ceil(12 * this.ratio);
      const canvas = node("canvas");
      [canvas.width, canvas.height] = [size, size];
      const context = canvas.getContext("2d");
      context.scale(this.ratio, this.ratio);
      const middle = size / this.ratio / 2;
      const circle = (radius) => {
        context.beginPath();
        context.arc(middle, middle, radius, 0, 2 * Math.PI);
      };
      if (ring) {
        circle(4);
        [context.strokeStyle, context.lineWidth] = [color, 1.6];
        context.stroke();
      } else {
        circle(4.4);
        context.fillStyle = this.paper;
        context.fill();
        circle(3.4);
        context.fillStyle = color;
        context.fill();
      }
      this.sprites.set(key, canvas);
    }
    return this.sprites.get(key);
  }

  draw({ picks, colors, lit, words }) {
    if (!this.xs) return;
    const context = this.top.getContext("2d");
    const { ratio } = this;
    this.paper = this.owner.paper;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.top.width, this.top.height);
    const { wrong } = this.owner.game;
    if (picks.a.length + picks.b.length > MANY) this.stampAll(context, picks, colors);
    else {
      const half = Math.ceil(12 * ratio) / 2;
      const copy = (sprite, i) => context.drawImage(sprite, Math.round(this.xs[i] * ratio - half), Math.round(this.ys[i] * ratio - half));
      const rings = this.sprite(colors.b, true);
      for (const i of picks.b) copy(rings, i);
      const hollow = picks.hollow ? this.sprite(colors.a, true) : null;
      const [right, no] = [hollow ?? this.sprite(colors.a, false), hollow ?? this.sprite(colors.wrong, false)];
      for (const i of picks.a) if (!wrong || !wrong[i]) copy(right, i);
      if (wrong) for (const i of picks.a) if (wrong[i]) copy(no, i);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    [context.strokeStyle, context.lineWidth] = [this.owner.ink, 1.5];
    if (this.outline.length > 1) {
      context.beginPath();
      for (const [x, y] of this.outline) context.lineTo(x, y);
      context.closePath();
      context.stroke();
    }
    if (lit !== null) {
      context.lineWidth = 2.5;
      context.beginPath();
      context.arc(this.xs[lit], this.ys[lit], 8, 0, 2 * Math.PI);
      context.stroke();
    }
    put(this.top, { "aria-label": words });
  }

  // Thousands of picks: squares of pixels, the first rule's above the second's, the wrong ones on top.
  stampAll(context, picks, colors) {
    const { width, height } = this.top;
    if (this.pixels?.width !== width || this.pixels.height !== height) this.pixels = context.createImageData(width, height);
    const words = new Uint32Array(this.pixels.data.buffer);
    words.fill(0);
    const { wrong } = this.owner.game;
    const stamp = (chosen, color, side, keep) => {
      const [r, g, b] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
      const word = (255 << 24) | (b << 16) | (g << 8) | r;
      const half = side >> 1;
      for (const i of chosen) {
        if (keep && !keep(i)) continue;
        const x = clamp(Math.round(this.xs[i] * this.ratio) - half, 0, width - side);
        const y = clamp(Math.round(this.ys[i] * this.ratio) - half, 0, height - side);
        for (let dy = 0; dy < side; dy++) words.fill(word, (y + dy) * width + x, (y + dy) * width + x + side);
      }
    };
    const side = Math.max(2, Math.round((picks.a.length > 20000 ? 2 : 3) * this.ratio));
    stamp(picks.b, colors.b, Math.max(2, side - 1));
    stamp(picks.a, colors.a, side, wrong && ((i) => !wrong[i]));
    if (wrong) stamp(picks.a, colors.wrong, side, (i) => wrong[i]);
    context.putImageData(this.pixels, 0, 0);
  }

  // What the colors mean: names of the two rules, and red for the teacher's mistakes.
  explain(entries) {
    this.legend.replaceChildren(...entries.map(([kind, color, label]) => {
      const key = node("i", { class: kind });
      key.style.setProperty("--c", color);
      return node("span", { class: "key" }, key, label);
    }));
  }
}
