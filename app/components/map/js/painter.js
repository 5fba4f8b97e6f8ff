// WebGL: programs, buffers and textures, by name.

class Painter {
  constructor(gl) {
    this.gl = gl;
    this.points = this.program(POINT_SHADER, ["a_pos", "a_code", "a_flag"]);
    this.picks = this.program(PICK_SHADER, ["a_pos", "a_round", "a_flag"]);
    this.density = this.program(DENSITY_SHADER, ["a_pos"]);
    this.buffers = {};
    this.textures = { atlas: gl.createTexture(), palette: gl.createTexture(), density: gl.createTexture(), difference: gl.createTexture() };
    this.drawAtlas();
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.fill("quad", new Uint16Array([0, 0, QUANTA, 0, 0, QUANTA, QUANTA, QUANTA]));
  }

  program([vertex, fragment], attributes) {
    const { gl } = this;
    const id = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(id, shader);
    }
    attributes.forEach((name, i) => gl.bindAttribLocation(id, i, name));
    gl.linkProgram(id);
    if (!gl.getProgramParameter(id, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(id));
    const uniforms = {};
    for (let i = 0; i < (gl.getProgramParameter(id, gl.ACTIVE_UNIFORMS) ?? 0); i++) {
      const { name } = gl.getActiveUniform(id, i);
      uniforms[name] = gl.getUniformLocation(id, name);
    }
    return { id, uniforms };
  }

  fill(name, array, target = this.gl.ARRAY_BUFFER) {
    const { gl } = this;
    this.buffers[name] ??= gl.createBuffer();
    gl.bindBuffer(target, this.buffers[name]);
    gl.bufferData(target, array, gl.DYNAMIC_DRAW);
  }

  attribute(index, name, size, type, normalized = false) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name]);
    gl.enableVertexAttribArray(index);
    gl.vertexAttribPointer(index, size, type, normalized, 0, 0);
  }

  // Red: the symbol itself. Green: the symbol with its outline.
  drawAtlas() {
    const { gl } = this;
    const size = 64;
    const canvas = node("canvas");
    [canvas.width, canvas.height] = [size * SHAPES.length, size];
    const context = canvas.getContext("2d");
    context.globalCompositeOperation = "lighter";
    context.lineJoin = "round";
    SHAPES.forEach((shape, i) => {
      context.setTransform(2.2, 0, 0, 2.2, size * (i + 0.5), size / 2);
      const path = new Path2D(pathOf(shape));
      [context.fillStyle, context.strokeStyle] = ["#f00", "#0f0"];
      context.lineWidth = 6;
      context.stroke(path);
      [context.strokeStyle, context.lineWidth] = ["#f00", 3.5];
      if (OPEN.has(i)) context.stroke(path);
      else context.fill(path);
    });
    gl.bindTexture(gl.TEXTURE_2D, this.textures.atlas);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, canvas);
    gl.generateMipmap(gl.TEXTURE_2D);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
  }

  texture(name, width, height, pixels, filter) {
    const { gl } = this;
    gl.bindTexture(gl.TEXTURE_2D, this.textures[name]);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, side, filter);
    for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
  }

  use(program, values) {
    const { gl } = this;
    gl.useProgram(program.id);
    let unit = 0;
    for (const [name, value] of Object.entries(values)) {
      const where = program.uniforms["u_" + name];
      if (!where) continue;
      if (value instanceof WebGLTexture) {
        gl.activeTexture(gl.TEXTURE0 + unit);
        gl.bindTexture(gl.TEXTURE_2D, value);
        gl.uniform1i(where, unit++);
      } else if (Array.isArray(value)) gl["uniform" + value.length + "fv"](where, value);
      else if (["pass", "latest", "dimming"].includes(name)) gl.uniform1i(where, value);
      else gl.uniform1f(where, value);
    }
    gl.activeTexture(gl.TEXTURE0);
  }
}

// How densely the points lie, in the mean color of those in a cell; hidden categories left out.
function densityPixels(xy, codes, colors, hidden, size) {
  const sums = new Float32Array(size * size * 4);
  const shift = 16 - Math.log2(size);
  for (let i = 0; i < codes.length; i++) {
    if (hidden.has(codes[i])) continue;
    const at = 4 * ((xy[2 * i + 1] >> shift) * size + (xy[2 * i] >> shift));
    const color = colors[codes[i]];
    for (let c = 0; c < 3; c++) sums[at + c] += color[c];
    sums[at + 3]++;
  }
  let most = 1;
  for (let at = 3; at < sums.length; at += 4) most = Math.max(most, sums[at]);
  const pixels = new Uint8Array(sums.length);
  for (let at = 0; at < sums.length; at += 4) {
    const count = sums[at + 3];
    if (!count) continue;
    const alpha = 0.15 + (0.75 * Math.log1p(count)) / Math.log1p(most);
    for (let c = 0; c < 3; c++) pixels[at + c] = (sums[at + c] / count) * alpha;
    pixels[at + 3] = 255 * alpha;
  }
  return pixels;
}

// 256 colors: one per category, or the steps of a ramp through the given ones and gray for points without a value.
function expand({ kind, palette }) {
  const stops = palette.map(channels);
  if (kind === "category") return Array.from({ length: 256 }, (_, i) => stops[Math.min(i, stops.length - 1)]);
  return Array.from({ length: 256 }, (_, i) => {
    if (i >= STEPS) return [154, 154, 154];
    const at = (i / (STEPS - 1)) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    return stops[low].map((c, channel) => Math.round(c + (stops[low + 1][channel] - c) * (at - low)));
  });
}

// Where one rule bought more than the other: codes from 1 to 255 with 128 for as many, the more the less transparent.
const [MORE_A, MORE_B] = [[230, 97, 1], [45, 92, 193]];

function differencePixels(codes) {
  const pixels = new Uint8Array(4 * codes.length);
  codes.forEach((code, i) => {
    const more = (code - 128) / 127;
    const alpha = more ? 0.1 + 0.8 * Math.sqrt(Math.abs(more)) : 0;
    pixels.set([...(more > 0 ? MORE_A : MORE_B).map((c) => c * alpha), 255 * alpha], 4 * i);
  });
  return pixels;
}
