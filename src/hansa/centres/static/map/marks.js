// The marks of a picture on the graphics card: one layer of MapLibre's that draws points and heat. What it draws was
// made by the worker, so a frame costs one buffer and one call.

import { MARK } from "./shape.js";

const VERTEX = `#version 300 es
uniform mat4 matrix;
uniform float dense;
in vec2 at;
in vec4 ink;
in vec4 look;
out vec4 colour;
flat out vec4 shape;
void main() {
  gl_Position = matrix * vec4(at, 0.0, 1.0);
  gl_PointSize = look.x * 0.5 * dense + 2.0;
  colour = ink;
  shape = vec4(look.y, look.z, gl_PointSize, 0.0);
}`;

// Distances to shapes in a square from -1 to 1; the shapes are in the order of shape.js.
const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 colour;
flat in vec4 shape;
uniform vec4 edge;
uniform vec4 alarm;
uniform vec4 watch;
out vec4 to;
float sided(vec2 p, float n, float turn) {
  float a = atan(p.x, p.y) + turn;
  float part = 6.2831853 / n;
  return cos(floor(0.5 + a / part) * part - a) * length(p);
}
void main() {
  vec2 p = gl_PointCoord * 2.0 - 1.0;
  int kind = int(shape.x + 0.5);
  float px = 2.0 / shape.z;
  float d;
  if (kind == 1) d = max(abs(p.x), abs(p.y)) / 0.8;
  else if (kind == 2) d = sided(vec2(p.x, p.y - 0.15), 3.0, 0.0) / 0.5;
  else if (kind == 3) d = (abs(p.x) + abs(p.y)) / 1.0;
  else if (kind == 4) d = sided(p, 6.0, 0.0) / 0.85;
  else if (kind == 5) d = min(max(abs(p.x) / 0.36, abs(p.y) / 0.95), max(abs(p.y) / 0.36, abs(p.x) / 0.95));
  else if (kind == 6) d = sided(p, 5.0, 0.0) / 0.78;
  else if (kind == 7) d = min(length(p - vec2(0.0, 0.32)) / 0.64, p.y < 0.32 ? max(abs(p.x) / 0.62 - (p.y + 1.0) / 1.32 + 1.0, -p.y) : 9.0);
  else if (kind == 8) d = (abs(p.x) + abs(p.y)) / 1.0;
  else if (kind == 9) d = sided(vec2(p.x, p.y - 0.15), 3.0, 0.0) / 0.5;
  else d = length(p) / 0.94;
  float cover = clamp((1.0 - d) / px * 0.9, 0.0, 1.0);
  if (cover <= 0.0) discard;
  vec4 ink = vec4(colour.rgb, 1.0);
  if (kind == 10 || kind == 11) {
    float ring = smoothstep(1.0 - 5.0 * px, 1.0 - 4.0 * px, d);
    if (kind == 11 && fract((atan(p.y, p.x) + 3.1415927) / 6.2831853 * 6.0) < 0.4) ring = 0.0;
    if (ring <= 0.02) discard;
    to = vec4(ink.rgb, 1.0) * cover * ring * colour.a;
    return;
  }
  float rim = 1.0 - 2.4 * px;
  if (kind == 12) {
    int ring = int(shape.y + 0.5);
    if (ring > 0) {
      rim = max(0.76, 1.0 - 8.0 * px);
      ink = mix(ink, ring == 2 ? alarm : watch, smoothstep(rim - px, rim, d));
      ink = mix(ink, edge, smoothstep(rim - 2.5 * px, rim - 1.5 * px, d) * (1.0 - smoothstep(rim - px, rim, d)));
    } else ink = mix(ink, edge, 0.55 * smoothstep(rim - px, rim + px, d));
  } else ink = mix(ink, edge, smoothstep(rim - px, rim + px, d));
  to = vec4(ink.rgb, 1.0) * cover * colour.a;
}`;

const HEAT_VERTEX = `#version 300 es
uniform mat4 matrix;
in vec2 at;
in vec2 part;
out vec2 uv;
void main() {
  gl_Position = matrix * vec4(at, 0.0, 1.0);
  uv = part;
}`;
const HEAT_FRAGMENT = `#version 300 es
precision mediump float;
in vec2 uv;
uniform sampler2D image;
out vec4 to;
void main() {
  vec4 c = texture(image, uv);
  to = vec4(c.rgb * c.a, c.a);
}`;

/** MapLibre's matrix for Mercator, moved so that a small distance from `anchor` keeps its digits. */
function around(matrix, [x, y]) {
  const m = Float64Array.from(matrix);
  for (let i = 0; i < 4; i++) m[12 + i] += m[i] * x + m[4 + i] * y;
  return Float32Array.from(m);
}

export class MarkLayer {
  id = "marks";
  type = "custom";
  renderingMode = "2d";
  #gl = null;
  #picture = null;
  #fresh = false;
  ink = { edge: [1, 1, 1], alarm: [0.76, 0.19, 0.04], watch: [0.79, 0.52, 0] };

  /** Draw this picture of the worker's from the next frame on. */
  show(picture) {
    this.#picture = picture;
    this.#fresh = true;
  }

  onAdd(map, gl) {
    this.#gl = gl;
    this.marks = program(gl, VERTEX, FRAGMENT);
    this.heat = program(gl, HEAT_VERTEX, HEAT_FRAGMENT);
    this.buffer = gl.createBuffer();
    this.quad = gl.createBuffer();
    this.bound = gl.createVertexArray();
    gl.bindVertexArray(this.bound);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    for (const [name, size, kind, offset, even] of [["at", 2, gl.FLOAT, 0, false], ["ink", 4, gl.UNSIGNED_BYTE, 8, true], ["look", 4, gl.UNSIGNED_BYTE, 12, false]]) {
      const place = gl.getAttribLocation(this.marks, name);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, size, kind, even, MARK, offset);
    }
    this.boundQuad = gl.createVertexArray();
    gl.bindVertexArray(this.boundQuad);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.quad);
    for (const [name, offset] of [["at", 0], ["part", 8]]) {
      const place = gl.getAttribLocation(this.heat, name);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, 2, gl.FLOAT, false, 16, offset);
    }
    gl.bindVertexArray(null);
    this.textures = [];
    this.#fresh = true;
  }

  onRemove(_, gl) {
    for (const one of this.textures) gl.deleteTexture(one);
    for (const one of [this.buffer, this.quad]) gl.deleteBuffer(one);
    for (const one of [this.marks, this.heat]) gl.deleteProgram(one);
    for (const one of [this.bound, this.boundQuad]) gl.deleteVertexArray(one);
  }

  render(gl, args) {
    const made = this.#picture;
    if (!made) return;
    if (this.#fresh) this.#upload(gl, made);
    gl.disable(gl.DEPTH_TEST);
    gl.disable(gl.STENCIL_TEST);
    gl.disable(gl.CULL_FACE);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    const matrix = args.defaultProjectionData.mainMatrix;
    if (made.heats.length) {
      gl.useProgram(this.heat);
      gl.bindVertexArray(this.boundQuad);
      made.heats.forEach((one, i) => {
        const anchor = [one.x0, one.y0];
        gl.uniformMatrix4fv(gl.getUniformLocation(this.heat, "matrix"), false, around(matrix, anchor));
        const [w, h] = [one.x1 - one.x0, one.y1 - one.y0];
        gl.bindBuffer(gl.ARRAY_BUFFER, this.quad);
        gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, 0, 0, 0, w, 0, 1, 0, 0, h, 0, 1, w, h, 1, 1]), gl.DYNAMIC_DRAW);
        gl.activeTexture(gl.TEXTURE0);
        gl.bindTexture(gl.TEXTURE_2D, this.textures[i]);
        gl.uniform1i(gl.getUniformLocation(this.heat, "image"), 0);
        gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
      });
    }
    if (made.count) {
      gl.useProgram(this.marks);
      gl.bindVertexArray(this.bound);
      gl.uniformMatrix4fv(gl.getUniformLocation(this.marks, "matrix"), false, around(matrix, made.anchor));
      gl.uniform1f(gl.getUniformLocation(this.marks, "dense"), devicePixelRatio || 1);
      for (const name of ["edge", "alarm", "watch"]) gl.uniform4f(gl.getUniformLocation(this.marks, name), ...this.ink[name], 1);
      gl.drawArrays(gl.POINTS, 0, made.count);
    }
    gl.bindVertexArray(null);
  }

  #upload(gl, made) {
    this.#fresh = false;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    gl.bufferData(gl.ARRAY_BUFFER, new Uint8Array(made.buffer), gl.DYNAMIC_DRAW);
    made.heats.forEach((one, i) => {
      this.textures[i] ??= gl.createTexture();
      gl.bindTexture(gl.TEXTURE_2D, this.textures[i]);
      gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
      gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, one.wide, one.high, 0, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(one.image));
      for (const [name, value] of [["MIN_FILTER", "LINEAR"], ["MAG_FILTER", "LINEAR"], ["WRAP_S", "CLAMP_TO_EDGE"], ["WRAP_T", "CLAMP_TO_EDGE"]]) gl.texParameteri(gl.TEXTURE_2D, gl[`TEXTURE_${name}`], gl[value]);
    });
  }
}

function program(gl, vertex, fragment) {
  const made = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(made));
  return made;
}
