// Tools, legend, names and words around the canvas.

extend(View, class {
  build() {
    this.canvas = node("canvas", { class: "canvas", tabindex: 0, role: "application" });
    this.status = node("span", { class: "status", role: "status" });
    this.tools = {
      pan: button("pan", "Move the map (drag)", () => this.setTool("pan")),
      lasso: button("lasso", "Select by lasso (Alt + drag)", () => this.setTool("lasso")),
      box: button("box", "Select a box", () => this.setTool("box")),
    };
    this.clearing = button("clear", "Clear the selection (Esc)", () => this.clear());
    const zooms = node("span", { class: "group" },
      button("in", "Zoom in (+)", () => this.zoom(1.6)),
      button("out", "Zoom out (\u2212)", () => this.zoom(1 / 1.6)),
      button("home", "Show the whole map (double click)", () => this.goHome()),
    );
    this.picks = node("span", { class: "picks" });
    const bar = node("div", { class: "bar" }, node("span", { class: "group" }, ...Object.values(this.tools)), zooms, this.clearing, this.picks, this.status);
    this.tooltip = node("div", { class: "tooltip" });
    this.tooltip.hidden = true;
    this.loading = node("div", { class: "loading" }, "Loading the map\u2026");
    this.outlines = drawn("svg", { class: "overlay", "aria-hidden": "true" });
    this.names = node("div", { class: "names" });
    this.stage = node("div", { class: "stage" }, this.canvas, this.outlines, this.names, this.loading, this.tooltip);
    this.legend = node("div", { class: "legend" });
    const hint = node("p", { class: "hint" }, "Alt + drag draws a lasso \u00b7 Shift adds to the selection \u00b7 Ctrl or Cmd removes \u00b7 Esc clears \u00b7 scroll to zoom");
    this.root = node("div", { class: "map" }, bar, this.stage, this.legend, hint);
    this.resizing = new ResizeObserver(() => this.draw());
    this.resizing.observe(this.stage);
    this.listen();
  }

  // As high as it was told, or as the window leaves room.
  arrange() {
    const { height } = this.data;
    this.root.classList.toggle("tall", height === null);
    this.stage.style.height = height === null ? "" : `${height}px`;
  }

  furnish() {
    this.arrange();
    this.names.replaceChildren(...this.data.names.map(([label, , , code]) => {
      const name = node("span", {}, label);
      name.onpointerenter = () => this.light(code);
      name.onpointerleave = () => this.light(null);
      return name;
    }));
    this.picks.replaceChildren(...this.data.picks.map((layer) => this.layerChip(layer)));
    this.legend.replaceChildren(...this.differenceLegend(), ...this.coloringLegend());
    this.tell();
  }

  coloringLegend() {
    const { coloring } = this.data;
    if (coloring.quiet) return []; // the names on the map say it
    const title = node("span", { class: "title" }, coloring.title);
    if (coloring.kind === "continuous") {
      const count = this.counts[STEPS];
      const missing = count ? [this.codeChip({ color: "#9A9A9A", symbol: 0, label: "no value", count, code: STEPS })] : [];
      const [low, high] = coloring.labels.map((label) => node("span", { class: "end" }, label));
      return [title, low, this.ramp(coloring.palette), high, ...missing];
    }
    return [title, ...coloring.labels.map((label, code) =>
      this.codeChip({ color: coloring.palette[code], symbol: coloring.symbols[code] ?? 0, label, count: this.counts[code], code }),
    )];
  }

  ramp(colors) {
    const ramp = node("span", { class: "ramp" });
    ramp.style.background = `linear-gradient(to right, ${colors.join(", ")})`;
    return ramp;
  }

  differenceLegend() {
    const { difference } = this.data;
    if (!difference) return [];
    const [a, b] = difference.labels;
    const most = `+${difference.most.toPrecision(2)}`;
    const end = (text) => node("span", { class: "end" }, text);
    const units = node("span", { class: "units" }, "labels more per 100 points of the pool nearby");
    const ramp = this.ramp([MORE_B, "transparent", MORE_A].map((c) => (c === "transparent" ? c : `rgb(${c.join(" ")})`)));
    return [node("div", { class: "difference" }, end(`${b} ${most}`), ramp, end(`${a} ${most}`), units)];
  }

  chip({ color, outline, symbol, label, count, help, pressed }) {
    return node("button", { type: "button", class: "chip", title: help, "aria-pressed": pressed },
      symbolIcon(symbol, color, outline), node("span", {}, label), node("small", {}, grouped(count)));
  }

  layerChip(layer) {
    const { label } = layer;
    const help = `${label}: a click hides or shows these picks`;
    const made = this.chip({ ...layer, count: this.bought(layer), help, pressed: !this.off.has(label) });
    made.onclick = () => {
      if (!this.off.delete(label)) this.off.add(label);
      made.setAttribute("aria-pressed", String(!this.off.has(label)));
      this.draw();
    };
    return made;
  }

  codeChip({ code, label, ...look }) {
    const hidden = this.hiddenCodes;
    const help = `${label}: a click hides or shows it, a double click (or Shift) shows only this`;
    const made = this.chip({ ...look, label, help, pressed: !hidden.has(code) });
    made.dataset.code = code;
    const isolate = () => {
      const others = [...this.counts.keys()].filter((i) => this.counts[i] && i !== code);
      const alone = !hidden.has(code) && others.every((i) => hidden.has(i));
      hidden.clear();
      if (!alone) others.forEach((i) => hidden.add(i));
    };
    made.onclick = made.ondblclick = (event) => {
      if (event.type === "dblclick" || event.shiftKey) isolate();
      else if (!hidden.delete(code)) hidden.add(code);
      for (const chip of this.legend.querySelectorAll(".chip")) chip.setAttribute("aria-pressed", String(!hidden.has(Number(chip.dataset.code))));
      this.uploadColors();
      this.tell();
      this.draw();
    };
    return made;
  }

  bought({ slot }) {
    return this.layers[slot].rounds.reduce((sum, round) => sum + (round <= this.round), 0);
  }

  // The count in words, and what the canvas shows for those who do not see it.
  tell() {
    const { n } = this.pool;
    const { picks, coloring, difference, round } = this.data;
    const selecting = this.regions.length > 0;
    const hidden = this.hiddenCodes;
    let unseen = 0;
    if (selecting && hidden.size) this.flags.forEach((flag, i) => (unseen += flag && hidden.has(this.codes[i])));
    const counted = selecting ? `${grouped(this.selected)} of ${grouped(n)} selected` : `${grouped(n)} points`;
    this.status.textContent = counted + (unseen ? `, ${grouped(unseen)} of them hidden` : "");
    this.status.classList.toggle("strong", selecting);
    this.clearing.hidden = !selecting;
    const words = [`Map of ${grouped(n)} points ${coloring.quiet ? "in gray" : `colored by ${coloring.title}`}.`];
    if (round !== null) words.push(`Labels bought up to round ${round}.`);
    words.push(...picks.map((layer) => `${layer.label}: ${grouped(this.bought(layer))}.`));
    if (difference) words.push(`Where ${difference.labels[0]} bought more than ${difference.labels[1]}, and less.`);
    if (selecting) words.push(`${counted}.`);
    words.push("Arrow keys move, plus and minus zoom, 0 shows everything, Escape clears the selection.");
    this.canvas.setAttribute("aria-label", words.join(" "));
  }
});
