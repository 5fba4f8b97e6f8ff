// This purchase in numbers: labels, money, mistakes, and what each way of choosing guarantees.

class Purchase {
  constructor() {
    const big = () => node("strong");
    const small = () => node("span", { class: "quiet" });
    this.labels = [big(), small()];
    this.cost = [big(), small()];
    this.wrong = [big(), small()];
    this.wrong[0].classList.add("wrong-text");
    this.costBox = node("div", { class: "figure cost" }, ...this.cost);
    this.bars = node("dl", { class: "bars" });
    this.unit = node("p", { class: "quiet" });
    this.rowsTitle = node("h3", {}, "Rows it would buy");
    this.rowsText = node("p", { class: "quiet" });
    this.title = node("h3", {}, "Guaranteed in the worst case");
    const { root } = panel("purchase", "This purchase", node("div", { class: "figures" }, node("div", { class: "figure labels" }, ...this.labels),
      this.costBox, node("div", { class: "figure wrongs" }, ...this.wrong)), this.title, this.bars, this.unit, this.rowsTitle, this.rowsText);
    this.root = root;
    this.rows = [];
  }

  draw({ state, facts, guarantees, mistakes, rows }) {
    this.rowsTitle.hidden = !rows.length;
    write(this.rowsText, rows.length ? `${rows.join(", ")}${state.b > rows.length ? " \u2026" : ""}, counted from 0, the most informative first` : "");
    write(this.labels[0], grouped(state.b));
    const noun = state.b === 1 ? "label" : "labels";
    const before = facts.bought ? `, after ${grouped(facts.bought)} before` : "";
    write(this.labels[1], `${noun} of ${grouped(facts.size)} for sale${before}`);
    this.costBox.hidden = !state.price;
    if (state.price) {
      write(this.cost[0], money(state.b * state.price, facts.currency));
      const all = facts.bought ? `; ${money((facts.bought + state.b) * state.price, facts.currency)} in all` : "";
      write(this.cost[1], `at ${money(state.price, facts.currency)} a label${all}${wallOf(facts.wall, state.b * state.price, state.b, facts.currency)}`);
    }
    write(this.wrong[0], mistakes.value);
    write(this.wrong[1], mistakes.note);
    this.drawBars(guarantees);
    write(this.unit, `fully informative, right labels of ${grouped(state.b)}`);
  }

  drawBars(guarantees) {
    if (this.rows.length !== guarantees.length) {
      this.rows = guarantees.map(() => {
        const fill = node("i");
        const value = node("b");
        const name = node("dt");
        return { fill, value, name, cells: [name, node("dd", {}, fill, value)] };
      });
      this.bars.replaceChildren(...this.rows.flatMap((row) => row.cells));
    }
    const most = Math.max(...guarantees.map((each) => each.value), 1e-12);
    guarantees.forEach(({ label, color, value }, i) => {
      const row = this.rows[i];
      write(row.name, label);
      write(row.value, worthOf(value));
      row.fill.style.background = color;
      row.fill.style.width = `${(58 * value) / most}%`;
    });
  }
}

// What is left below the most that may be spent. wall: { left, most, fits }, or nothing.
function wallOf(wall, cost, b, currency) {
  if (!wall) return "";
  if (b > wall.fits) return `: more than the ${money(wall.left, currency)} left; at most ${counted(wall.fits, "label")}`;
  return `; leaves ${money(Math.max(0, wall.left - cost), currency)} of ${money(wall.most, currency)}`;
}
