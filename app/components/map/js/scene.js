// What is painted on the canvas, and what lies over it.

extend(View, class {
  upload() {
    const { painter, gl, pool, codes } = this;
    if (!painter || gl.isContextLost()) return;
    painter.fill("xy", pool.xy);
    painter.fill("codes", codes);
    this.layers.forEach((layer, i) => {
      painter.fill(`at${i}`, layer.at);
      painter.fill(`rounds${i}`, layer.rounds);
    });
    this.recolor();
  }

  recolor() {
    this.uploadFlags();
    this.uploadColors();
    const { density } = this.blobs;
    if (density) this.painter.texture("difference", density.cells, density.cells, differencePixels(density.parts[0]), this.gl.LINEAR);
  }

  uploadFlags() {
    const { painter, flags } = this;
    painter.fill("flags", flags);
    this.layers.forEach(({ positions }, i) => painter.fill(`flags${i}`, Uint8Array.from(positions, (p) => flags[p])));
  }

  uploadColors() {
    const { painter, gl } = this;
    const { coloring } = this.data;
    const hidden = this.hiddenCodes;
    this.colors = expand(coloring);
    if (coloring.quiet) this.colors = this.colors.map((color, code) => (code === this.lit ? color : this.gray));
    const pixels = new Uint8Array(2 * 256 * 4);
    this.colors.forEach((color, i) => pixels.set([...color, hidden.has(i) ? 0 : 255], 4 * i));
    coloring.symbols.forEach((symbol, i) => (pixels[4 * (256 + i)] = symbol));
    painter.texture("palette", 256, 2, pixels, gl.NEAREST);
    if (this.pool.n > POINT_LIMIT) {
      const density = densityPixels(this.pool.xy, this.codes, this.colors, hidden, 512);
      painter.texture("density", 512, 512, density, gl.LINEAR);
    }
  }

  // A category has its color while its name is under the cursor, where all are gray otherwise.
  light(code) {
    if (code === this.lit || !this.data.coloring.quiet) return;
    this.lit = code;
    this.uploadColors();
    this.draw();
  }

  draw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.pool && this.gl && !this.gl.isContextLost() && this.stage.clientWidth) this.paint();
    });
  }

  paint() {
    const { gl, canvas, eye } = this;
    const ratio = globalThis.devicePixelRatio || 1;
    const { width, height } = this.size;
    const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
    gl.viewport(0, 0, across, down);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const place = { center: [eye.x / QUANTA, eye.y / QUANTA], scale: [(2 * eye.k * QUANTA) / width, (2 * eye.k * QUANTA) / height] };
    this.paintPool(place, ratio);
    if (this.blobs.density) this.paintTexture("difference", place, 1);
    this.data.picks.forEach((layer) => this.paintLayer(layer, place, ratio));
    this.overlay();
  }

  // Positions of the points to draw one by one: all (null), those in view, or none because they are too many.
  visible() {
    const { n, grid } = this.pool;
    if (n <= POINT_LIMIT) return null;
    const { eye, size } = this;
    const [w, h] = [size.width / 2 / eye.k, size.height / 2 / eye.k];
    const rows = gridRows(grid, [eye.x - w, eye.y - h, eye.x + w, eye.y + h]);
    const total = rows.reduce((sum, [from, to]) => sum + to - from, 0);
    if (total > POINT_LIMIT / 2) return [];
    const found = new Uint32Array(total);
    let at = 0;
    for (const [from, to] of rows) {
      found.set(grid.order.subarray(from, to), at);
      at += to - from;
    }
    return found;
  }

  paintTexture(name, place, alpha) {
    const { gl, painter } = this;
    painter.use(painter.density, { ...place, density: painter.textures[name], alpha });
    painter.attribute(0, "quad", 2, gl.UNSIGNED_SHORT, true);
    [1, 2].forEach((i) => gl.disableVertexAttribArray(i));
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  paintPool(place, ratio) {
    const { gl, painter, pool } = this;
    const { width, height } = this.size;
    const { coloring } = this.data;
    const chosen = this.visible();
    const zoom = this.eye.k / this.home.k;
    const share = Math.sqrt((width * height) / Math.max(pool.n, 1));
    const size = clamp(clamp(0.9 * share, 1.6, coloring.symbols.length ? 9 : 7) * Math.pow(zoom, 0.45), 1.6, 12);
    const alpha = clamp((pool.n > 20000 ? 0.55 : 0.7) * Math.pow(zoom, 0.15), 0, 0.95);
    const selecting = this.regions.length > 0;
    const crowded = chosen && !chosen.length;
    if (crowded) this.paintTexture("density", place, selecting ? 0.35 : 1);
    painter.attribute(0, "xy", 2, gl.UNSIGNED_SHORT, true);
    painter.attribute(1, "codes", 1, gl.UNSIGNED_BYTE);
    painter.attribute(2, "flags", 1, gl.UNSIGNED_BYTE);
    const shared = {
      ...place,
      size: size * ratio,
      dim: this.paper.map((p, c) => (0.6 * p + 0.4 * this.text[c]) / 255),
      shaped: +(coloring.symbols.length > 0 && size > 3.5),
      palette: painter.textures.palette,
      atlas: painter.textures.atlas,
    };
    if (chosen) painter.fill("chosen", chosen, gl.ELEMENT_ARRAY_BUFFER);
    const pass = (number, opacity) => {
      painter.use(painter.points, { ...shared, pass: number, alpha: opacity });
      if (chosen) gl.drawElements(gl.POINTS, chosen.length, gl.UNSIGNED_INT, 0);
      else gl.drawArrays(gl.POINTS, 0, pool.n);
    };
    if (!selecting) pass(0, alpha);
    else {
      pass(1, alpha * 0.3);
      pass(2, 0.95);
      if (crowded && this.selected <= POINT_LIMIT) this.paintSelected();
    }
  }

  paintSelected() {
    const { gl, painter, flags } = this;
    const found = new Uint32Array(this.selected);
    let at = 0;
    for (let i = 0; i < flags.length; i++) if (flags[i]) found[at++] = i;
    painter.fill("chosen", found, gl.ELEMENT_ARRAY_BUFFER);
    gl.drawElements(gl.POINTS, found.length, gl.UNSIGNED_INT, 0);
  }

  paintLayer(layer, place, ratio) {
    const { gl, painter } = this;
    const { width, height } = this.size;
    const { positions } = this.layers[layer.slot];
    if (!positions.length || this.off.has(layer.label)) return;
    const zoom = this.eye.k / this.home.k;
    const room = Math.sqrt((width * height) / positions.length);
    // So many picks that they would hide each other, and the pool, are drawn smaller.
    const size = clamp(0.3 * room, clamp(0.6 * room, 2.2, 3.5), 9) * clamp(Math.pow(zoom, 0.3), 1, 1.8);
    painter.attribute(0, `at${layer.slot}`, 2, gl.UNSIGNED_SHORT, true);
    painter.attribute(1, `rounds${layer.slot}`, 1, gl.UNSIGNED_SHORT);
    painter.attribute(2, `flags${layer.slot}`, 1, gl.UNSIGNED_BYTE);
    for (const latest of [false, true]) {
      painter.use(painter.picks, {
        ...place,
        latest,
        round: this.round,
        dimming: this.regions.length > 0,
        size: size * ratio * 1.6, // the symbol fills two thirds of its cell
        atlas: painter.textures.atlas,
        symbol: layer.symbol,
        color: channels(layer.color).map((c) => c / 255),
        halo: (layer.outline ? channels(layer.outline) : this.paper).map((c) => c / 255),
      });
      gl.drawArrays(gl.POINTS, 0, positions.length);
    }
  }

  // Outlines of the selection, the shape being drawn, the primary point, and the names of classes where they are densest.
  overlay() {
    const parts = this.regions.map(({ polygon, removes }) => {
      const d = pathOf(polygon.map((p) => this.place(this.toQuanta(p))));
      return drawn("path", { d, class: removes ? "selection removes" : "selection" });
    });
    if (this.draft?.path?.length > 1) {
      parts.push(drawn("path", { d: pathOf(this.draft.path.map((at) => this.place(at))), class: "selection draft" }));
    }
    if (this.primary !== null && this.primary < this.pool.n) {
      const { xy } = this.pool;
      const [cx, cy] = this.place([xy[2 * this.primary], xy[2 * this.primary + 1]]);
      for (const name of ["halo", "primary"]) parts.push(drawn("circle", { cx, cy, r: 10, class: name }));
    }
    this.outlines.replaceChildren(...parts);
    const { width, height } = this.size;
    const placed = [];
    const at = this.data.names.map(([, x, y], i) => [this.names.children[i], ...this.place([x, y])]);
    for (const [name, x, top] of at.sort((one, other) => one[2] - other[2])) {
      const half = 3.6 * name.textContent.length;
      const y = placed.reduce((low, other) => (Math.abs(other.x - x) < half + other.half && low - other.y < 16 ? other.y + 16 : low), top);
      name.hidden = x < 0 || y < 0 || x > width || y > height;
      [name.style.left, name.style.top] = [`${clamp(x, half + 4, Math.max(half + 4, width - half - 4))}px`, `${y}px`];
      placed.push({ x, y, half });
    }
  }
});
