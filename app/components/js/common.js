// What every part of the studio that draws in the browser leans on: nodes, colors, and the bytes that Python packs.

const SVG = "http://www.w3.org/2000/svg";

function node(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children); // strings become text nodes: no name is ever read as HTML
  return made;
}

function drawn(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// Text and attributes are written only where they change: a frame costs what moves.
function write(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

function put(target, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    const text = String(value);
    if (target.getAttribute(name) !== text) target.setAttribute(name, text);
  }
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const grouped = (value) => Math.round(value).toLocaleString("en-US");

function cssColor(target, variable, otherwise) {
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  probe.fillStyle = otherwise;
  probe.fillStyle = getComputedStyle(target).getPropertyValue(variable).trim() || otherwise;
  probe.fillRect(0, 0, 1, 1);
  return [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3);
}

const channels = (color) => (color[0] === "#" ? [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16)) : color.match(/\d+/g).map(Number));

// What map/wire.py packs: length of the header (uint32), header as JSON, then arrays, each padded to four bytes.
function unpack(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const types = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array };
  let at = 4 + length;
  const parts = header.parts.map(([type, count]) => {
    const size = types[type].BYTES_PER_ELEMENT * count;
    const part = new types[type](bytes.slice(at, at + size).buffer);
    at += size + (-size & 3);
    return part;
  });
  return { ...header, parts };
}

// Shows one of the thumbnails that lie side by side in an image. scale: px for each of its own.
function showTile(target, url, { tile, columns }, i, scale) {
  const [width, height] = tile.map((side) => side * scale);
  Object.assign(target.style, {
    width: `${width}px`,
    height: `${height}px`,
    backgroundImage: `url(${url})`,
    backgroundSize: `${columns * width}px auto`,
    backgroundPosition: `${-(i % columns) * width}px ${-Math.floor(i / columns) * height}px`,
  });
}

// Gives a style to the shadow root that an element is in, once.
function dress(hub, { parentElement }, css) {
  if (hub.css !== css) {
    hub.css = css;
    hub.sheet = new CSSStyleSheet();
    hub.sheet.replaceSync(css);
  }
  const root = parentElement.getRootNode();
  if (!root.adoptedStyleSheets.includes(hub.sheet)) root.adoptedStyleSheets.push(hub.sheet);
}

// Shows an element by the view of its key, made where there is none yet; a later call for the key takes the view over.
function showView(hub, component, css, make) {
  const turn = ++hub.turn;
  dress(hub, component, css);
  const { key } = component.data;
  const view = hub.views.get(key) ?? make(component.data);
  hub.views.set(key, view);
  view.attach(component, turn);
  return () => {
    if (view.turn !== turn) return;
    hub.views.delete(key);
    view.dispose();
  };
}

// From now on the hub takes elements; those that came before this script did have waited.
function openHub(hub, mount) {
  hub.mount = mount;
  hub.waiting.splice(0).forEach((start) => start());
}
