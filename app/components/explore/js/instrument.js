// The instrument of the page Explore: a budget and a teacher in the hand, and everything else follows in the same frame.
//
// Streamlit calls the default export for each of its elements: one brings the pool as bytes, one shows the instrument,
// and on other pages one shows the bar alone. They meet in a hub, by digest, so that the pool travels once.

const hub = (globalThis.radStudioExplore ??= { waiting: [] });
hub.pools ??= new Map(); // digest -> the pool, unpacked
hub.views ??= new Map(); // key -> Instrument or LoneBar
hub.turn ??= 0;

// One entry of the history per page visit: what the server writes into the address of a page replaces what was there.
hub.push ??= history.pushState;
history.pushState = function (state, title, url) {
  const same = url !== undefined && new URL(url, location.href).pathname === location.pathname;
  return (same ? history.replaceState : hub.push).call(history, state, title, url);
};

export default mount;

function mount(component) {
  if (!component.data) return undefined; // it brought this file, and nothing else
  if (component.data instanceof Uint8Array) return bring(component);
  return showView(hub, component, CSS, ({ alone }) => (alone ? new LoneBar() : new Instrument()));
}

function bring({ data }) {
  const { names, ...header } = unpack(data);
  const parts = Object.fromEntries(names.map((name, i) => [name, header.parts[i]]));
  const bit = (i) => (parts.wrong[i >> 3] >> (i & 7)) & 1;
  const wrong = parts.wrong ? Uint8Array.from({ length: header.n }, (_, i) => bit(i)) : null; // null where nobody knows
  const pool = { ...header, ...parts, wrong, sheet: header.sheet, sheetBytes: parts.sheet };
  hub.pools.clear(); // one pool is in view at a time
  hub.pools.set(pool.digest, pool);
  for (const view of hub.views.values()) view.arrived?.();
}

// What both kinds of view tell the server: the state by its short names, and that the address already says it.
class Teller {
  attachTeller(component) {
    this.component = component;
    this.data = component.data;
    this.root.classList.toggle("dark", this.data.dark);
    this.sequence ??= 0;
    if (this.data.sequence >= this.sequence || !this.state) this.state = { ...this.data.state };
  }

  commit(change = {}) {
    this.state = { ...this.state, ...change };
    const { b, m, a, vs, price } = this.state;
    this.sequence = Math.max(this.sequence, this.data.sequence) + 1;
    if (!("round" in change) && !("seed" in change)) this.writeAddress();
    const { round, seed } = change;
    this.component.setStateValue("event", { sequence: this.sequence, b, m, a, vs, price, round: round ?? null, seed: seed ?? null });
  }

  // The very query string that the server will write, so that no entry is added to the history.
  writeAddress() {
    const query = new URLSearchParams(location.search);
    const { defaults } = this.data;
    const shown = { b: this.state.b, m: this.state.m === null ? null : percentText(this.state.m), a: this.state.a, vs: this.state.vs, price: this.state.price };
    for (const [name, value] of Object.entries(shown)) {
      if (value === null || value === defaults[name]) query.delete(name);
      else query.set(name, String(value));
    }
    const text = query.toString();
    history.replaceState(history.state, "", location.pathname + (text ? `?${text}` : "") + location.hash);
  }
}

const RULES = ["rad", "uniform", "greedy"]; // that answer any size
const ROWS = 24; // that are named
const CERTAIN = 48; // sizes at which the worth of a purchase is worked out for its curve

const percentText = (m) => String(Math.round(1000 * m) / 10);

class LoneBar extends Teller {
  constructor() {
    super();
    this.bar = new Bar((change) => this.commit(change));
    this.root = node("div", { class: "explore alone" }, this.bar.root);
  }

  attach(component, turn) {
    this.turn = turn;
    this.attachTeller(component);
    if (this.root.parentNode !== component.parentElement) component.parentElement.append(this.root);
    this.bar.show({ ...this.data, state: this.state });
  }

  dispose() {
    this.root.remove();
  }
}

class Instrument extends Teller {
  constructor() {
    super();
    this.waterline = new Waterline(this);
    this.accuracyChart = new Accuracy(this);
    this.places = new Places(this);
    this.images = new Images(this);
    this.purchase = new Purchase();
    this.bar = new Bar((change) => this.change(change));
    const left = node("div", { class: "column" }, this.waterline.root, this.accuracyChart.root);
    const right = node("div", { class: "column" }, node("div", { class: "row" }, this.places.root, this.purchase.root), this.images.root);
    this.live = node("p", { class: "spoken", "aria-live": "polite" });
    this.root = node("div", { class: "explore" }, left, right, this.bar.root, this.live);
    this.parts = [this.waterline, this.accuracyChart, this.places, this.images];
    this.observer = new ResizeObserver(() => this.resized());
    this.lit = null;
    this.spent = 0; // ms of script in the last frame
  }

