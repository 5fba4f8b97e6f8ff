// Points of the pool as cards: image, true class, what teacher and student say. A click picks a card's point.
//
// The data are one block of bytes: the length of a header (uint32), the header as JSON, then one image that holds the
// thumbnails of all cards side by side (none where the study keeps no thumbnails). See gallery.py for the other side.

export default function ({ data, parentElement, setStateValue }) {
  const length = new DataView(data.buffer, data.byteOffset, 4).getUint32(0, true);
  const { cards, sheet, colors } = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + length)));
  const url = sheet && URL.createObjectURL(new Blob([data.slice(4 + length)], { type: sheet.type }));
  const style = element("style", "", CSS);
  const grid = element("div", "grid");
  grid.setAttribute("role", "list");
  grid.style.setProperty("--wrong", colors.wrong);
  grid.style.setProperty("--right", colors.right);
  cards.forEach((card, i) => grid.append(draw(card, i)));
  parentElement.replaceChildren(style, grid);
  return () => url && URL.revokeObjectURL(url);

  function draw(card, i) {
    const lines = card.lines.map(({ text, mark }) => {
      const line = element("span", "line", text);
      if (mark !== undefined) {
        line.classList.add(mark ? "right" : "wrong");
        line.prepend(element("span", "mark", mark ? "\u2713" : "\u2717"));
      }
      return line;
    });
    const node = element("button", "card", ...thumbnail(i), element("span", "title", card.title), ...lines);
    node.type = "button";
    node.title = card.title + "\n" + card.lines.map(({ text }) => text).join("\n");
    node.setAttribute("aria-pressed", "false");
    node.onclick = () => {
      grid.querySelectorAll("button").forEach((other) => other.setAttribute("aria-pressed", String(other === node)));
      setStateValue("pick", { position: card.position, turn: Date.now() });
    };
    const item = element("div", "item", node);
    item.setAttribute("role", "listitem");
    item.dataset.position = card.position;
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
