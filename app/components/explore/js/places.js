// Where it would buy: the pool painted once in grey, and above it, in every frame, the picks of the two rules.

const NEAR = 10; // px within which a point counts as under the cursor
const MANY = 6000; // picks from which on they are small squares
const MARGIN = 8; // px

class Places {
  constructor(owner) {
    this.owner = owner;
    this.ground = node("canvas", { "aria-hidden": "true" });
    this.top = node("canvas", { role: "img" });
    this.names = node("div", { class: "names", "aria-hidden": "true" });
    this.stage = node("div", { class: "stage" }, this.ground, this.top, this.names);
    const { root, aside } = panel("places", "Where it would buy", this.stage);
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
    this.stamps = new Map();
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

  // The pixels of a dot with a halo, of a ring, or of a square: where they lie and what they are. Copying them is several
  // times faster than drawing every pick.
  stamp(kind, color, side = 0) {
    const key = `${kind} ${color} ${side}`;
    if (!this.stamps.has(key)) this.stamps.set(key, kind === "square" ? this.square(color, side) : this.round(kind, color));
    return this.stamps.get(key);
  }

  square(color, side) {
    const offsets = [];
    for (let dy = 0; dy < side; dy++) for (let dx = 0; dx < side; dx++) offsets.push([dx - (side >> 1), dy - (side >> 1)]);
    return this.packed(offsets.map(([dx, dy]) => [dx, dy, rgba(channels(color), 1), 0]), side);
  }

  round(kind, color) {
    const { ratio } = this;
    const [hue, paper] = [channels(color), channels(this.paper)];
    const half = Math.ceil(5.2 * ratio);
    const cover = (distance, radius) => clamp((radius - distance) * ratio + 0.5, 0, 1); // of one pixel by a disc
    const pixels = [];
    for (let dy = -half; dy <= half; dy++) for (let dx = -half; dx <= half; dx++) {
      const distance = Math.hypot(dx, dy) / ratio;
      if (kind === "ring") {
        const ink = Math.min(cover(distance, 4.8), 1 - cover(distance, 3.2));
        if (ink > 0.05) pixels.push([dx, dy, rgba(hue, ink), ink < 0.9 ? 1 : 0]);
        continue;
      }
      const [outer, inner] = [cover(distance, 4.4), cover(distance, 3.4)];
      const mixed = paper.map((channel, at) => Math.round(channel + (hue[at] - channel) * inner));
      if (outer > 0.05) pixels.push([dx, dy, rgba(mixed, outer), outer < 0.9 ? 1 : 0]);
    }
    return this.packed(pixels, 2 * half + 1);
  }

  packed(pixels, side) {
    const { width } = this.top;
    return {
      half: (side >> 1) + 1,
      offsets: Int32Array.from(pixels, ([dx, dy]) => dy * width + dx),
      words: Uint32Array.from(pixels, ([, , word]) => word),
      soft: Uint8Array.from(pixels, ([, , , soft]) => soft), // where something lies already, soft edges leave it
    };
  }

  draw({ picks, colors, lit, words }) {
    if (!this.xs) return;
    const context = this.top.getContext("2d");
    const { ratio } = this;
    if (this.paper !== this.owner.paper) [this.paper, this.stamps] = [this.owner.paper, new Map()];
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.top.width, this.top.height);
    this.paint(context, picks, colors);
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

  // The second rule's picks below the first's, the wrong ones on top.
  paint(context, picks, colors) {
    const { width, height } = this.top;
    if (this.pixels?.width !== width || this.pixels.height !== height) this.pixels = context.createImageData(width, height);
    const words = new Uint32Array(this.pixels.data.buffer);
    words.fill(0);
    const put = (chosen, stamp, wanted) => {
      const { offsets, words: ink, soft, half } = stamp;
      for (const i of chosen) {
        if (wanted !== null && wrong[i] !== wanted) continue;
        const x = clamp(Math.round(this.xs[i] * this.ratio), half, width - half - 1);
        const y = clamp(Math.round(this.ys[i] * this.ratio), half, height - half - 1);
        const at = y * width + x;
        for (let k = 0; k < offsets.length; k++) {
          const to = at + offsets[k];
          if (!soft[k] || !words[to]) words[to] = ink[k];
        }
      }
    };
    const { wrong } = this.owner.game;
    const count = picks.a.length + picks.b.length;
    const side = count > MANY ? Math.max(2, Math.round((count > 40000 ? 2 : 3) * this.ratio)) : 0;
    const look = (kind, color) => (side ? this.stamp("square", color, side) : this.stamp(kind, color));
    const first = picks.hollow ? "ring" : "dot";
    put(picks.b, look("ring", colors.b), null);
    put(picks.a, look(first, colors.a), wrong ? 0 : null);
    if (wrong) put(picks.a, look(first, picks.hollow ? colors.a : colors.wrong), 1);
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
