// A story on 16:9: one step at a time, its finding as title, one large number, few words, one thing to see. All sizes are
// in units of the stage's own letters, so that it looks the same in every window.

const UNITS = 80; // letters of 16 px that 1280 px hold: the stage is 80 of its units wide and 45 high

class Stage {
  // scenes: as app/export/stage.py makes them. told: called with the name of the step in view. left: called on Escape.
  constructor(scenes, { told = () => {}, left = () => {} } = {}) {
    this.scenes = scenes;
    this.told = told;
    this.left = left;
    this.at = 0;
    this.board = node("div", { class: "board" });
    this.bar = node("i");
    this.black = node("div", { class: "black", hidden: "" });
    this.root = node("div", { class: "stage-16x9", tabindex: 0, role: "group", "aria-roledescription": "presentation", "aria-label": scenes.title },
      this.board, this.black);
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(this.root);
    this.swiping();
  }

  fit() {
    const { clientWidth: width, clientHeight: height } = this.root;
    const unit = Math.min(width / UNITS, (height * 16) / 9 / UNITS);
    if (!unit) return;
    this.board.style.fontSize = `${unit}px`;
    this.unit = unit;
    this.fitWords();
    this.live?.layout();
  }

  go(at) {
    this.at = Math.max(0, Math.min(at, this.scenes.steps.length - 1));
    const step = this.scenes.steps[this.at];
    const number = step.number ? [node("p", { class: "number" }, node("strong", {}, step.number), node("span", {}, step.numberWords))] : [];
    this.words = node("div", { class: "words" }, ...step.sentences.map((text) => node("p", {}, text)));
    const note = step.note ? [node("aside", { class: "note" }, step.note)] : [];
    const side = node("div", { class: "side" }, ...number, this.words, ...note);
    this.title = node("h2", {}, step.title);
    this.live = null;
    const sight = node("div", { class: `sight ${step.sight.kind}` }, this.seen(step.sight));
    const share = `${(100 * (this.at + 1)) / this.scenes.steps.length}%`;
    this.bar.style.width = share;
    const progress = node("div", { class: "progress", role: "progressbar", "aria-label": "Steps told", "aria-valuemin": 1,
      "aria-valuemax": this.scenes.steps.length, "aria-valuenow": this.at + 1 }, this.bar);
    this.board.replaceChildren(this.title, side, sight, progress);
    this.fit();
    this.told(step.name);
  }

  open(name) {
    const at = this.scenes.steps.findIndex((step) => step.name === name);
    this.go(Math.max(0, at));
  }

  seen(sight) {
    if (sight.kind === "live") return (this.live = new LiveGame(sight, () => this.unit)).root;
    if (sight.kind === "picture") {
      const keys = sight.legend.map(({ text, color, sign }) => node("li", {}, Object.assign(node("b", {}, sign), { style: `color:${color}` }), ` ${text}`));
      const picture = node("img", { src: sight.source, alt: sight.alt });
      return keys.length ? node("figure", {}, picture, node("ul", {}, ...keys)) : node("figure", {}, picture);
    }
    measure.family = getComputedStyle(this.root).fontFamily;
    const figure = node("div", { role: "img", "aria-label": sight.alt });
    figure.append(sight.kind === "xy" ? drawXY(sight) : drawBars(sight));
    return figure;
  }

  // A title and words that do not fit become smaller, down to what a room can read; the last of those that still do not fit go: they
  // are on the page and in the notes.
  fitWords() {
    const { words, title } = this;
    if (!words) return;
    for (let size = 2.3; size >= 1.2; size -= 0.1) {
      title.style.setProperty("--title", `${size}em`);
      if (title.scrollHeight <= title.clientHeight + 1) break;
    }
    for (const text of words.children) text.hidden = false;
    const side = words.parentNode;
    for (let size = 1.5; size >= 1.15; size -= 0.05) {
      side.style.setProperty("--words", `${size}em`);
      if (side.scrollHeight <= side.clientHeight + 1) return;
    }
    for (let i = words.children.length - 1; i >= 0 && side.scrollHeight > side.clientHeight + 1; i--) words.children[i].hidden = true;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const moves = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, Enter: 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
    const ends = { Home: 0, End: this.scenes.steps.length - 1 };
    const onHandle = event.target.closest?.('[role="slider"]') && /Arrow|Home|End/.test(event.key);
    if (onHandle) return;
    if (event.key in moves) this.go(this.at + moves[event.key]);
    else if (event.key in ends) this.go(ends[event.key]);
    else if (event.key === "b" || event.key === "B" || event.key === ".") this.black.hidden = !this.black.hidden;
    else if (event.key === "f" || event.key === "F") this.fullScreen();
    else if (event.key === "Escape") this.left();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  fullScreen() {
    const { fullscreenElement } = document;
    if (fullscreenElement) document.exitFullscreen();
    else this.root.requestFullscreen?.();
  }

  swiping() {
    let from = null;
    this.root.addEventListener("touchstart", ({ touches: [touch] }) => (from = [touch.clientX, touch.clientY]), { passive: true });
    this.root.addEventListener("touchend", ({ changedTouches: [touch], target }) => {
      if (!from || target.closest('[role="slider"], .slide')) return;
      const [across, down] = [touch.clientX - from[0], touch.clientY - from[1]];
      if (Math.abs(across) > 50 && Math.abs(across) > 2 * Math.abs(down)) this.go(this.at - Math.sign(across));
    });
  }

  dispose() {
    this.observer.disconnect();
    this.root.remove();
  }
}

// The waterline of a pool whose teacher is a handle: what it would be worth, and what of it nobody can take.
class LiveGame {
  constructor(sight, unit) {
    this.sight = sight;
    this.unit = unit;
    const bytes = Uint8Array.from(atob(sight.gains), (letter) => letter.charCodeAt(0));
    this.game = new Game(Float64Array.from(new Uint16Array(bytes.buffer), (gain) => gain / 65535));
    this.m = null;
    this.waterline = new Waterline(this);
    this.says = node("p", { class: "says", "aria-live": "polite" });
    this.root = node("div", { class: "live-game" }, this.waterline.root, this.says);
    this.facts = { teacher: sight.teacher, noun: "images" };
    this.waterline.setPool(this.game, this.facts);
  }

  get scale() {
    return (1.35 * (this.unit() ?? 16)) / 16;
  }

  get accuracy() {
    return this.m ?? this.sight.teacher.used;
  }

  hold({ m }) {
    this.m = m;
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  release() {}

  point() {}

  layout() {
    this.waterline.layout();
    this.draw();
  }

  draw() {
    const { budget } = this.sight;
    const answer = this.game.solve(budget, wrongCount(this.game.size, this.accuracy));
    this.waterline.draw({ answer, accuracy: this.accuracy, moved: this.m !== null });
    const share = (value) => `${(100 * value / budget).toFixed(0)}%`;
    const others = `uniform ${share(this.game.uniformValue(budget, answer.k))}, most informative first ${share(this.game.greedyValue(budget, answer.k))}`;
    write(this.says, `Seed ${this.sight.seed}: ${grouped(budget)} labels guarantee RAD ${share(answer.value)}, ${others}.`);
  }
}
