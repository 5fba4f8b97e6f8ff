// The pool as it arrives: codes of a few bits, layers as lists or bits, and points sorted by cell of a grid.

// Codes of all points, some bits each.
function readCodes({ bits, n }, packed) {
  const codes = new Uint8Array(n);
  const per = 8 / bits;
  for (let i = 0; i < n; i++) codes[i] = (packed[Math.floor(i / per)] >> (bits * (i % per))) & ((1 << bits) - 1);
  return codes;
}

// Positions and rounds of one layer: a list, or one bit per point of the pool where that is shorter.
function readLayer({ mask, round }, positions, rounds, n) {
  if (mask) {
    const bits = positions;
    const found = [];
    for (let i = 0; i < n; i++) if ((bits[i >> 3] >> (i & 7)) & 1) found.push(i);
    positions = Uint32Array.from(found);
  }
  return { positions, rounds: round === null ? Uint16Array.from(rounds) : new Uint16Array(positions.length).fill(round) };
}

// Points sorted by cell of a 256 x 256 grid: what lies in a rectangle is found row by row.
function buildGrid(xy, n) {
  const start = new Uint32Array(256 * 256 + 1);
  const cell = (i) => ((xy[2 * i + 1] >> 8) << 8) | (xy[2 * i] >> 8);
  for (let i = 0; i < n; i++) start[cell(i) + 1]++;
  for (let c = 0; c < 65536; c++) start[c + 1] += start[c];
  const next = start.slice();
  const order = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[next[cell(i)]++] = i;
  return { start, order };
}

function gridRows({ start }, [left, bottom, right, top]) {
  const clamp = (v) => Math.min(255, Math.max(0, Math.floor(v) >> 8));
  const rows = [];
  if (right < 0 || top < 0 || left > QUANTA || bottom > QUANTA) return rows;
  for (let row = clamp(bottom); row <= clamp(top); row++) {
    const from = start[(row << 8) | clamp(left)];
    const to = start[((row << 8) | clamp(right)) + 1];
    if (to > from) rows.push([from, to]);
  }
  return rows;
}
