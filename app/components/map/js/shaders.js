// How points, picks and densities are drawn on the graphics card.

const POINT_SHADER = [
  `#version 300 es
  in vec2 a_pos; in float a_code; in float a_flag;
  uniform vec2 u_center, u_scale; uniform float u_size, u_alpha; uniform int u_pass;
  uniform vec3 u_dim; uniform sampler2D u_palette;
  flat out vec4 v_color; flat out float v_symbol;
  void main() {
    vec4 color = texelFetch(u_palette, ivec2(int(a_code), 0), 0);
    bool chosen = a_flag > 0.5;
    bool skip = color.a == 0.0 || (u_pass == 1 && chosen) || (u_pass == 2 && !chosen);
    gl_Position = skip ? vec4(2.0, 2.0, 2.0, 1.0) : vec4((a_pos - u_center) * u_scale, 0.0, 1.0);
    gl_PointSize = u_size;
    v_color = vec4(u_pass == 1 ? mix(color.rgb, u_dim, 0.75) : color.rgb, u_alpha);
    v_symbol = floor(texelFetch(u_palette, ivec2(int(a_code), 1), 0).r * 255.0 + 0.5);
  }`,
  `#version 300 es
  precision highp float;
  uniform sampler2D u_atlas; uniform float u_size, u_shaped;
  flat in vec4 v_color; flat in float v_symbol; out vec4 color;
  void main() {
    float cover;
    if (u_shaped > 0.5) {
      cover = texture(u_atlas, vec2((v_symbol + gl_PointCoord.x) / ${SHAPES.length}.0, gl_PointCoord.y)).r;
    } else {
      cover = clamp((0.5 - length(gl_PointCoord - 0.5)) * u_size + 0.25, 0.0, 1.0);
    }
    color = vec4(v_color.rgb, 1.0) * v_color.a * cover;
  }`,
];

const PICK_SHADER = [
  `#version 300 es
  in vec2 a_pos; in float a_round; in float a_flag;
  uniform vec2 u_center, u_scale; uniform float u_size, u_round; uniform bool u_latest, u_dimming;
  flat out float v_alpha;
  void main() {
    bool latest = a_round == u_round;
    bool skip = a_round > u_round || latest != u_latest;
    gl_Position = skip ? vec4(2.0, 2.0, 2.0, 1.0) : vec4((a_pos - u_center) * u_scale, 0.0, 1.0);
    gl_PointSize = u_size * (latest ? 1.35 : 1.0);
    v_alpha = u_dimming && a_flag < 0.5 ? 0.18 : 1.0;
  }`,
  `#version 300 es
  precision mediump float;
  uniform sampler2D u_atlas; uniform float u_symbol; uniform vec3 u_color, u_halo;
  flat in float v_alpha; out vec4 color;
  void main() {
    vec4 ink = texture(u_atlas, vec2((u_symbol + gl_PointCoord.x) / ${SHAPES.length}.0, gl_PointCoord.y));
    color = vec4(mix(u_halo, u_color, ink.r), 1.0) * max(ink.r, ink.g) * v_alpha;
  }`,
];

const DENSITY_SHADER = [
  `#version 300 es
  in vec2 a_pos; uniform vec2 u_center, u_scale; out vec2 v_at;
  void main() { v_at = a_pos; gl_Position = vec4((a_pos - u_center) * u_scale, 0.0, 1.0); }`,
  `#version 300 es
  precision mediump float;
  uniform sampler2D u_density; uniform float u_alpha; in vec2 v_at; out vec4 color;
  void main() { color = texture(u_density, v_at) * u_alpha; }`,
];
