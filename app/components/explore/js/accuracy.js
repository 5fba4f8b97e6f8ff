// How accurate does the student become? The measured curves over labels bought; the budget is the handle on their axis.
// Of a pool on which nothing was trained: what the purchase is certain to be worth, instead.

const BEYOND = 1.2; // the axis ends so far behind the last measured purchase
const AHEAD = 10; // budgets that the axis of a pool on which nothing was trained shows
const APART = 15; // px between two names

class Accuracy {
  constructor(owner) {
    this.owner = owner;
    this.back = drawn("g");
    this.cursor = drawn("line", { class: "cursor" });
    this.dots = [drawn("circle", { r: 5 }), drawn("circle", { r: 4 })];
    this.readout = drawn("text", { class: "on-chart strong" });
    this.note = drawn("text", { class: "quiet" });
    this.knob = drawn("g", { class: "pill" }, drawn("rect", { x: -16, y: -11, width: 32, height: 22, rx: 11 }),
      drawn("path", { d: "M-5 -4L-9 0L-5 4M5 -4L9 0L5 4" }));
    this.grip = drawn("g", { role: "slider", tabindex: 0, "aria-orientation": "horizontal" }, this.knob);
    this.area = drawn("rect", { class: "catch slide" });
    this.svg = drawn("svg", { role: "group", "aria-label": "Accuracy over labels bought" }, this.back, this.cursor, ...this.dots, this.readout,
      this.note, this.area, this.grip);
    const { root, aside } = panel("accuracy", "How accurate does the student become?", this.svg);
    this.root = root;
    this.title = root.querySelector("h2");
    aside.textContent = "drag the budget";
    holdable(this.area, this.grip, {
      move: (event) => owner.hold({ b: this.budgetAt(event) }),
      release: () => owner.release(),
      key: (event) => this.key(event),
    });
    this.grip.addEventListener("pointerdown", (event) => this.area.dispatchEvent(new PointerEvent("pointerdown", event)));
  }

  setStudy(facts) {
    this.facts = facts;
    this.layout();
  }

  curve(rule) {
    return this.curves.find((curve) => curve.rule === rule) ?? null;
  }

