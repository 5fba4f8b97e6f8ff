// The stage on the page Present: within the page, or over the whole window. The step in view stands in the address.

export default mount;

const stages = (globalThis.radStudioStages ??= new Map()); // key -> { stage, digest, turn }
let turn = 0;

// Below a stage that does not fill the window: every step by its name, and the screen.
class Steps {
  constructor(names) {
    this.names = names;
    this.root = node("nav", { class: "steps", "aria-label": "Steps" });
  }

  show(stage) {
    const button = (text, act, attributes = {}) => {
      const made = node("button", { type: "button", ...attributes }, text);
      made.addEventListener("click", act);
      return made;
    };
    const { steps } = stage.scenes;
    this.root.replaceChildren(
      button("\u2190", () => stage.go(stage.at - 1), { "aria-label": "Step before" }),
      ...steps.map(({ name }, i) => button(`${i + 1} ${this.names[name] ?? name}`, () => stage.go(i), i === stage.at ? { "aria-current": "step" } : {})),
      button("\u2192", () => stage.go(stage.at + 1), { "aria-label": "Step after" }),
      button("Full screen", () => stage.fullScreen()),
    );
  }
}

function address(step) {
  const query = new URLSearchParams(location.search);
  query.set("story_step", step);
  history.replaceState(history.state, "", `${location.pathname}?${query}${location.hash}`);
}

function mount(component) {
  const { parentElement, setStateValue, data } = component;
  const { scenes, whole, step, key } = data;
  const digest = JSON.stringify([scenes.digest, scenes.dark]);
  const mine = ++turn;
  let shown = stages.get(key);
  if (shown?.digest !== digest) {
    const name = shown ? shown.stage.scenes.steps[shown.stage.at].name : step;
    shown?.bar.root.remove();
    shown?.stage.dispose();
    const bar = new Steps(data.names);
    const stage = new Stage(scenes, { told: (told) => (address(told), bar.show(stage)) });
    shown = { stage, digest, name, bar };
    stages.set(key, shown);
  }
  const { stage } = shown;
  shown.turn = mine;
  stage.left = () => whole && setStateValue("event", { left: Date.now() });
  stage.root.classList.toggle("whole", whole);
  stage.root.classList.toggle("dark", scenes.dark);
  shown.bar.root.hidden = whole;
  if (stage.root.parentNode !== parentElement) {
    parentElement.append(stage.root, shown.bar.root);
    stage.open(shown.name ?? step);
  }
  if (whole) stage.root.focus({ preventScroll: true });
  // A clicker's keys arrive wherever the focus is, as long as nothing else wants them.
  const listen = (event) => {
    const idle = event.target === document.body || event.target.closest?.("[data-testid='stApp']") === event.target;
    if (whole && idle) stage.key(event);
  };
  document.addEventListener("keydown", listen);
  return () => {
    document.removeEventListener("keydown", listen);
    if (shown.turn !== mine) return;
    stages.delete(key);
    shown.bar.root.remove();
    stage.dispose();
  };
}
