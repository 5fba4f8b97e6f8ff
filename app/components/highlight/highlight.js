// A curve that is pointed at stands out: the others of its chart step back, and one drawn in gray takes its color.
const attached = new WeakSet();
const traces = (chart) => chart._fullData.map((trace) => [trace, chart.querySelector(`.scatterlayer .trace${trace.uid}`)]);

function light(chart, group) {
  for (const [trace, drawn] of traces(chart)) {
    if (!drawn || !trace.legendgroup) continue;
    const chosen = trace.legendgroup === group;
    drawn.style.opacity = !group ? "" : chosen ? "1" : "0.2";
    if (!trace.meta?.color) continue;
    const line = drawn.querySelector(".js-line");
    if (!line) continue;
    if (line.dataset.stroke === undefined) Object.assign(line.dataset, { stroke: line.style.stroke, width: line.style.strokeWidth });
    line.style.stroke = chosen ? trace.meta.color : line.dataset.stroke;
    line.style.strokeWidth = chosen ? "2.5px" : line.dataset.width;
  }
}

// A chart is known by the pointer that reaches it, so that one which is drawn anew needs no watching.
function attach(event) {
  const chart = event.target.closest?.(".js-plotly-plot");
  if (!chart?.on || attached.has(chart)) return;
  attached.add(chart);
  chart.on("plotly_hover", ({ points }) => light(chart, points[0].fullData.legendgroup));
  chart.on("plotly_unhover", () => light(chart, ""));
}

export default () => {
  document.addEventListener("pointerover", attach);
  return () => document.removeEventListener("pointerover", attach);
};
