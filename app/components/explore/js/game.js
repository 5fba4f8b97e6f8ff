// The max-min game between the buyer of labels and an adversary who decides where the teacher errs, as
// rad_core.selection.game solves it, for a pool that is sorted once: every answer after that is a few bisections over
// prefix sums, so that it can follow a hand.
//
// The buyer picks a cap: q_i = min(1, cap / g_i) from the most informative point down, until the budget b is spent. The
// adversary picks a waterline: it corrupts point i with probability 1 - waterline / g_i from the top down, until its k
// mistakes are spent.

const SLACK = 1e-12; // relative, of comparisons between prefix sums: rounding must not split a group of equal gains

class Game {
  // gains: Float64Array, descending, from 0 on. wrong: a number for each (0 right, 1 wrong), or null where nobody knows.
  constructor(gains, wrong = null) {
    const n = (this.size = gains.length);
    this.g = gains;
    this.count = descendingAbove(gains, n, 0); // positive gains
    this.worth = new Float64Array(n + 1); // sums of the j largest gains
    this.h = new Float64Array(this.count + 1); // sums of 1/g over the j largest gains
    for (let i = 0; i < n; i++) this.worth[i + 1] = this.worth[i] + gains[i];
    for (let i = 0; i < this.count; i++) this.h[i + 1] = this.h[i] + 1 / gains[i];
    this.wrong = wrong;
    if (wrong) {
      this.wrongs = new Float64Array(n + 1);
      this.wrongH = new Float64Array(this.count + 1);
      for (let i = 0; i < n; i++) this.wrongs[i + 1] = this.wrongs[i] + wrong[i];
      for (let i = 0; i < this.count; i++) this.wrongH[i + 1] = this.wrongH[i] + wrong[i] / gains[i];
    }
  }

  // Number of positive gains > level.
  above(level) {
    return descendingAbove(this.g, this.count, level);
  }

  // Half-open range of the places whose gain equals that of place i.
  ties(i) {
    const level = this.g[i];
    return [this.above(level), first(i, this.count, (j) => this.g[j] < level)];
  }

  // b: labels bought, 1 <= b <= N. k: points on which the teacher may be wrong, at most N.
  solve(b, k) {
    if (k >= this.count) return this.hopeless(b, k);
    const levels = this.closedForm(b, k) ?? this.boxed(b, k);
    return { b, k, cap: levels.cap, waterline: levels.waterline, ...this.purchase(levels, b, k), ...this.corruption(levels, k) };
  }

  // The adversary can corrupt everything that is worth anything: no rule guarantees more than 0.
  hopeless(b, k) {
    const buyer = { level: 0, edge: Infinity, edgeStart: 0, edgeEnd: 0, share: 0, spread: b / this.size };
    return { b, k, cap: 0, waterline: 0, value: 0, support: this.size, ...buyer, attacked: this.count, attackStart: this.count, attackShare: 1 };
  }

  // Levels where no q_i would exceed 1: K = argmax (j - k) / H_j, of several the largest.
  closedForm(b, k) {
    const { g, h } = this;
    const count = first(0, this.count, (j) => j - k > (1 + SLACK) * h[j] * g[j]);
    const cap = b / h[count];
    if (cap > g[count - 1] * (1 + SLACK)) return null;
    return { cap, waterline: (count - k) / h[count], capped: count, bought: count };
  }

  // Levels where some points are bought for certain: bisect the concave F(cap) over its breakpoints.
  boxed(b, k) {
    const { g } = this;
    const j = first(0, this.count, (i) => this.slope(g[i], b, k) > 0);
    const h = this.h[j];
    const high = Math.min(g[j - 1], b / h);
    let waterline = (j - k) / h;
    const bought = Math.max(j, this.above(waterline));
    const cap = (b - (bought - j)) / h;
    if (cap <= high) return { cap, waterline, capped: j, bought };
    // The cap stops at the gain of a point that is then attacked only in part; the waterline is the gain of the last
    // point that the budget reaches, and 0 if it reaches them all.
    const rest = b - high * h;
    const tolerance = SLACK * b;
    const last = j + Math.ceil(rest - tolerance) - 1;
    waterline = last < this.count ? Math.min(waterline, g[last]) : 0;
    return { cap: high, waterline, capped: j, bought: Math.min(this.count, j + Math.floor(rest + tolerance)) };
  }

  // Right-hand derivative of F at a cap that is one of the gains.
  slope(cap, b, k) {
    const { g, h } = this;
    let j = this.above(cap);
    let last;
    if (cap * h[j] >= b) {
      j = first(0, j, (s) => cap * (h[s] + 1 / g[s]) >= b);
      last = j;
    } else last = j + Math.ceil(b - cap * h[j]) - 1;
    return j - k - h[j] * (last < this.count ? g[last] : 0);
  }