  // The pair of rules whose curves stand out.
  layout() {
    const box = this.root.getBoundingClientRect();
    if (!this.facts || !box.width) return;
    const { facts, owner } = this;
    const head = this.root.firstChild.getBoundingClientRect().height;
    const width = Math.round(box.width - 18);
    const height = Math.max(150, Math.round(box.height - head - 14));
    put(this.svg, { width, height, viewBox: `0 0 ${width} ${height}` });
    const last = Math.max(0, ...facts.curves.map((curve) => curve.labels.at(-1)));
    this.most = Math.max(BEYOND * last, facts.bought + Math.max(facts.budget, owner.state.b) * 1.05);
    if (facts.untrained) this.most = Math.min(facts.size, Math.max(AHEAD * facts.budget, owner.state.b * 1.05));
    this.curves = facts.untrained ? owner.certainCurves(this.most) : facts.curves;
    this.laidOutFor = owner.accuracy;
    const tell = facts.untrained ? (worth) => worthOf(worth) : percent;
    write(this.title, facts.untrained ? "What is a purchase certain to be worth?" : "How accurate does the student become?");
    put(this.svg, { "aria-label": facts.untrained ? "Certain worth over labels" : "Accuracy over labels bought" });
    const values = this.curves.flatMap((curve) => [...curve.mean, ...(curve.low ?? []), ...(curve.high ?? []), ...(curve.each ?? []).flat()]);
    if (facts.free !== null) values.push(facts.free);
    const largest = facts.untrained ? Infinity : 1;
    const low = Math.max(0, Math.min(...values, 1));
    const high = Math.min(largest, Math.max(...values, 0));
    const step = roundStep(Math.max(0.005, (high - low) / 4));
    this.low = values.length ? Math.max(0, Math.floor(low / step) * step) : 0;
    this.high = values.length ? Math.min(largest, Math.max(step, Math.ceil(high / step) * step)) : 1;
    this.left = 38;
    this.right = width - 92;
    this.top = 8;
    this.bottom = height - 42;
    const x = (this.x = (labels) => this.left + Math.sqrt(clamp(labels / this.most, 0, 1)) * (this.right - this.left));
    const y = (this.y = (share) => this.bottom - ((share - this.low) / (this.high - this.low || 1)) * (this.bottom - this.top));
    const parts = [];
    for (let v = this.low; v <= this.high + 1e-9; v += step) {
      const text = facts.untrained ? v.toLocaleString("en-US") : percent(v, step < 0.01 ? 1 : 0);
      parts.push(drawn("line", { x1: this.left, x2: this.right, y1: y(v), y2: y(v), class: "gridline" }));
      parts.push(drawn("text", { x: this.left - 5, y: y(v) + 4, class: "quiet", "text-anchor": "end" }, text));
    }
    for (const labels of this.ticks()) {
      parts.push(drawn("line", { x1: x(labels), x2: x(labels), y1: this.bottom, y2: this.bottom + 5, class: "axis" }));
      parts.push(drawn("text", { x: x(labels), y: this.bottom + 23, class: "quiet", "text-anchor": "middle" }, grouped(labels)));
    }
    const caption = facts.untrained ? "labels to buy; up: fully informative, right labels in the worst case" : "labels bought in all; the handle is this purchase";
    parts.push(drawn("line", { x1: this.left, x2: this.right, y1: this.bottom, y2: this.bottom, class: "axis" }));
    parts.push(drawn("text", { x: this.left, y: height - 4, class: "quiet" }, caption));
    this.names = [];
    if (facts.free !== null) {
      parts.push(drawn("line", { x1: this.left, x2: this.right, y1: y(facts.free), y2: y(facts.free), class: "free" }));
      this.names.push([y(facts.free), `free ${percent(facts.free)}`, "quiet", null]);
    }
    const { a, vs } = owner.state;
    const order = this.curves.filter((curve) => curve.rule !== a && curve.rule !== vs);
    const pair = [vs, a].map((rule) => this.curve(rule)).filter(Boolean);
    for (const curve of order) parts.push(this.line(curve, "other"));
    for (const curve of pair) {
      const main = curve.rule === a;
      if (main) parts.push(this.band(curve));
      parts.push(this.line(curve, main ? "first" : "second"));
      if (!facts.untrained) parts.push(...this.marks(curve, main));
      this.names.push([y(curve.mean.at(-1)), `${curve.label} ${tell(curve.mean.at(-1))}`, main ? "strong" : "", curve.color]);
    }
    parts.push(...this.spread());
    this.back.replaceChildren(...parts);
    put(this.area, { x: this.left - 16, y: this.top, width: this.right - this.left + 32, height: this.bottom + 14 - this.top });
  }

  // Zero and the largest round numbers come first; smaller ones where there is room.
  ticks() {
    const candidates = [];
    for (let power = 1; power <= this.most; power *= 10) candidates.push(...[1, 2, 5].map((m) => m * power));
    const kept = [0];
    for (const labels of candidates.filter((each) => each <= this.most).reverse())
      if (kept.every((other) => Math.abs(this.x(other) - this.x(labels)) >= 36)) kept.push(labels);
    return kept;
  }

  line(curve, kind) {
    const d = curve.labels.map((labels, i) => `${i ? "L" : "M"}${this.x(labels).toFixed(1)} ${this.y(curve.mean[i]).toFixed(1)}`).join("");
    const look = kind === "other" ? {} : { stroke: curve.color };
    return drawn("path", { d, class: `line ${kind}`, ...look }, drawn("title", {}, curve.label));
  }

  band(curve) {
    if (!curve.low) return drawn("g");
    const up = curve.labels.map((labels, i) => `${i ? "L" : "M"}${this.x(labels).toFixed(1)} ${this.y(curve.high[i]).toFixed(1)}`).join("");
    const down = curve.labels.map((labels, i) => `L${this.x(labels).toFixed(1)} ${this.y(curve.low[i]).toFixed(1)}`).reverse().join("");
    return drawn("path", { d: `${up}${down}Z`, fill: curve.color, class: "band" });
  }

