// Numbers in words, scales and handles that the parts of the instrument share.

const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)}%`;
const points = (share) => `${share < 0 ? "\u2212" : "+"}${Math.abs(100 * share).toFixed(1)} points`;
const counted = (n, noun) => `${grouped(n)} ${noun}${Math.round(n) === 1 ? "" : "s"}`;

// A gain sum with as many digits as a reader can use.
const worthOf = (value) => (value >= 100 ? grouped(value) : value >= 10 ? value.toFixed(1) : value.toFixed(2));

function money(amount, currency) {
  const digits = amount >= 100 || amount === 0 ? 0 : amount >= 0.1 ? 2 : 4;
  const number = amount.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const sign = { USD: "$", EUR: "€", GBP: "£" }[currency];
  return sign ? sign + number : `${number} ${currency}`;
}

// 1, 2 or 5 times a power of ten, the smallest that is no less than a number.
function roundStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((m) => m * power).find((step) => step >= least * (1 - 1e-9));
}

// What a key does to a handle: steps of its own, ten times as much by page, and both ends.
function keyMove(event, value, step, low, high) {
  const moves = {
    ArrowRight: value + step,
    ArrowUp: value + step,
    ArrowLeft: value - step,
    ArrowDown: value - step,
    PageUp: value + 10 * step,
    PageDown: value - 10 * step,
    Home: low,
    End: high,
  };
  if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return null;
  event.preventDefault();
  return clamp(moves[event.key], low, high);
}

// Holds a handle: moves while the pointer is down, then says that it was let go. From the first touch on any part of
// `area`; `grip` takes the keyboard's focus.
function holdable(area, grip, { move, release, key }) {
  let held = false;
  area.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    held = true;
    area.setPointerCapture(event.pointerId);
    grip.focus({ preventScroll: true });
    move(event);
    event.preventDefault();
  });
  area.addEventListener("pointermove", (event) => held && move(event));
  const end = () => {
    if (held) release();
    held = false;
  };
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) area.addEventListener(name, end);
  grip.addEventListener("keydown", key);
  grip.addEventListener("keyup", (event) => /Arrow|Page|Home|End/.test(event.key) && release());
}

// One pixel of an ImageData read as 32-bit numbers. channels: red, green, blue; share: how much of it is covered.
function rgba([r, g, b], share) {
  return ((Math.round(255 * share) << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

function panel(name, title, ...children) {
  const heading = node("h2", {}, title);
  const aside = node("span", { class: "aside" });
  return { root: node("section", { class: name, "aria-label": title }, node("header", {}, heading, aside), ...children), aside };
}
