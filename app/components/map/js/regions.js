// Outlines: which points lie inside, as geometry.py finds them, and how they are drawn with few corners.

// The edges of a polygon, four numbers each, that a row of the grid can meet.
function edgesOf(polygon, low, high) {
  const edges = [];
  polygon.forEach(([xi, yi], i) => {
    const [xj, yj] = polygon.at(i - 1);
    if (Math.min(yi, yj) <= high && Math.max(yi, yj) > low) edges.push(xi, yi, xj, yj);
  });
  return Float64Array.from(edges);
}

// Even-odd rule; the very operations of geometry.py, in the same order, so that both find the same points.
function inside(edges, x, y) {
  let odd = false;
  for (let e = 0; e < edges.length; e += 4) {
    const yi = edges[e + 1];
    const yj = edges[e + 3];
    if (yi > y !== yj > y && x < ((edges[e + 2] - edges[e]) * (y - yi)) / (yj - yi) + edges[e]) odd = !odd;
  }
  return odd;
}

function bounds(polygon) {
  const xs = polygon.map((p) => p[0]);
  const ys = polygon.map((p) => p[1]);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

// Ramer, Douglas and Peucker: the fewest vertices that keep the outline within a tolerance.
function simplify(path, tolerance) {
  const keep = new Set([0, path.length - 1]);
  const stack = [[0, path.length - 1]];
  while (stack.length) {
    const [a, b] = stack.pop();
    const [ax, ay] = path[a];
    const [dx, dy] = [path[b][0] - ax, path[b][1] - ay];
    const length = Math.hypot(dx, dy);
    let far = tolerance;
    let at = -1;
    for (let i = a + 1; i < b; i++) {
      const [x, y] = [path[i][0] - ax, path[i][1] - ay];
      const distance = length > 0 ? Math.abs(x * dy - y * dx) / length : Math.hypot(x, y);
      if (distance > far) [far, at] = [distance, i];
    }
    if (at < 0) continue;
    keep.add(at);
    stack.push([a, at], [at, b]);
  }
  return path.filter((_, i) => keep.has(i));
}

// 1 in flags for every point that is selected once one region after the other has been added or taken away.
function selectPoints(flags, { xy, grid }, regions, toQuanta) {
  flags.fill(0);
  for (const { polygon, removes } of regions) {
    const corners = polygon.map(toQuanta);
    for (const [from, to] of gridRows(grid, bounds(corners))) {
      const low = xy[2 * grid.order[from] + 1] & ~255;
      const edges = edgesOf(corners, low, low + 255);
      for (let j = from; j < to; j++) {
        const i = grid.order[j];
        if (inside(edges, xy[2 * i], xy[2 * i + 1])) flags[i] = removes ? 0 : 1;
      }
    }
  }
  return flags.reduce((sum, flag) => sum + flag, 0);
}