  // The measured rounds, and the single repetitions where there are too few for an interval.
  marks(curve, main) {
    const made = curve.labels.map((labels, i) => drawn("circle", { cx: this.x(labels), cy: this.y(curve.mean[i]), r: main ? 2.5 : 2, fill: curve.color }));
    if (main && curve.each && curve.seeds > 1)
      for (const seed of curve.each) for (let i = 0; i < seed.length; i++)
        made.push(drawn("circle", { cx: this.x(curve.labels[i]), cy: this.y(seed[i]), r: 2.5, fill: "none", stroke: curve.color }));
    return made;
  }

  // Names at the right end, apart from each other.
  spread() {
    const sorted = this.names.sort((one, other) => one[0] - other[0]);
    sorted.forEach((name, i) => (name[0] = i ? Math.max(name[0], sorted[i - 1][0] + APART) : Math.max(this.top + 8, name[0])));
    return sorted.flatMap(([at, text, kind, color]) => {
      const label = drawn("text", { x: this.right + 16, y: at + 4, class: `on-chart ${kind}` }, text);
      const dot = color ? [drawn("circle", { cx: this.right + 9, cy: at, r: 4, fill: color })] : [];
      return [...dot, label];
    });
  }

  budgetAt(event) {
    const share = clamp((event.clientX - this.svg.getBoundingClientRect().left - this.left) / (this.right - this.left), 0, 1);
    return clamp(Math.round(share * share * this.most - this.facts.bought), 1, this.facts.size);
  }

  key(event) {
    const { b } = this.owner.state;
    const next = keyMove(event, b, roundStep(Math.max(1, b / 50)), 1, this.facts.size);
    if (next !== null) this.owner.hold({ b: next });
  }

  // Mean accuracy of a rule with so many labels, between its measured rounds; null beyond the last and before the first.
  at(curve, labels) {
    const after = curve.labels.findIndex((each) => each >= labels);
    if (after < 0) return null;
    if (curve.labels[after] === labels) return { mean: curve.mean[after], measured: true };
    if (!after) return null;
    const share = (labels - curve.labels[after - 1]) / (curve.labels[after] - curve.labels[after - 1]);
    return { mean: curve.mean[after - 1] + share * (curve.mean[after] - curve.mean[after - 1]), measured: false };
  }

  draw({ state, facts, certain }) {
    if (!this.x) return;
    if (facts.untrained && this.laidOutFor !== this.owner.accuracy) this.layout();
    const labels = facts.bought + state.b;
    const x = this.x(labels);
    put(this.cursor, { x1: x, x2: x, y1: this.top, y2: this.bottom });
    put(this.knob, { transform: `translate(${x.toFixed(1)} ${this.bottom})` });
    put(this.grip, {
      "aria-label": "Budget: labels of this purchase", "aria-valuemin": 1, "aria-valuemax": facts.size,
      "aria-valuenow": state.b, "aria-valuetext": counted(state.b, "label"),
    });
    const read = [state.a, state.vs].map((rule) => {
      const curve = this.curve(rule);
      return curve && { curve, ...(facts.untrained ? { mean: certain.get(rule) } : this.at(curve, labels)) };
    });
    read.forEach((each, i) => {
      const known = each && each.mean !== undefined;
      this.dots[i].style.display = known ? "" : "none";
      if (known) put(this.dots[i], { cx: x, cy: this.y(each.mean), fill: each.curve.color });
    });
    this.say(read[0], labels, x);
    this.reading = read;
  }

  say(read, labels, x) {
    const { facts } = this;
    const untrained = Boolean(facts.untrained);
    const left = x > (this.left + this.right) / 2;
    const known = read && read.mean !== undefined;
    const last = read ? read.curve.labels.at(-1) : 0;
    const text = known && untrained ? `at least ${worthOf(read.mean)}` : known ? percent(read.mean) + (facts.free === null ? "" : ` (${points(read.mean - facts.free)})`) : "";
    const note = untrained ? (known ? "" : "no guarantee is known") : known ? (read.measured ? "measured" : "between two measured rounds") : read ? `not measured beyond ${grouped(last)} labels` : "not measured yet";
    const y = untrained ? this.top + 30 : this.bottom - 24;
    for (const [target, words, at] of [[this.readout, text, y - 14], [this.note, note, y]]) {
      put(target, { x: x + (left ? -10 : 10), y: at, "text-anchor": left ? "end" : "start" });
      write(target, words);
    }
  }
}
