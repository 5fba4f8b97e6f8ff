// The bar: what stands on every page of a study, in words, and as fields that change it.

class Bar {
  // tell: takes what was changed, by name: { b }, { m }, { a }, { vs }, { round }, { seed } or { price }.
  constructor(tell) {
    this.tell = tell;
    this.fields = {
      b: this.number("Labels of this purchase", (text) => ({ b: clamp(Math.round(Number(text)), 1, this.facts.size) })),
      m: this.number("Teacher accuracy, percent", (text) => (text === "" ? { m: null } : { m: clamp(Number(text) / 100, 0, 1) })),
      price: this.number("Price of a label", (text) => ({ price: Math.max(0, Number(text)) })),
      a: this.choice("Way of choosing", "a"),
      vs: this.choice("Compared with", "vs"),
      round: this.choice("Round of purchase", "round"),
      seed: this.choice("Repetition", "seed"),
    };
    const { b, m, price, a, vs, round, seed } = this.fields;
    this.accuracyNote = node("span", { class: "note" });
    this.reset = node("button", { type: "button" }, "back to the estimate");
    this.reset.addEventListener("click", () => this.tell({ m: null }));
    this.rounds = node("span");
    this.repetition = node("span", { class: "item" }, "repetition ", seed);
    this.money = node("span");
    const item = (...parts) => node("span", { class: "item" }, ...parts);
    this.root = node("div", { class: "bar", role: "group", "aria-label": "What every page shows" }, item(b, " labels"),
      item("teacher right ", m, "% ", this.accuracyNote, this.reset), item(a, " against ", vs), item("round ", round, this.rounds),
      this.repetition, item(this.money, price, " a label"));
  }

  number(label, read) {
    const field = node("input", { type: "number", "aria-label": label, step: "any", inputmode: "decimal" });
    const take = () => {
      const change = read(field.value.trim());
      if (Object.values(change).every((value) => value === null || Number.isFinite(value))) this.tell(change);
      else this.show(this.data);
    };
    field.addEventListener("change", take);
    field.addEventListener("keydown", (event) => event.key === "Enter" && field.blur());
    return field;
  }

  choice(label, name) {
    const field = node("select", { "aria-label": label });
    const whole = name === "round" || name === "seed";
    field.addEventListener("change", () => this.tell({ [name]: whole ? Number(field.value) : field.value }));
    return field;
  }

  fill(field, options, chosen) {
    const key = JSON.stringify(options);
    if (field.dataset.options !== key) {
      field.dataset.options = key;
      field.replaceChildren(...options.map(([value, label]) => node("option", { value }, label)));
    }
    field.value = String(chosen);
  }

  // A new study, seed or round.
  show(data) {
    this.data = data;
    this.facts = data.facts;
    const { facts, options, state } = data;
    this.fill(this.fields.a, options.rules.filter(([rule]) => rule !== state.vs), state.a);
    this.fill(this.fields.vs, options.rules.filter(([rule]) => rule !== state.a), state.vs);
    this.fill(this.fields.round, options.rounds.map((round) => [round, String(round)]), facts.round);
    this.fill(this.fields.seed, options.seeds.map((seed) => [seed, String(seed)]), options.seed);
    this.repetition.hidden = options.seeds.length < 2;
    this.fields.round.hidden = facts.rounds === null;
    write(this.rounds, facts.rounds === null ? facts.round : ` of ${facts.rounds}`);
    write(this.reset, facts.teacher.low === null ? `back to ${percent(facts.teacher.used)}` : "back to the estimate");
    put(this.fields.b, { min: 1, max: facts.size });
    put(this.fields.m, { min: 0, max: 100 });
    put(this.fields.price, { min: 0 });
    for (const name of ["price", "a"]) this.fields[name].disabled = Boolean(facts.campaign); // both are the campaign's
    write(this.money, { USD: "$", EUR: "€", GBP: "£" }[facts.currency] ?? facts.currency);
    this.draw({ state, facts, accuracy: state.m ?? facts.teacher.used, moved: state.m !== null });
  }

  draw({ state, facts, accuracy, moved }) {
    const set = (field, value) => {
      if (field.getRootNode().activeElement !== field && field.value !== value) field.value = value;
    };
    set(this.fields.b, String(state.b));
    set(this.fields.m, (100 * accuracy).toFixed(1));
    set(this.fields.price, String(state.price));
    const { low, high, checked } = facts.teacher;
    const estimate = low === null ? "assumed" : `${facts.teacher.bound ? "at least, " : ""}[${(100 * low).toFixed(1)}\u2013${(100 * high).toFixed(1)}] on ${grouped(checked)} checked`;
    write(this.accuracyNote, moved ? "what if " : estimate);
    this.reset.hidden = !moved;
  }
}
