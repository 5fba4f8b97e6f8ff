// The map that is seen: what it holds, and what it tells the page. Its other methods are in the files that follow.

const POINT_LIMIT = 200000; // more points than this at once are drawn as their density
const QUANTA = 65535;
const STEPS = 15; // colors of a continuous scale; this very code is for points without a value
const KINDS = ["points", "colors", "layers", "sprites", "density"];

class View {
  constructor(key) {
    this.key = key;
    this.blobs = {}; // kind -> what is drawn now
    this.data = null;
    this.tool = "pan";
    this.camera = null; // { x, y, k }: center in quanta, px per quantum; null shows everything
    this.hidden = new Map(); // title of a coloring -> Set of hidden codes
    this.off = new Set(); // hidden layers
    this.lit = null; // the category under the cursor, which has its color also where all are gray
    this.applied = {};
    this.regions = []; // { kind, polygon, removes } one after the other, in data coordinates
    this.primary = null;
    this.flags = new Uint8Array(0); // 1: selected
    this.selected = 0;
    this.pointers = new Map();
    this.draft = null;
    this.build();
  }

  attach(component, turn) {
    this.turn = turn;
    this.component = component;
    if (this.root.parentNode !== component.parentElement) component.parentElement.append(this.root);
    this.data = component.data;
    this.arrange();
    this.paper = cssColor(this.root, "--st-background-color", "#ffffff"); // a change of theme comes this way, too
    this.text = cssColor(this.root, "--st-text-color", "#31333f");
    this.gray = cssColor(this.root, "--pool", "#c1c2c5");
    if (!this.gl && !this.failed) this.start();
    this.refresh();
  }

  start() {
    this.gl = this.canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: true });
    if (!this.gl) {
      this.failed = true;
      this.root.replaceChildren(node("p", { class: "note" }, "This browser offers no WebGL 2, so the map is shown as a still picture."));
      this.report();
      return;
    }
    this.painter = new Painter(this.gl);
  }

  dispose() {
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
    const { regions, primary } = this;
    const event = { id: `${Date.now()}-${++hub.turn}`, points: this.data.points, webgl: !this.failed };
    this.component.setStateValue("event", this.failed ? event : { ...event, selection: regions.length ? regions : null, primary });
  }

  // Take in what has arrived; waits until everything that the data speak of is there.
  refresh() {
    const { data } = this;
    if (!data || this.failed) return;
    const next = {};
    for (const kind of KINDS) {
      if (!data[kind]) continue;
      next[kind] = hub.blobs.get(data[kind]);
      if (!next[kind]) return;
    }
    const [points, colors, layers, sprites] = KINDS.map((kind) => next[kind]?.digest !== this.blobs[kind]?.digest);
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
    const { sprites } = this.blobs;
    this.spriteUrl = sprites && URL.createObjectURL(new Blob([sprites.parts[0]], { type: sprites.type }));
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
    if (anew("primary")) this.primary = now.primary;
    if (anew("selection")) {
      this.regions = now.selection ?? [];
      this.findSelected();
    }
    this.applied = { ...rev };
  }

  findSelected() {
    this.selected = selectPoints(this.flags, this.pool, this.regions, (corner) => this.toQuanta(corner));
  }

  get hiddenCodes() {
    const { title } = this.data.coloring;
    if (!this.hidden.has(title)) this.hidden.set(title, new Set());
    return this.hidden.get(title);
  }

  // The round whose picks stand out and after which there are none yet; of a map without rounds, beyond all.
  get round() {
    return this.data.round ?? QUANTA;
  }
}

// Further methods and getters of a class.
function extend(made, { prototype }) {
  const { constructor, ...rest } = Object.getOwnPropertyDescriptors(prototype);
  Object.defineProperties(made.prototype, rest);
}
