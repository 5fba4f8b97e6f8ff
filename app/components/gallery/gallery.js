// Points of the pool as cards: image, true class, what teacher and student say. A click picks a card's point.
//
// Streamlit sends an element's JavaScript again whenever its data change. So an element without data brings this file,
// and the others hand themselves over to it. The cards come as bytes (see wire.py), with one image of all their
// thumbnails, or none where the study keeps none. Which card is the point in view comes apart from them, as JSON.

const hub = (globalThis.radStudioGallery ??= { waiting: [] });
hub.grids ??= new Map(); // key of the gallery -> its cards
hub.chosen ??= new Map(); // key of the gallery -> position of the point in view, or null

export default () => undefined;

function mount(component) {
  return component.data instanceof Uint8Array ? show(component) : choose(component.data);
}

function choose({ key, position }) {
  hub.chosen.set(key, position);
  if (hub.grids.has(key)) mark(hub.grids.get(key), position);
}

function mark(grid, position) {
  for (const item of grid.children) put(item.firstChild, { "aria-pressed": Number(item.dataset.position) === position });
}

function show(component) {
  const { key, cards, sheet, colors, parts } = unpack(component.data);
  dress(hub, component, CSS);
  const url = sheet && URL.createObjectURL(new Blob([parts[0]], { type: sheet.type }));
  const grid = node("div", { class: "grid", role: "list", style: `--wrong: ${colors.wrong}; --right: ${colors.right}` });
  const pick = (position) => {
    mark(grid, position);
    component.setStateValue("pick", { position, turn: Date.now() });
  };
  grid.append(...cards.map((card, i) => draw(card, sheet ? [thumbnail(sheet, url, i)] : [], pick)));
  mark(grid, hub.chosen.get(key) ?? null);
  hub.grids.set(key, grid);
  component.parentElement.replaceChildren(grid);
  return () => {
    if (hub.grids.get(key) === grid) hub.grids.delete(key);
    if (url) URL.revokeObjectURL(url);
  };
}

function draw({ position, title, lines }, image, pick) {
  const written = lines.map(([text, right]) => {
    if (right === undefined) return node("span", { class: "line" }, text);
    const sign = node("span", { class: "mark" }, right ? "\u2713" : "\u2717");
    return node("span", { class: `line ${right ? "right" : "wrong"}` }, sign, text);
  });
  const help = [title, ...lines.map(([text]) => text)].join("\n");
  const card = node("button", { class: "card", type: "button", title: help }, ...image, node("span", { class: "title" }, title), ...written);
  card.onclick = () => pick(position);
  return node("div", { class: "item", role: "listitem", "data-position": position }, card);
}

function thumbnail(sheet, url, i) {
  const largest = Math.max(...sheet.tile);
  const made = node("span", { class: "image" });
  showTile(made, url, sheet, i, 96 / largest);
  made.style.imageRendering = largest <= 32 ? "pixelated" : "auto";
  return made;
}

openHub(hub, mount); // for the elements that came before this file did