  attach(component, turn) {
    this.turn = turn;
    this.attachTeller(component);
    if (this.root.parentNode !== component.parentElement) {
      component.parentElement.append(this.root);
      this.observer.observe(this.root);
    }
    this.paper = `rgb(${cssColor(this.root, "--st-background-color", "#ffffff").join(" ")})`;
    this.ink = `rgb(${cssColor(this.root, "--st-text-color", "#31333f").join(" ")})`;
    const looks = JSON.stringify([this.paper, this.data.facts]);
    this.bar.show({ ...this.data, state: this.state });
    if (this.shown === this.data.pool && this.game) {
      if (this.looks !== looks) this.accuracyChart.setStudy(this.data.facts);
      if (this.looks !== looks) this.parts.forEach((part) => part.layout());
      this.looks = looks;
      this.refresh();
    } else {
      this.looks = looks;
      this.arrived();
    }
  }

  // A pool has been brought in; perhaps the one that is waited for.
  arrived() {
    const pool = hub.pools.get(this.data?.pool);
    if (!pool || this.shown === pool.digest) return;
    this.shown = pool.digest;
    const { facts } = this.data;
    this.game = new Game(Float64Array.from(pool.gains, (gain) => gain / 65535), pool.wrong);
    this.draws = new Draws(this.game, pool.positions, pool.seed);
    this.placeOf = null;
    this.pool = pool;
    this.root.classList.toggle("own", Boolean(facts.untrained));
    this.root.classList.toggle("mapless", Boolean(facts.untrained) && !pool.grid);
    this.places.root.hidden = Boolean(facts.untrained) && !pool.grid;
    this.chosen = new Uint8Array(pool.n);
    this.waterline.setPool(this.game, facts);
    this.accuracyChart.setStudy(facts);
    this.places.setPool(pool, facts);
    this.images.setPool(pool);
    this.refresh();
  }

  resized() {
    this.parts.forEach((part) => part.layout());
    this.schedule();
  }

  refresh() {
    this.accuracyChart.layout();
    this.explain();
    this.schedule();
  }

  get accuracy() {
    return this.state.m ?? this.data.facts.teacher.used;
  }

  // While a handle is held.
  hold(change) {
    this.state = { ...this.state, ...change };
    this.held = true;
    this.schedule();
  }

  release() {
    if (!this.held) return;
    this.held = false;
    this.commit();
    this.speak();
  }

  // Typed or chosen in the bar.
  change(change) {
    this.commit(change);
    if ("a" in change || "vs" in change) this.bar.show({ ...this.data, state: this.state });
    if (this.game) this.refresh();
    this.speak();
  }

  // The point of a place in the sorted pool lights up everywhere; null for none.
  point(place) {
    if (place === this.lit) return;
    this.lit = place;
    this.schedule();
  }

