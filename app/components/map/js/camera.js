// Where one looks.

const MAX_ZOOM = 80;

extend(View, class {
  get size() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    return { width, height };
  }

  get home() {
    const { width, height } = this.size;
    const { right, top } = this.pool;
    const k = 0.93 * Math.min(width / Math.max(right, 1), height / Math.max(top, 1));
    return { x: right / 2, y: top / 2, k };
  }

  get eye() {
    return this.camera ?? this.home;
  }

  zoom(factor, at = null) {
    const { x, y, k } = this.eye;
    const next = clamp(k * factor, this.home.k * 0.5, this.home.k * MAX_ZOOM);
    const [qx, qy] = at ?? [x, y];
    this.camera = { x: qx + ((x - qx) * k) / next, y: qy + ((y - qy) * k) / next, k: next };
    this.tooltip.hidden = true;
    this.draw();
  }

  pan(dx, dy) {
    const { x, y, k } = this.eye;
    const { right, top } = this.pool;
    this.camera = { x: clamp(x - dx / k, 0, right), y: clamp(y + dy / k, 0, top), k };
    this.draw();
  }

  goHome() {
    this.camera = null;
    this.draw();
  }

  // From quanta to px of the stage, and from the pointer to both.
  place([x, y]) {
    const { width, height } = this.size;
    const eye = this.eye;
    return [width / 2 + (x - eye.x) * eye.k, height / 2 - (y - eye.y) * eye.k];
  }

  locate(event) {
    const box = this.stage.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const { x: cx, y: cy, k } = this.eye;
    return { x, y, at: [cx + (x - box.width / 2) / k, cy - (y - box.height / 2) / k] };
  }

  toQuanta([x, y]) {
    const { origin, scale } = this.pool;
    return [(x - origin[0]) / scale, (y - origin[1]) / scale];
  }

  toData([x, y]) {
    const { origin, scale } = this.pool;
    return [Math.fround(origin[0] + x * scale), Math.fround(origin[1] + y * scale)];
  }
});
