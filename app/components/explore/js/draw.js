// Which points a rule would buy: one possible draw, steady under the hand.
//
// Every point keeps a random number u of its own (permanent random numbers), so that a small move of the budget changes
// few points. The b points with the smallest keys are drawn, where the key of a point is u/(1-u) * (1-q)/q (Pareto
// sampling; Rosén, Journal of Statistical Planning and Inference 62, 1997): exactly b points, included with probability
// q to within a fraction of a percent. The exact draw is the engine's. The threshold is found in a histogram of keys: O(N).

const BINS = 4096;

// fmix32 of MurmurHash3 over pool position and seed, in (0, 1); app/explore/payload.py does the same.
function permanentNumber(position, seed) {
  let x = (Math.imul(position, 0x9e3779b1) ^ seed) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (((x ^ (x >>> 16)) >>> 0) + 0.5) / 4294967296;
}

class Draws {
  // positions: of the points in the pool, in the game's order.
  constructor(game, positions, seed) {
    this.game = game;
    const n = (this.size = game.size);
    this.odds = new Float64Array(n); // u / (1 - u)
    for (let i = 0; i < n; i++) {
      const u = permanentNumber(positions[i], seed);
      this.odds[i] = u / (1 - u);
    }
    this.keys = new Float32Array(n);
    this.histogram = new Uint32Array(BINS);
  }

  // Places of the b points that RAD would buy, those that came in last at the end.
  rad(answer) {
    const { game, odds, keys, histogram } = this;
    const { b, level, edgeStart, edgeEnd, share, spread } = answer;
    const g = game.g;
    const end = spread > 0 ? this.size : edgeEnd;
    const whole = spread > 0 ? 0 : Math.min(edgeStart, game.above(level)); // places below it have q = level / g < 1
    histogram.fill(0);
    // A key x in [0, infinity) falls into the bin of x / (1 + x); where q = level / g, (1 - q) / q is g / level - 1.
    for (let i = 0; i < end; i++) {
      let key;
      if (i < whole) key = odds[i] * (g[i] / level - 1);
      else {
        const q = game.q(answer, i);
        key = q > 0 ? odds[i] * (1 / q - 1) : Infinity;
      }
      const t = key < Infinity ? key / (1 + key) : 1;
      keys[i] = t;
      histogram[Math.min(BINS - 1, (t * BINS) | 0)]++;
    }
    return smallest(keys, end, histogram, Math.min(b, end));
  }

  // Uniform: every point has the same q, so those with the smallest random numbers of their own come in.
  uniform(b) {
    if (!this.numbers) {
      this.numbers = Float32Array.from(this.odds, (odds) => odds / (1 + odds));
      this.counts = new Uint32Array(BINS);
      for (const u of this.numbers) this.counts[Math.min(BINS - 1, (u * BINS) | 0)]++;
    }
    if (this.lastUniform?.length !== b) this.lastUniform = smallest(this.numbers, this.size, this.counts, b);
    return this.lastUniform;
  }

  // Most informative first; points that tie come in by their random numbers.
  greedy(b) {
    const { edgeStart, edgeEnd } = this.game.greedy(b);
    const tied = Uint32Array.from({ length: edgeEnd - edgeStart }, (_, i) => edgeStart + i);
    if (tied.length > b - edgeStart) tied.sort((i, j) => this.odds[i] - this.odds[j]);
    const picks = new Uint32Array(b);
    for (let i = 0; i < edgeStart; i++) picks[i] = i;
    picks.set(tied.subarray(0, b - edgeStart), edgeStart);
    return picks;
  }

  // The most informative points among those that the teacher gets right; wrong ones once those are used up.
  oracle(b) {
    const { wrong } = this.game;
    if (!this.oracleOrder) {
      const order = new Uint32Array(this.size);
      let at = 0;
      for (const wanted of [0, 1]) for (let i = 0; i < this.size; i++) if (wrong[i] === wanted) order[at++] = i;
      this.oracleOrder = order;
    }
    return this.oracleOrder.subarray(0, b);
  }
}

// Places of the b smallest of the first `end` keys in [0, 1], ascending within the last bin, which comes last.
function smallest(keys, end, histogram, b) {
  let edge = 0;
  let before = 0;
  while (edge < BINS - 1 && before + histogram[edge] < b) before += histogram[edge++];
  const picks = new Uint32Array(b);
  const last = [];
  let at = 0;
  for (let i = 0; i < end; i++) {
    const bin = Math.min(BINS - 1, (keys[i] * BINS) | 0);
    if (bin < edge) picks[at++] = i;
    else if (bin === edge) last.push(i);
  }
  if (last.length > b - at) last.sort((i, j) => keys[i] - keys[j] || i - j);
  for (let i = 0; at < b; i++) picks[at++] = last[i];
  return picks;
}
