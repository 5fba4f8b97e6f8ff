// The next images under the handle: the last that the budget lets in, of those that have travelled as thumbnails.

const SHOWN = 24;

class Images {
  constructor(owner) {
    this.owner = owner;
    this.grid = node("div", { class: "tiles" });
    this.empty = node("p", { class: "quiet" });
    const { root, aside } = panel("images", "The next images under the handle", this.grid, this.empty);
    this.root = root;
    this.aside = aside;
    this.tiles = Array.from({ length: SHOWN }, () => this.tile());
    this.grid.append(...this.tiles.map((tile) => tile.root));
    this.url = null;
  }

  tile() {
    const picture = node("div", { class: "picture" });
    const name = node("span");
    const root = node("div", { class: "tile", tabindex: -1 }, picture, name);
    const tile = { root, picture, name, place: null };
    root.addEventListener("pointerenter", () => this.owner.point(tile.place));
    root.addEventListener("pointerleave", () => this.owner.point(null));
    return tile;
  }

  setPool(pool) {
    this.dispose();
    this.shown = pool.shown ?? null;
    this.root.hidden = !this.shown;
    if (!this.shown) return;
    this.order = Uint32Array.from(this.shown.keys());
    this.sheet = pool.sheet;
    this.url = URL.createObjectURL(new Blob([pool.sheetBytes], { type: pool.sheet.type }));
    for (const { root } of this.tiles) root.hidden = true;
    this.pool = pool;
    this.layout();
  }

  layout() {
    if (!this.shown) return;
    const box = this.grid.getBoundingClientRect();
    const across = box.width < 420 ? 6 : 12; // as explore.css lays them out
    const side = clamp(Math.floor(Math.min(box.width / across - 8, box.height / (SHOWN / across) - 24)), 24, 56);
    this.scale = side / Math.max(...this.sheet.tile);
    for (const tile of this.tiles) tile.place = null; // its picture has another size now
  }

  // chosen: a number for every point, 1 where it is bought. keys: the order in which a growing budget brings points in.
  draw({ chosen, keys, lit, facts }) {
    if (!this.shown) return;
    const { shown, owner } = this;
    const { lasso } = owner.places;
    const bought = this.order.filter((i) => chosen[shown[i]] && (!lasso || lasso[shown[i]]));
    bought.sort((i, j) => keys[shown[j]] - keys[shown[i]] || shown[i] - shown[j]);
    const { said, truth } = this.pool;
    const wrong = owner.game.wrong;
    this.tiles.forEach((tile, at) => {
      const i = at < bought.length ? bought[at] : -1;
      tile.root.hidden = i < 0;
      const place = i < 0 ? null : shown[i];
      tile.root.classList.toggle("lit", place !== null && place === lit);
      if (place === tile.place) return;
      tile.place = place;
      if (place === null) return;
      showTile(tile.picture, this.url, this.sheet, i, this.scale);
      const no = Boolean(wrong?.[place]);
      tile.root.classList.toggle("wrong", no);
      write(tile.name, facts.classes[(said ?? truth)[place]]);
      const text = !said ? `It is ${facts.classes[truth[place]]}; what the teacher says is not known on the whole pool.` : no ? `The teacher says ${facts.classes[said[place]]}; it is ${facts.classes[truth[place]]}.` : `The teacher says ${facts.classes[said[place]]}, which is right.`;
      put(tile.root, { title: text, "aria-label": text, role: "img" });
    });
    write(this.aside, said ? "red: the teacher is wrong" : "named by their true class");
    const none = lasso ? "Nothing inside the lasso is bought at this budget, among the images at hand. A click on the map removes the lasso." : "No image at hand is bought at this budget.";
    this.empty.hidden = bought.length > 0;
    this.grid.hidden = !bought.length;
    write(this.empty, bought.length ? "" : none);
  }

  dispose() {
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = null;
  }
}
