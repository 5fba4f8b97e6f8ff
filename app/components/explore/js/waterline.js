// What is a label worth in the worst case? The pool sorted by gain, what the teacher's mistakes can take of it, and how
// much of it the purchase can expect. The teacher's accuracy is a handle below it.

const SAMPLES = 180;
const FAINT = 0.02; // of the largest gain: where the picture of the sorted pool may end

class Waterline {
  // owner: the instrument. Moves are told as owner.hold({ m }) and owner.release().
  constructor(owner) {
    this.owner = owner;
    const hatch = drawn("pattern", { id: "lost", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      drawn("rect", { width: 6, height: 6, class: "lost-ground" }), drawn("rect", { width: 2, height: 6, class: "lost-line" }));
    this.safe = drawn("path", { class: "safe" });
    this.lost = drawn("path", { class: "lost", fill: "url(#lost)" });
    this.bought = drawn("path", { class: "bought" });
    this.curve = drawn("path", { class: "curve" });
    this.line = drawn("line", { class: "waterline-line" });
    this.cap = drawn("line", { class: "cap-line" });
    this.lineText = drawn("text", { class: "on-chart strong", "text-anchor": "end" });
    this.lostText = node("span");
    this.capText = node("span");
    this.axis = drawn("text", { class: "quiet" });
    this.side = drawn("text", { class: "quiet", "text-anchor": "middle" });
    this.place = drawn("line", { class: "place", visibility: "hidden" });
    this.area = drawn("rect", { class: "catch" });
    this.track = drawn("line", { class: "track" });
    this.range = drawn("line", { class: "range" });
    this.mark = drawn("line", { class: "mark" });
    this.knob = drawn("circle", { r: 9, class: "knob" });
    this.grip = drawn("g", { role: "slider", tabindex: 0, "aria-orientation": "horizontal" }, this.knob);
    this.trackArea = drawn("rect", { class: "catch slide" });
    this.trackText = drawn("text", { class: "quiet" });
    this.svg = drawn("svg", { role: "group", "aria-label": "The pool sorted by gain" }, drawn("defs", {}, hatch), this.safe, this.lost,
      this.bought, this.cap, this.curve, this.line, this.lineText, this.axis, this.side, this.place, this.area,
      this.track, this.range, this.mark, this.trackText, this.trackArea, this.grip);
    const legend = node("p", { class: "legend" }, node("span", {}, node("i", { class: "hatch" }), this.lostText), node("span", {}, node("i", { class: "fill" }), this.capText));
    const { root, aside } = panel("waterline", "What is a label worth in the worst case?", legend, this.svg);
    this.root = root;
    aside.textContent = "drag the teacher";
    holdable(this.trackArea, this.grip, {
      move: (event) => owner.hold({ m: this.accuracyAt(event) }),
      release: () => owner.release(),
      key: (event) => this.key(event),
    });
    this.grip.addEventListener("pointerdown", (event) => this.trackArea.dispatchEvent(new PointerEvent("pointerdown", event)));
    this.area.addEventListener("pointermove", (event) => owner.point(this.placeAt(event)));
    this.area.addEventListener("pointerleave", () => owner.point(null));
  }

  setPool(game, facts) {
    const { g, size } = game;
    this.game = game;
    this.facts = facts;
    const faint = first(0, size, (i) => g[i] < FAINT * g[0]);
    this.end = clamp(Math.ceil(1.2 * faint), Math.min(size, 50), size);
    this.ranks = Float64Array.from({ length: SAMPLES }, (_, i) => (i / (SAMPLES - 1)) * (this.end - 1));
    this.heights = this.ranks.map((rank) => g[Math.round(rank)]);
    const { low, high, checked } = facts.teacher;
    const known = low !== null && high !== null;
    this.estimate = known ? `${facts.teacher.bound ? ", its lower bound;" : ""} [${(100 * low).toFixed(1)}\u2013${(100 * high).toFixed(1)}], estimated on ${grouped(checked)} checked` : ", assumed";
    this.low = facts.teacher.used >= 0.6 ? 0.5 : 0;
    this.layout();
  }

  // One unit of the drawing is owner.scale pixels, 1 where there is none: on a stage everything is larger.
  layout() {
    const box = this.root.getBoundingClientRect();
    if (!this.game || !box.width) return;
    const scale = (this.scale = this.owner.scale ?? 1);
    const head = this.svg.getBoundingClientRect().top - box.top - 4;
    const width = (this.width = Math.round((box.width - 18) / scale));
    const height = (this.height = Math.max(150, Math.round((box.height - head - 14) / scale)));
    put(this.svg, { width: width * scale, height: height * scale, viewBox: `0 0 ${width} ${height}` });
    this.left = 26;
    this.right = width - 8;
    this.top = 8;
    this.bottom = height - 62;
    const x = (rank) => this.left + (rank / Math.max(1, this.end - 1)) * (this.right - this.left);
    const most = this.game.g[0] || 1;
    const y = (gain) => this.bottom - (gain / most) * (this.bottom - this.top);
    [this.x, this.y] = [x, y];
    this.columns = this.ranks.map(x);
    const outline = this.columns.reduce((d, at, i) => `${d}${i ? "L" : "M"}${at.toFixed(1)} ${y(this.heights[i]).toFixed(1)}`, "");
    put(this.curve, { d: outline });
    put(this.area, { x: this.left, y: this.top, width: this.right - this.left, height: this.bottom - this.top });
    const { size } = this.game;
    const noun = this.facts.noun;
    put(this.axis, { x: this.left, y: this.bottom + 15 });
    const some = this.end < size ? `the first ${grouped(this.end)} of ${grouped(size)} ${noun} for sale` : `${grouped(size)} ${noun} for sale`;
    write(this.axis, width < 400 ? some : `${some}, the most informative first`);
    put(this.side, { transform: `translate(12 ${(this.top + this.bottom) / 2}) rotate(-90)` });
    write(this.side, "gain of a label");
    const trackY = (this.trackY = height - 14);
    put(this.track, { x1: this.left, x2: this.right, y1: trackY, y2: trackY });
    const { used, low, high } = this.facts.teacher;
    const known = low !== null && high !== null;
    this.range.style.display = known ? "" : "none";
    if (known) put(this.range, { x1: this.accuracyX(low), x2: this.accuracyX(high), y1: trackY, y2: trackY });
    put(this.mark, { x1: this.accuracyX(used), x2: this.accuracyX(used), y1: trackY - 7, y2: trackY + 7 });
    put(this.trackArea, { x: this.left - 8, y: trackY - 14, width: this.right - this.left + 16, height: 28 });
    put(this.trackText, { x: this.left, y: trackY - 16 });
  }

  accuracyX(m) {
    return this.left + (clamp(m, this.low, 1) - this.low) / (1 - this.low) * (this.right - this.left);
  }

  // Where along the drawing an event is, from 0 at its left axis to 1 at its right end.
  shareAt(event) {
    return ((event.clientX - this.svg.getBoundingClientRect().left) / this.scale - this.left) / (this.right - this.left);
  }

  accuracyAt(event) {
    const share = this.shareAt(event);
    return Math.round(1000 * clamp(this.low + share * (1 - this.low), this.low, 1)) / 1000;
  }

  placeAt(event) {
    return Math.round(clamp(this.shareAt(event), 0, 1) * (this.end - 1));
  }

  key(event) {
    const m = keyMove(event, this.owner.accuracy, 0.005, 0, 1);
    if (m !== null) this.owner.hold({ m: Math.round(1000 * m) / 1000 });
  }

  draw({ answer, accuracy, moved }) {
    if (!this.columns) return;
    const { waterline, level } = answer;
    const { columns, heights, ranks, x, y } = this;
    const below = (height) => this.shape((i) => Math.min(heights[i], height), () => 0, SAMPLES);
    put(this.safe, { d: below(waterline) });
    const attacked = Math.min(SAMPLES, Math.ceil((answer.attacked / Math.max(1, this.end - 1)) * (SAMPLES - 1)));
    put(this.lost, { d: this.shape((i) => heights[i], (i) => Math.min(heights[i], waterline), Math.max(1, attacked)) });
    const reach = answer.spread > 0 ? SAMPLES : clamp(Math.ceil((answer.edgeEnd / Math.max(1, this.end - 1)) * (SAMPLES - 1)), 1, SAMPLES);
    put(this.bought, { d: this.shape((i) => Math.min(heights[i], level), () => 0, reach) });
    put(this.line, { x1: this.left, x2: this.right, y1: y(waterline), y2: y(waterline) });
    const capY = y(Math.min(level, heights[0]));
    put(this.cap, { x1: this.left, x2: x(clamp(Math.min(answer.edgeEnd, this.game.above(level)), 1, this.end - 1)), y1: capY, y2: capY });
    put(this.lineText, { x: this.right, y: clamp(y(waterline) - 6, this.top + 46, this.bottom - 4) });
    write(this.lineText, `waterline: one more label is worth ${waterline.toFixed(2)}`);
    write(this.lostText, `${counted(answer.k, "mistake")} of the teacher could take this`);
    write(this.capText, `RAD buys this, ${level.toFixed(level < 0.1 ? 3 : 2)} of each`);
    const at = this.accuracyX(accuracy);
    put(this.knob, { cx: at, cy: this.trackY });
    const text = `teacher right on ${percent(accuracy)}`;
    put(this.grip, {
      "aria-label": "Teacher accuracy", "aria-valuemin": 0, "aria-valuemax": 100,
      "aria-valuenow": (100 * accuracy).toFixed(1), "aria-valuetext": moved || this.facts.teacher.low === null ? `${text}, assumed` : `${text}, estimated`,
    });
    write(this.trackText, moved ? `${text}: what if` : text + this.estimate);
    this.trackText.classList.toggle("assumed", moved);
  }

  // The area between two heights over the first places.
  shape(upper, lower, count) {
    const { columns, y } = this;
    let there = "";
    let back = "";
    for (let i = 0; i < count; i++) {
      there += `${i ? "L" : "M"}${columns[i].toFixed(1)} ${y(upper(i)).toFixed(1)}`;
      back = `L${columns[i].toFixed(1)} ${y(lower(i)).toFixed(1)}${back}`;
    }
    return `${there}${back}Z`;
  }

  light(place) {
    const shown = place !== null && place < this.end && this.x;
    this.place.setAttribute("visibility", shown ? "visible" : "hidden");
    if (shown) put(this.place, { x1: this.x(place), x2: this.x(place), y1: this.top, y2: this.bottom });
  }
}
