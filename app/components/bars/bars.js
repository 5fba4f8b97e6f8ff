// A handful of gains as bars that one drags; what an adversary leaves of them, and how likely each is bought.
//
// The game is solved here, in the same frame, as on Explore. The server is told where the bars are once the hand rests.

const STEPS = 100; // gains are whole hundredths
const HEIGHT = 430;
const TOP = 34; // px above a bar of gain 1: its handle and number
const BASE = 274; // px from the top to the foot of the bars
const LOW = 396; // foot of the probabilities below
const RISE = 66; // px of a probability of 1
const REST = 120; // ms without a move

const views = new WeakMap();

export default (component) => {
  const { parentElement } = component;
  if (!views.has(parentElement)) views.set(parentElement, new Bars(parentElement));
  views.get(parentElement).attach(component);
};

const up = (gain) => BASE - gain * (BASE - TOP);
const text = (x, y, words, kind) => drawn("text", { x, y, class: kind }, words);

class Bars {
  constructor(parent) {
    this.svg = drawn("svg", { role: "group", height: HEIGHT });
    this.root = node("div", { class: "bars" }, this.svg);
    parent.append(this.root);
    new ResizeObserver(() => this.draw()).observe(this.root);
  }

  attach({ data, setStateValue }) {
    const anew = data.revision !== this.data?.revision; // a preset, or an address; otherwise the user's own hand holds
    this.data = data;
    this.tell = setStateValue;
    if (anew) this.gains = [...data.gains];
    if (!this.points) this.build();
    this.draw();
  }

  build() {
    const { wrong } = this.data.colors;
    const stripes = drawn("pattern", { id: "stripes", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      drawn("rect", { width: 7, height: 7, fill: wrong, opacity: 0.13 }), drawn("rect", { width: 2, height: 7, fill: wrong, opacity: 0.75 }));
    this.back = drawn("g");
    this.points = this.gains.map((_, i) => this.point(i));
    this.svg.append(drawn("defs", {}, stripes), this.back, ...this.points.map(({ root }) => root));
  }

  // What is drawn of a point anew in every frame, and what one holds it by.
  point(i) {
    const picture = drawn("g");
    const slider = drawn("rect", {
      class: "slider", y: TOP - 26, height: BASE - TOP + 26, rx: 6, tabindex: 0, role: "slider",
      "aria-label": `Gain of point ${i + 1}`, "aria-orientation": "vertical", "aria-valuemin": 0, "aria-valuemax": 1,
    });
    holdable(slider, slider, {
      move: (event) => this.change(i, ((BASE - event.clientY + this.svg.getBoundingClientRect().top) / (BASE - TOP)) * STEPS),
      release: () => this.report(),
      key: (event) => this.change(i, keyMove(event, this.gains[i], 2, 0, STEPS)),
    });
    return { picture, slider, root: drawn("g", { class: "point" }, picture, slider) };
  }

  change(i, gain) {
    if (gain === null) return;
    this.gains[i] = clamp(Math.round(gain), 0, STEPS);
    this.draw();
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.report(), REST);
  }

  report() {
    clearTimeout(this.resting);
    this.tell("move", { gains: [...this.gains], revision: this.data.revision });
  }

  draw() {
    const width = Math.max(320, this.root.clientWidth);
    if (!this.points || !this.root.clientWidth) return;
    const { budget, wrong, alt } = this.data;
    const [start, end] = [46, width - (width < 620 ? 78 : 124)];
    const pitch = (end - start) / this.gains.length;
    put(this.svg, { viewBox: `0 0 ${width} ${HEIGHT}`, width, "aria-label": alt });
    const order = [...this.gains.keys()].sort((i, j) => this.gains[j] - this.gains[i]);
    const game = new Game(Float64Array.from(order, (i) => this.gains[i] / STEPS));
    const answer = game.solve(budget, wrong);
    const bars = order.flatMap((i, place) =>
      this.drawPoint(i, start + pitch * (i + 0.5), pitch, 1 - game.attack(answer, place), game.q(answer, place)));
    this.back.replaceChildren(...this.axes(start, end), ...bars, ...this.waterline(start, end, answer.waterline));
  }

  // Everything that is said of a point; returns its bar, which lies below the waterline. share: of the gain that is left.
  drawPoint(i, middle, pitch, share, q) {
    const { right, rad } = this.data.colors;
    const { picture, slider } = this.points[i];
    const gain = this.gains[i] / STEPS;
    const [top, rest, high] = [up(gain), up(gain * share), LOW - RISE * q];
    const wide = pitch * 0.68;
    const chance = q > 0 && q < 0.005 ? "<1" : `${Math.round(q * 100)}`;
    picture.replaceChildren(
      drawn("rect", { x: middle - Math.min(17, wide / 2), y: top - 4.5, width: Math.min(34, wide), height: 9, rx: 4, fill: right, class: "handle" }),
      text(middle, top - 11, gain.toFixed(2), "number"),
      drawn("line", { x1: middle, x2: middle, y1: LOW, y2: high, stroke: rad, "stroke-width": 3 }),
      drawn("circle", { cx: middle, cy: high, r: 6.5, fill: rad }),
      text(middle, high - 12, chance, "number"),
      text(middle, LOW + 26, i + 1, "soft"),
    );
    put(slider, {
      x: middle - pitch / 2 + 1, width: pitch - 2, "aria-valuenow": gain.toFixed(2),
      "aria-valuetext": `${gain.toFixed(2)}, left in the worst case ${(gain * share).toFixed(2)}, bought with ${chance} percent`,
    });
    const column = { x: middle - wide / 2, width: wide };
    return [
      drawn("rect", { ...column, y: rest, height: BASE - rest, fill: right, opacity: 0.62 }),
      drawn("rect", { ...column, y: top, height: rest - top, fill: "url(#stripes)" }),
    ];
  }

  axes(start, end) {
    const rule = (y) => drawn("line", { x1: start, x2: end, y1: y, y2: y, class: "rule" });
    const ticks = [0, 0.25, 0.5, 0.75, 1].flatMap((gain) => [rule(up(gain)), text(start - 8, up(gain) + 5, gain.toFixed(2), "soft end")]);
    return [
      ...ticks,
      rule(LOW),
      text(start, BASE + 30, "Our answer: buy it with this probability, in %", "strong"),
      text(start, 14, "Gain: how informative its label would be", "strong"),
      text(start - 8, LOW + 26, "Point", "soft end"),
    ];
  }

  waterline(start, end, level) {
    if (!(level > 0)) return [];
    const y = up(level);
    const words = ["waterline", level.toFixed(2)].map((line, i) => text(end + 6, y + 17 * i, line, "strong"));
    return [drawn("line", { x1: start, x2: end, y1: y, y2: y, class: "waterline" }), ...words];
  }
}
