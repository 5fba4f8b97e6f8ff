// A handful of gains as bars that one drags; what the server's answer leaves of them, and how likely each is bought.
//
// The browser only draws and reports: every answer (attack, probability of buying, waterline) is the server's. While a
// bar is dragged one report at a time is under way; the last value is always reported.

const STEPS = 100; // gains are whole hundredths
const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 430;
const TOP = 34; // px above a bar of gain 1: its handle and number
const BASE = 274; // px from the top to the foot of the bars
const LOW = 396; // foot of the probabilities below
const RISE = 66; // px of a probability of 1
const PATIENCE = 2000; // ms after which an unanswered report no longer holds back the next

const views = new WeakMap();

export default (component) => {
  const view = views.get(component.parentElement) ?? new View(component.parentElement);
  views.set(component.parentElement, view);
  const turn = view.attach(component);
  return () => view.turn === turn && view.dispose();
};

function element(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  set(node, attributes);
  node.append(...children);
  return node;
}

function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
}

class View {
  constructor(parent) {
    this.root = document.createElement("div");
    this.root.className = "bars";
    parent.appendChild(this.root);
    this.turn = 0;
    this.sequence = 0;
    this.awaited = null;
    this.dragged = null;
    this.watcher = new ResizeObserver(() => this.draw());
    this.watcher.observe(this.root);
  }

  attach({ data, setStateValue }) {
    this.report = setStateValue;
    const first = !this.data;
    this.data = data;
    // Presets and the address come as a new revision; otherwise the user's own hand holds.
    if (first || data.revision !== this.revision) {
      this.revision = data.revision;
      this.sequence = Math.max(this.sequence, data.sequence);
      this.gains = [...data.gains];
      this.awaited = null;
      this.dragged = null;
    }
    if (this.nodes?.length !== this.gains.length) this.build();
    this.draw();
    if (this.awaited !== null && data.sequence >= this.awaited) this.awaited = null;
    if (this.awaited === null && this.unsent) this.send();
    return ++this.turn;
  }

  dispose() {
    this.watcher.disconnect();
    clearTimeout(this.timer);
  }

  // -------------------------------------------------------------------------------------------- what the user does

  change(i, value) {
    const gain = Math.max(0, Math.min(STEPS, Math.round(value)));
    if (gain === this.gains[i]) return;
    this.gains[i] = gain;
    this.unsent = true;
    this.draw();
    if (this.awaited === null) this.send();
  }