  // Value, support and q; the last, partly served group of equal gains shares what is left of the budget.
  purchase({ cap, capped: j, bought }, b, k) {
    const { g, h, count } = this;
    const spent = cap * h[j] + (bought - j);
    const end = Math.max(j, bought);
    const total = cap * Math.min(j, bought) + (this.worth[end] - this.worth[j]);
    if (bought < count) {
      const last = b - spent > SLACK * b ? bought : bought - 1;
      const [edgeStart, edgeEnd] = this.ties(last);
      const rest = b - cap * h[Math.min(edgeStart, j)] - Math.max(0, edgeStart - j);
      const share = Math.min(1, Math.max(0, rest / (edgeEnd - edgeStart)));
      const value = Math.max(0, total + (b - spent) * g[bought] - k * cap);
      return { value, support: edgeEnd, level: cap, edge: g[last], edgeStart, edgeEnd, share, spread: 0 };
    }
    const edge = g[count - 1];
    const [edgeStart, edgeEnd] = this.ties(count - 1);
    const filled = { level: cap, edge, edgeStart, edgeEnd, share: Math.min(1, cap / edge) };
    const value = Math.max(0, total - k * cap);
    const leftover = Math.max(0, b - spent);
    if (leftover <= SLACK * b) return { value, support: count, ...filled, spread: 0 };
    // No gain is left to buy: what is left of the budget fills the room that is left, evenly.
    const room = j - cap * h[j] + this.size - count;
    return { value, support: this.size, ...filled, spread: room > 0 ? Math.min(1, leftover / room) : 0 };
  }

  // The attack; the last group of equal gains shares what is left of the k mistakes.
  corruption({ waterline, capped }, k) {
    const [start, end] = this.ties(capped - 1);
    const edge = this.g[capped - 1];
    const share = (k - (start - waterline * this.h[start])) / (end - start);
    return { attacked: end, attackStart: start, attackShare: Math.max(0, Math.min(1 - waterline / edge, share)) };
  }

  // Probability with which an answer buys the point at place i.
  q(answer, i) {
    let q = 0;
    if (i < answer.edgeStart) q = Math.min(1, answer.level / this.g[i]);
    else if (i < answer.edgeEnd) q = answer.share;
    return q + (1 - q) * answer.spread;
  }

  // Probability with which the adversary of an answer corrupts the point at place i.
  attack(answer, i) {
    if (i < answer.attackStart) return answer.waterline > 0 ? Math.max(0, 1 - answer.waterline / this.g[i]) : 1;
    return i < answer.attacked ? answer.attackShare : 0;
  }

  // Expected wrong labels among those that an answer buys, where it is known which labels are wrong.
  wrongOf(answer) {
    const { wrongs, wrongH } = this;
    const whole = Math.min(answer.edgeStart, this.above(answer.level)); // q = level / g below 1
    const sure = wrongs[answer.edgeStart] - wrongs[whole];
    const tied = answer.share * (wrongs[answer.edgeEnd] - wrongs[answer.edgeStart]);
    const bought = answer.level * wrongH[whole] + sure + tied;
    return bought + answer.spread * (wrongs[this.size] - bought);
  }

  // Expected wrong labels among those that an answer buys, if the adversary of that answer decides where they are.
  worstWrong(answer) {
    let sum = 0;
    for (let i = 0; i < answer.attacked; i++) sum += this.q(answer, i) * this.attack(answer, i);
    return sum;
  }

  // ------------------------------------------------------------------------------------------------ the other rules

  uniformValue(b, k) {
    return (b / this.size) * (this.worth[this.size] - this.worth[Math.min(k, this.size)]);
  }

  uniformWrong(b) {
    return (b / this.size) * this.wrongs[this.size];
  }

  // Most informative first; points that tie with the last one bought share what is left of the budget.
  greedy(b) {
    const edge = this.g[b - 1];
    const edgeStart = descendingAbove(this.g, this.size, edge);
    const edgeEnd = first(b - 1, this.size, (j) => this.g[j] < edge);
    return { edge, edgeStart, edgeEnd, share: (b - edgeStart) / (edgeEnd - edgeStart) };
  }

  greedyValue(b, k) {
    const { edge, edgeStart, edgeEnd, share } = this.greedy(b);
    const lost = Math.min(k, edgeStart);
    return this.worth[edgeStart] - this.worth[lost] + share * edge * Math.max(0, edgeEnd - edgeStart - (k - lost));
  }

  greedyWrong(b) {
    const { edgeStart, edgeEnd, share } = this.greedy(b);
    return this.wrongs[edgeStart] + share * (this.wrongs[edgeEnd] - this.wrongs[edgeStart]);
  }
}

// The first place in [lo, hi) from which on a condition holds, else hi.
function first(lo, hi, holds) {
  while (lo < hi) {
    const middle = (lo + hi) >> 1;
    if (holds(middle)) hi = middle;
    else lo = middle + 1;
  }
  return lo;
}

// Of the first `end` of some descending numbers, how many lie above a level.
function descendingAbove(numbers, end, level) {
  let lo = 0;
  while (lo < end) {
    const middle = (lo + end) >> 1;
    if (numbers[middle] > level) lo = middle + 1;
    else end = middle;
  }
  return lo;
}

// On how many of n points a teacher of this accuracy may be wrong: floor((1 - m) n), as rad_core counts it.
function wrongCount(n, accuracy) {
  return Math.min(n, Math.floor((1 - accuracy) * n + 1e-9 * Math.sqrt(Math.max(1, n))));
}
