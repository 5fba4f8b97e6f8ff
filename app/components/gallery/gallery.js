// Points of the pool as cards: image, true class, what teacher and student say. A click picks a card's point.
//
// Streamlit sends an element's JavaScript again whenever its data change. So an element without data brings this file,
// and the others hand themselves over to it. The cards are one block of bytes: the length of a header (uint32), the
// header as JSON, then one image with the thumbnails of all cards side by side (none where the study keeps none).
// Which card is the point in view comes apart from them, as JSON. See gallery.py for the other side.

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
  for (const item of grid.children) {
    item.firstChild.setAttribute("aria-pressed", String(Number(item.dataset.position) === position));
  }
}

function show({ data, parentElement, setStateValue }) {
  const length = new DataView(data.buffer, data.byteOffset, 4).getUint32(0, true);
  const { key, cards, sheet, colors } = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + length)));
  const url = sheet && URL.createObjectURL(new Blob([data.slice(4 + length)], { type: sheet.type }));
  const style = element("style", "", CSS);
  const grid = element("div", "grid");
  grid.setAttribute("role", "list");
  grid.style.setProperty("--wrong", colors.wrong);
  grid.style.setProperty("--right", colors.right);
  cards.forEach((card, i) => grid.append(draw(card, i)));
  mark(grid, hub.chosen.get(key) ?? null);
  hub.grids.set(key, grid);
  parentElement.replaceChildren(style, grid);
  return () => {
    if (hub.grids.get(key) === grid) hub.grids.delete(key);
    if (url) URL.revokeObjectURL(url);
  };

  function draw({ position, title, lines }, i) {
    const written = lines.map(([text, right]) => {
      const line = element("span", "line", text);
      if (right !== undefined) {
        line.classList.add(right ? "right" : "wrong");
        line.prepend(element("span", "mark", right ? "\u2713" : "\u2717"));
      }
      return line;
    });
    const node = element("button", "card", ...thumbnail(i), element("span", "title", title), ...written);
    node.type = "button";
    node.title = [title, ...lines.map(([text]) => text)].join("\n");
    node.onclick = () => {
      mark(grid, position);
      setStateValue("pick", { position, turn: Date.now() });
    };
    const item = element("div", "item", node);
    item.setAttribute("role", "listitem");
    item.dataset.position = position;
    return item;
  }

  function thumbnail(i) {
    if (!sheet) return [];
    const { tile, columns, rows } = sheet;
    const scale = 96 / Math.max(...tile);
    const [width, height] = tile.map((side) => side * scale);
    const node = element("span", "image");
    Object.assign(node.style, {
      width: `${width}px`,
      height: `${height}px`,
      backgroundImage: `url(${url})`,
      backgroundSize: `${columns * width}px ${rows * height}px`,
      backgroundPosition: `${-(i % columns) * width}px ${-Math.floor(i / columns) * height}px`,
      imageRendering: Math.max(...tile) <= 32 ? "pixelated" : "auto",
    });
    return [node];
  }
}

function element(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children); // strings become text nodes: no name is ever read as HTML
  return node;
}

const CSS = `
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(128px, 1fr)); gap: 8px;
  font-family: var(--st-font, sans-serif); font-size: 14px; line-height: 1.4; color: var(--st-text-color, #31333f); }
.card { font: inherit; color: inherit; text-align: left; width: 100%; height: 100%; cursor: pointer; padding: 8px;
  display: flex; flex-direction: column; gap: 1px; background: none; border-radius: 8px;
  border: 1px solid var(--st-border-color, #d5d8de); }
.card:hover { background: var(--st-secondary-background-color, #f0f2f6); }
.card:focus-visible { outline: 2px solid var(--st-primary-color, #0068c9); outline-offset: 1px; }
.card[aria-pressed="true"] { border-color: var(--st-text-color, #31333f); box-shadow: 0 0 0 1px var(--st-text-color, #31333f); }
.image { display: block; margin-bottom: 6px; border-radius: 4px; background-repeat: no-repeat; }
.title { font-weight: 600; overflow-wrap: anywhere; }
.line { overflow: hidden; text-overflow: ellipsis; display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; }
.mark { display: inline-block; width: 1.2em; font-weight: 700; }
.right .mark { color: var(--right); }
.wrong, .wrong .mark { color: var(--wrong); font-weight: 600; }
`;

hub.mount = mount;
hub.waiting.splice(0).forEach((start) => start()); // the elements that came before this file did