  send() {
    this.unsent = false;
    this.awaited = ++this.sequence;
    this.report("move", { gains: [...this.gains], sequence: this.sequence, revision: this.revision });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.awaited = null;
      if (this.unsent) this.send();
    }, PATIENCE);
  }

  gainAt(event) {
    const box = this.svg.getBoundingClientRect();
    const y = ((event.clientY - box.top) * HEIGHT) / box.height;
    return ((BASE - y) / (BASE - TOP)) * STEPS;
  }

  press(event, i) {
    if (event.button) return;
    event.preventDefault();
    this.nodes[i].slider.focus({ preventScroll: true });
    this.nodes[i].slider.setPointerCapture(event.pointerId);
    this.dragged = i;
    // A bar caught by its handle moves with the hand; a press elsewhere in the column sets the bar there.
    const distance = this.gains[i] - this.gainAt(event);
    this.offset = Math.abs(distance) < 7 ? distance : 0;
    this.change(i, this.gainAt(event) + this.offset);
  }

  keyed(event, i) {
    const now = this.gains[i];
    const step = event.shiftKey ? 10 : 2;
    const target = {
      ArrowUp: now + step, ArrowRight: now + step, ArrowDown: now - step, ArrowLeft: now - step,
      PageUp: now + 10, PageDown: now - 10, Home: 0, End: STEPS,
    }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    this.change(i, target);
  }

  // -------------------------------------------------------------------------------------------- what is drawn

  build() {
    const { colors } = this.data;
    const stripes = element(
      "pattern",
      { id: "stripes", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      element("rect", { width: 7, height: 7, fill: colors.wrong, opacity: 0.13 }),
      element("rect", { width: 2, height: 7, fill: colors.wrong, opacity: 0.75 }),
    );
    this.axes = element("g", { class: "axes" });
    this.level = element("g", { class: "level" });
    this.nodes = this.gains.map((_, i) => this.column(i, colors));
    this.svg = element("svg", { role: "group", height: HEIGHT });
    this.svg.append(element("defs", {}, stripes), this.axes);
    this.svg.append(...this.nodes.map((node) => node.bar), this.level, ...this.nodes.map((node) => node.group));
    this.root.replaceChildren(this.svg);
  }

  column(i, colors) {
    const left = element("rect", { fill: colors.right, opacity: 0.62 });
    const shaved = element("rect", { fill: "url(#stripes)" });
    const number = element("text", { class: "number" });
    const handle = element("rect", { class: "handle", rx: 4, height: 9, fill: colors.right });
    const stem = element("line", { stroke: colors.rad, "stroke-width": 3 });
    const dot = element("circle", { r: 6.5, fill: colors.rad });
    const chance = element("text", { class: "number" });
    const name = element("text", { class: "soft" });
    name.textContent = i + 1;
    const slider = element("rect", {
      class: "slider", y: TOP - 26, height: BASE - TOP + 26, rx: 6, tabindex: 0, role: "slider",
      "aria-label": `Gain of point ${i + 1}`, "aria-orientation": "vertical", "aria-valuemin": 0, "aria-valuemax": 1,
    });
    slider.addEventListener("pointerdown", (event) => this.press(event, i));
    slider.addEventListener("pointermove", (event) => {
      if (this.dragged === i) this.change(i, this.gainAt(event) + this.offset);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"])
      slider.addEventListener(end, () => { this.dragged = null; });
    slider.addEventListener("keydown", (event) => this.keyed(event, i));
    const bar = element("g", {}, left, shaved);
    const group = element("g", { class: "point" }, handle, number, stem, dot, chance, name, slider);
    return { bar, group, left, shaved, number, handle, stem, dot, chance, name, slider };
  }

  draw() {
    const width = Math.max(320, this.root.clientWidth);
    if (!this.nodes || !this.root.clientWidth) return;
    const narrow = width < 620;
    const [start, end] = [46, width - (narrow ? 78 : 124)];
    set(this.svg, { viewBox: `0 0 ${width} ${HEIGHT}`, width, "aria-label": this.data.alt });
    const pitch = (end - start) / this.gains.length;
    const up = (gain) => BASE - (gain / STEPS) * (BASE - TOP);
    this.drawAxes(start, end, up);
    this.nodes.forEach((node, i) => this.drawColumn(node, i, start + pitch * (i + 0.5), pitch, up));
    this.drawLevel(start, end, up);
  }

  drawColumn(node, i, middle, pitch, up) {
    const gain = this.gains[i];
    const rest = Math.min(gain, gain * (1 - this.data.attack[i])); // of a bar on its way: the share last answered
    const wide = pitch * 0.68;
    const x = middle - wide / 2;
    const q = this.data.q[i];
    set(node.left, { x, width: wide, y: up(rest), height: BASE - up(rest) });
    set(node.shaved, { x, width: wide, y: up(gain), height: up(rest) - up(gain) });
    set(node.handle, { x: middle - Math.min(17, wide / 2), width: Math.min(34, wide), y: up(gain) - 4.5 });
    set(node.number, { x: middle, y: up(gain) - 11 });
    node.number.textContent = (gain / STEPS).toFixed(2);
    set(node.stem, { x1: middle, x2: middle, y1: LOW, y2: LOW - RISE * q });
    set(node.dot, { cx: middle, cy: LOW - RISE * q });
    set(node.chance, { x: middle, y: LOW - RISE * q - 12 });
    node.chance.textContent = percent(q);
    set(node.name, { x: middle, y: LOW + 26 });
    set(node.slider, {
      x: middle - pitch / 2 + 1, width: pitch - 2, "aria-valuenow": (gain / STEPS).toFixed(2),
      "aria-valuetext": `${(gain / STEPS).toFixed(2)}, left in the worst case ${(rest / STEPS).toFixed(2)}, `
        + `bought with ${percent(q)} percent`,
    });
  }

  drawAxes(start, end, up) {
    const label = (x, y, text, attributes = {}) => {
      const node = element("text", { x, y, class: "soft", ...attributes });
      node.textContent = text;
      return node;
    };
    const rule = (y) => element("line", { x1: start, x2: end, y1: y, y2: y, class: "rule" });
    const ticks = [0, 25, 50, 75, 100].flatMap((gain) => [
      rule(up(gain)),
      label(start - 8, up(gain) + 5, (gain / STEPS).toFixed(2), { class: "soft end" }),
    ]);
    this.axes.replaceChildren(
      ...ticks,
      rule(LOW),
      label(start, BASE + 30, "Our answer: buy it with this probability, in %", { class: "strong begin" }),
      label(start, 14, "Gain: how informative its label would be", { class: "strong begin" }),
      label(start - 8, LOW + 26, "Point", { class: "soft end" }),
    );
  }

  drawLevel(start, end, up) {
    const { waterline } = this.data;
    this.level.replaceChildren();
    if (!(waterline > 0)) return;
    const y = up(waterline * STEPS);
    this.level.append(element("line", { x1: start, x2: end, y1: y, y2: y, class: "waterline" }));
    ["waterline", waterline.toFixed(2)].forEach((words, line) => {
      const node = element("text", { x: end + 6, y: y + 17 * line, class: "strong begin" });
      node.textContent = words;
      this.level.append(node);
    });
  }
}

function percent(share) {
  return share > 0 && share < 0.005 ? "<1" : `${Math.round(share * 100)}`;
}