  schedule() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      if (this.game) this.draw();
    });
  }

  kind(rule) {
    const { facts } = this.data;
    if (rule === "rad" || rule === "uniform") return rule;
    if (rule === facts.gain) return "greedy";
    return rule === "oracle" && this.state.m === null ? "oracle" : "bought";
  }

  // Places of what a rule would buy; of one that is no function of the gains, what it bought in this round.
  picksOf(rule, answer) {
    const kind = this.kind(rule);
    if (kind === "rad") return this.draws.rad(answer);
    if (kind !== "bought") return this.draws[kind](answer.b);
    this.placeOf ??= new Map(Array.from(this.pool.positions, (position, place) => [position, place]));
    const bought = this.data.bought[rule] ?? [];
    return bought.map((position) => this.placeOf.get(position)).filter((place) => place !== undefined);
  }

  // Expected wrong labels of a rule; with another teacher than the one at hand, its mistakes grow or shrink alike.
  wrongOf(rule, answer) {
    const { game } = this;
    const kind = this.kind(rule);
    if (kind === "bought") return null;
    const { b } = answer;
    if (!game.wrong) return b * (1 - this.accuracy);
    const now = { rad: () => game.wrongOf(answer), uniform: () => game.uniformWrong(b), greedy: () => game.greedyWrong(b), oracle: () => Math.max(0, b - (game.size - game.wrongs[game.size])) }[kind]();
    if (this.state.m === null) return now;
    const right = 1 - game.wrongs[game.size] / game.size;
    const wanted = this.accuracy;
    if (wanted >= right) return right < 1 ? (now * (1 - wanted)) / (1 - right) : 0;
    return b - (wanted / right) * (b - now);
  }

  draw() {
    const start = performance.now();
    const { facts } = this.data;
    const { state, game, accuracy } = this;
    const k = wrongCount(game.size, accuracy);
    const b = clamp(state.b, 1, game.size);
    const answer = game.solve(b, k);
    const picks = { a: this.picksOf(state.a, answer), b: this.picksOf(state.vs, answer), hollow: this.kind(state.a) === "bought" };
    if (this.kind(state.a) !== "rad") this.draws.rad(answer); // its keys order the images
    this.picks = picks;
    this.chosen.fill(0);
    for (const i of picks.a) this.chosen[i] = 1;
    const moved = state.m !== null;
    const mistakes = this.mistakes(answer, picks);
    const frame = { state: { ...state, b }, facts, answer, accuracy, moved, picks, chosen: this.chosen, keys: this.draws.keys, lit: this.lit, mistakes };
    const guarantees = this.guarantees(answer);
    frame.certain = new Map(guarantees.map(({ strategy, value }) => [strategy, value]));
    this.waterline.draw(frame);
    this.waterline.light(this.lit);
    this.accuracyChart.draw(frame);
    this.places.draw({ ...frame, colors: this.colors(), words: this.inWords(picks) });
    this.images.draw(frame);
    this.purchase.draw({ ...frame, guarantees, rows: facts.untrained ? Array.from(picks.a.slice(0, ROWS), (i) => this.pool.positions[i]) : [] });
    this.bar.draw(frame);
    this.spent = performance.now() - start;
  }

  label(rule) {
    return this.data.options.rules.find(([id]) => id === rule)?.[1] ?? rule;
  }

  mistakes(answer, picks) {
    const { state } = this;
    const own = this.wrongOf(state.a, answer);
    const other = this.wrongOf(state.vs, answer);
    if (!this.game.wrong) return this.unknownMistakes(answer, picks);
    const beside = other === null ? "" : ` (${this.label(state.vs)} ${grouped(other)})`;
    if (own !== null) return { value: grouped(own), exact: own, note: `of them labeled wrong${beside}` };
    const wrong = picks.a.reduce((sum, i) => sum + this.game.wrong[i], 0);
    return { value: grouped(wrong), exact: wrong, note: `of ${grouped(picks.a.length)} that ${this.label(state.a)} bought in this round${beside}` };
  }

  // Where nobody knows where the teacher errs: as many as on the whole pool, and as many as an adversary could make it.
  unknownMistakes(answer, picks) {
    const kind = this.kind(this.state.a);
    const b = kind === "bought" ? picks.a.length : answer.b;
    const worst = { rad: () => this.game.worstWrong(answer), uniform: () => (answer.b * answer.k) / this.game.size }[kind] ?? (() => Math.min(b, answer.k));
    const expected = b * (1 - this.accuracy);
    return { value: `~${grouped(expected)}`, exact: expected, note: `wrong if the teacher errs on them as on the whole pool; ${grouped(worst())} in the worst case` };
  }

  // What a purchase is certain to be worth by a rule that answers any size.
  certain(rule, b, k) {
    if (rule === "rad") return this.game.solve(b, k).value;
    return rule === "uniform" ? this.game.uniformValue(b, k) : this.game.greedyValue(b, k);
  }

  // The same over the size of the purchase, by each of these rules.
  certainCurves(most) {
    const k = wrongCount(this.game.size, this.accuracy);
    const labels = [...new Set(Array.from({ length: CERTAIN }, (_, i) => Math.max(1, Math.round(((i + 1) / CERTAIN) ** 2 * most))))];
    return RULES.map((rule) => {
      const { short, color, strategy } = this.data.facts.rules[rule];
      const mean = [0, ...labels.map((b) => this.certain(rule, b, k))];
      return { rule: strategy, label: short, color, labels: [0, ...labels], mean, low: null, each: null, seeds: 1 };
    });
  }

  guarantees({ b, k }) {
    return RULES.map((rule) => {
      const { short, color, strategy } = this.data.facts.rules[rule];
      return { label: short, color, strategy, value: this.certain(rule, b, k) };
    });
  }

  colors() {
    const look = (rule) => this.data.options.colors[rule] ?? "#757575";
    return { a: look(this.state.a), b: look(this.state.vs), wrong: this.data.options.wrong };
  }

  explain() {
    const { a, b, wrong } = this.colors();
    const hollow = (rule) => (this.kind(rule) === "bought" ? (this.data.facts.untrained ? ", as drawn" : ", as bought") : "");
    const entries = [[this.kind(this.state.a) === "bought" ? "ring" : "dot", a, this.label(this.state.a) + hollow(this.state.a)]];
    if (this.game?.wrong) entries.push(["dot", wrong, "teacher wrong"]);
    entries.push(["ring", b, this.label(this.state.vs) + hollow(this.state.vs)]);
    this.places.explain(entries);
  }

  inWords(picks) {
    return `Map of the pool: ${this.label(this.state.a)} would buy ${counted(picks.a.length, "point")}, ${this.label(this.state.vs)} ${counted(picks.b.length, "point")}.`;
  }

  // What a screen reader hears after a handle was let go.
  speak() {
    const read = this.accuracyChart.reading?.[0];
    const said = this.data.facts.untrained ? (worth) => `, worth at least ${worthOf(worth)}` : (share) => `, accuracy ${percent(share)}`;
    const accuracy = read && read.mean !== undefined ? said(read.mean) : "";
    write(this.live, `${counted(this.state.b, "label")}${accuracy}.`);
  }

  dispose() {
    this.observer.disconnect();
    this.images.dispose();
    if (this.frame) cancelAnimationFrame(this.frame);
    this.root.remove();
  }
}

openHub(hub, mount);
