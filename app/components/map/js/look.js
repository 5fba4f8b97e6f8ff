// What lies under the cursor.

const NEAR = 12; // px within which a point counts as under the cursor

extend(View, class {
  // The pick or else the point nearest to a place, no farther than NEAR px; null if there is none.
  nearest([qx, qy]) {
    const { xy, grid, n } = this.pool;
    const radius = NEAR / this.eye.k;
    let [best, least] = [null, radius * radius];
    const consider = (i, x, y) => {
      const distance = (x - qx) ** 2 + (y - qy) ** 2;
      if (distance < least) [best, least] = [i, distance];
    };
    for (const { slot, label } of this.data.picks) {
      if (this.off.has(label)) continue;
      const { positions, rounds, at } = this.layers[slot];
      for (let j = 0; j < positions.length; j++) {
        if (rounds[j] <= this.round) consider(positions[j], at[2 * j], at[2 * j + 1]);
      }
    }
    if (best !== null || (n > POINT_LIMIT && !this.visible().length)) return best;
    const hidden = this.hiddenCodes;
    for (const [from, to] of gridRows(grid, [qx - radius, qy - radius, qx + radius, qy + radius])) {
      for (let j = from; j < to; j++) {
        const i = grid.order[j];
        if (!hidden.has(this.codes[i])) consider(i, xy[2 * i], xy[2 * i + 1]);
      }
    }
    return best;
  }

  hover(x, y, at) {
    const i = this.nearest(at);
    this.tooltip.hidden = i === null;
    if (i === null) return;
    const lines = this.describe(i).map((line, number) => node("div", number ? {} : { class: "strong" }, line));
    this.tooltip.replaceChildren(...this.thumbnail(i), node("div", {}, ...lines));
    const { offsetWidth: w, offsetHeight: h } = this.tooltip;
    const { width, height } = this.size;
    this.tooltip.style.left = `${x + 16 + w > width ? Math.max(0, x - w - 12) : x + 16}px`;
    this.tooltip.style.top = `${clamp(y + 12, 0, Math.max(0, height - h))}px`;
  }

  describe(i) {
    const { coloring, picks } = this.data;
    const code = this.codes[i];
    const lines = [`Point ${this.pool.ids ? this.pool.ids[i] : i}`];
    if (coloring.kind === "category") lines.push(`${coloring.title}: ${coloring.labels[code]}`);
    else if (code === STEPS) lines.push(`${coloring.title}: no value`);
    else if (coloring.limits) {
      const [low, high] = coloring.limits;
      lines.push(`${coloring.title}: about ${(low + ((high - low) * code) / (STEPS - 1)).toPrecision(2)}`);
    }
    for (const { slot, label } of picks) {
      const { positions, rounds } = this.layers[slot];
      const j = positions.indexOf(i);
      if (j >= 0 && rounds[j] <= this.round) lines.push(rounds[j] ? `${label}, round ${rounds[j]}` : label);
    }
    return lines;
  }

  thumbnail(i) {
    const { sprites } = this.blobs;
    if (!sprites || i >= sprites.count) return [];
    const made = node("div", { class: "sprite" });
    showTile(made, this.spriteUrl, { tile: [64, 64], columns: sprites.columns }, i, 1);
    return [made];
  }
});
