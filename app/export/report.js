"use strict";
// Draws the report's figures, light or dark, on a page, a slide or paper; moves from slide to slide.
(() => {
  const told = JSON.parse(document.getElementById("figures").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const charts = [...document.querySelectorAll(".chart")];
  const slides = [...document.querySelectorAll(".cover, .step")];
  const where = document.querySelector(".where");
  const PRINT_WIDTH = 860; // as .chart in print
  let paper = location.hash === "#print";
  let at = -1; // the slide shown; -1: a page that scrolls

  function layoutFor(chart, figure) {
    const layout = structuredClone(figure.layout);
    layout.autosize = false;
    layout.width = paper ? PRINT_WIDTH : chart.clientWidth;
    if (at >= 0 && !paper) layout.height = Math.max(200, chart.clientHeight);
    return layout;
  }

  function draw(chart) {
    if (!paper && chart.clientWidth === 0) return; // on a slide that is not shown
    const both = told.figures[Number(chart.dataset.figure)];
    const figure = dark.matches && !paper && both.dark ? both.dark : both.light;
    chart.style.height = at >= 0 && !paper ? "" : `${figure.layout.height}px`;
    Plotly.react(chart, structuredClone(figure.data), layoutFor(chart, figure), paper ? { ...told.config, displayModeBar: false } : told.config);
  }

  function drawAll() {
    charts.forEach(draw);
  }

  function show(number) {
    const scrolled = at;
    at = Math.max(-1, Math.min(number, slides.length - 1));
    document.body.classList.toggle("slides", at >= 0);
    slides.forEach((slide, i) => slide.classList.toggle("current", i === at));
    where.textContent = at >= 0 ? `${at + 1} / ${slides.length}` : "";
    // Left empty first, so that a figure does not hold its slide at the height that it had.
    charts.forEach((chart) => { chart.style.height = ""; if (at >= 0) Plotly.purge(chart); });
    slides.forEach((slide, i) => { if (i === at || i === scrolled) fitWords(slide); });
    drawAll();
    if (at < 0 && scrolled >= 0) slides[scrolled].scrollIntoView({ behavior: "instant" });
    if (at >= 0) slides[at].focus({ preventScroll: true });
  }

  // As large as fits beside the figures, and never too small to read.
  function fitWords(slide) {
    const words = slide.querySelector(".words");
    if (!words) return;
    words.style.fontSize = "";
    if (at < 0 || slide.classList.contains("bare")) return;
    let size = 24;
    while (size > 16 && words.scrollHeight > words.clientHeight + 1) words.style.fontSize = `${--size}px`;
  }

  function nearest() {
    if (window.scrollY < 40) return 0;
    const line = window.innerHeight / 3;
    const passed = slides.filter((slide) => slide.getBoundingClientRect().top <= line);
    return Math.max(0, passed.length - 1);
  }

  function toggle() {
    show(at >= 0 ? -1 : nearest());
  }

  const KEYS = {
    ArrowRight: () => show(at + 1), ArrowDown: () => show(at + 1), PageDown: () => show(at + 1), " ": () => show(at + 1),
    ArrowLeft: () => show(Math.max(0, at - 1)), ArrowUp: () => show(Math.max(0, at - 1)),
    PageUp: () => show(Math.max(0, at - 1)), Home: () => show(0), End: () => show(slides.length - 1),
    Escape: () => show(-1),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("summary, a")) return;
    if (event.key === "s" || event.key === "S") {
      toggle();
    } else if (at >= 0 && KEYS[event.key] && !(event.key === " " && event.target.closest("button"))) {
      event.preventDefault();
      KEYS[event.key]();
    }
  });
  document.querySelector("[data-do=toggle]").addEventListener("click", toggle);
  document.querySelector("[data-do=back]").addEventListener("click", () => show(Math.max(0, at - 1)));
  document.querySelector("[data-do=next]").addEventListener("click", () => show(at + 1));
  document.querySelector("[data-do=print]").addEventListener("click", () => window.print());

  let waiting = 0;
  window.addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => (at >= 0 ? show(at) : drawAll()), 100);
  });
  dark.addEventListener("change", drawAll);
  let before = -1;
  window.addEventListener("beforeprint", () => {
    before = at;
    paper = true;
    show(-1);
  });
  window.addEventListener("afterprint", () => {
    paper = false;
    show(before);
  });

  drawAll();
  document.body.dataset.ready = "true";
})();
