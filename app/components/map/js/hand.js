// What a person does on the canvas, by mouse, touch and keys: move, select, pick.

const LASSO_VERTICES = 200;
const MOST_REGIONS = 20; // as model.py takes

extend(View, class {
  setTool(tool) {
    this.tool = tool;
    for (const [name, made] of Object.entries(this.tools)) made.setAttribute("aria-pressed", String(name === tool));
    this.canvas.style.cursor = tool === "pan" ? "grab" : "crosshair";
  }

  select(regions) {
    this.regions = regions;
    this.findSelected();
    this.uploadFlags();
    this.tell();
    this.draw();
  }

  clear() {
    if (this.draft) {
      this.draft = null;
      this.draw();
    } else if (this.regions.length || this.primary !== null) {
      this.primary = null;
      this.select([]);
      this.report();
    }
  }

  listen() {
    const { canvas, stage } = this; // the names of the classes lie over the canvas, and what is done on them is meant for it
    const on = (name, act, options) => stage.addEventListener(name, (event) => this.pool && act(event), options);
    on("wheel", (event) => {
      event.preventDefault();
      const step = event.deltaY * (event.deltaMode === 1 ? 20 : 1);
      this.zoom(Math.exp(-clamp(step, -300, 300) * 0.002), this.locate(event).at);
    }, { passive: false });
    on("pointerdown", (event) => this.press(event));
    on("pointermove", (event) => this.move(event));
    on("pointerup", (event) => this.release(event));
    on("pointercancel", (event) => {
      this.pointers.delete(event.pointerId);
      this.draft = null;
      this.draw();
    });
    on("pointerleave", () => (this.tooltip.hidden = true));
    on("contextmenu", (event) => event.ctrlKey && event.preventDefault()); // on a Mac, Ctrl with the button asks for it
    on("dblclick", () => {
      this.reporting = clearTimeout(this.reporting);
      this.primary = this.before ?? null;
      this.goHome();
    });
    on("keydown", (event) => this.type(event));
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

  // Shift adds what is drawn to the selection, Ctrl or Cmd takes it out of it; with the tool that moves the map, they draw a
  // lasso.
  press(event) {
    const removes = event.ctrlKey || event.metaKey;
    if (event.button !== 0 && !(removes && event.button === 2)) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.canvas.focus({ preventScroll: true });
    this.pointers.set(event.pointerId, event);
    this.tooltip.hidden = true;
    if (this.pointers.size > 1) {
      this.draft = null;
      return;
    }
    const keeps = event.shiftKey || removes;
    const kind = event.altKey || (keeps && this.tool === "pan") ? "lasso" : this.tool;
    const { x, y, at } = this.locate(event);
    this.draft = { kind, keeps, removes, start: at, from: [x, y], last: [x, y], moved: false, path: [] };
  }

  move(event) {
    if (this.pointers.size > 1) return this.pinch(event);
    const { x, y, at } = this.locate(event);
    const { draft } = this;
    if (!draft) return this.hover(x, y, at);
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

  finish({ kind, path, keeps, removes }) {
    const { k } = this.eye;
    let outline = path;
    for (let px = 1; kind === "lasso" && (px === 1 || outline.length > LASSO_VERTICES); px *= 2) outline = simplify(path, px / k);
    const polygon = outline.map((p) => this.toData(p));
    const [left, bottom, right, top] = bounds(polygon);
    if (polygon.length < 3 || right <= left || top <= bottom || (removes && !this.regions.length)) return;
    this.select([...(keeps ? this.regions : []), { kind, polygon, removes }].slice(-MOST_REGIONS));
    this.report();
  }

  click(event) {
    const found = this.nearest(this.locate(event).at);
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
});
