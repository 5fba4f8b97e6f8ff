// Draws the report's figures, light or dark, on a page or on paper, and opens the stage over it.
const told = JSON.parse(document.getElementById("figures").textContent);
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const charts = [...document.querySelectorAll(".chart")];
const PRINT_WIDTH = 860; // as .chart in print
let paper = location.hash === "#print";
let stage = null;

function draw(chart) {
  const both = told.figures[Number(chart.dataset.figure)];
  const figure = dark.matches && !paper && both.dark ? both.dark : both.light;
  const layout = { ...structuredClone(figure.layout), autosize: false, width: paper ? PRINT_WIDTH : chart.clientWidth };
  chart.style.height = `${figure.layout.height}px`;
  Plotly.react(chart, structuredClone(figure.data), layout, paper ? { ...told.config, displayModeBar: false } : told.config);
}

const drawAll = () => charts.forEach(draw);

// The step that is being read.
function nearest() {
  const steps = [...document.querySelectorAll(".step")];
  return Math.max(0, steps.filter((step) => step.getBoundingClientRect().top <= window.innerHeight / 3).length - 1);
}

function close() {
  if (!stage) return;
  const { at } = stage;
  stage.dispose();
  stage = null;
  document.querySelector(".stage-host").remove();
  document.body.classList.remove("staged");
  document.querySelectorAll(".step")[at].scrollIntoView({ behavior: "instant" });
}

function open() {
  const at = nearest();
  const isDark = dark.matches && told.stage.dark;
  stage = new Stage(isDark ? told.stage.dark : told.stage.light, { left: close });
  stage.root.classList.add("whole");
  stage.root.classList.toggle("dark", Boolean(isDark));
  // Its style and that of the page do not meet.
  const host = node("div", { class: "stage-host" });
  host.attachShadow({ mode: "open" }).append(node("style", {}, told.stage.style), stage.root);
  document.body.append(host);
  document.body.classList.add("staged");
  stage.go(at);
  stage.root.focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "s" || event.key === "S") (stage ? close : open)();
  else if (stage && event.target === document.body) stage.key(event);
});
document.querySelector("[data-do=stage]").addEventListener("click", open);
document.querySelector("[data-do=print]").addEventListener("click", () => window.print());

let waiting = 0;
window.addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(drawAll, 100);
});
dark.addEventListener("change", drawAll);
for (const [name, printing] of [["beforeprint", true], ["afterprint", false]]) {
  window.addEventListener(name, () => {
    paper = printing;
    drawAll();
  });
}

drawAll();
document.body.dataset.ready = "true";
