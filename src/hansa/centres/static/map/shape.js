// What a map's marks look like, for both of its hands: the worker that makes them and the page that draws them.

/** Bytes of one mark: x, y (float32, from the anchor), colour (4 x u8), size in half pixels, shape, ring, unused. */
export const MARK = 16;

/** Shapes of marks. The first eight are those of layers, in order; the others say how something is. */
export const SHAPES = ["circle", "square", "triangle", "diamond", "hexagon", "cross", "pentagon", "drop", "alarm", "watch", "hollow", "dashed", "cluster"];
export const SHAPE = Object.fromEntries(SHAPES.map((name, i) => [name, i]));

/** The colours of layers, told apart by every eye and in grey (after Okabe and Ito); light and dark. */
export const COLOURS = [
  ["#1b6f93", "#5cbbe0"],
  ["#a35a00", "#e8a33d"],
  ["#00755a", "#35c9a0"],
  ["#7a3f9d", "#c79be6"],
  ["#8a6d00", "#e3cf4a"],
  ["#a30f6c", "#f284c6"],
  ["#3d4fb0", "#93a4ff"],
  ["#4d5b31", "#b5c78a"],
];

/** Colours of a value from low to high, even in lightness (viridis, five steps). */
export const RAMP = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 144, 140],
  [93, 200, 99],
  [253, 231, 37],
];

/** The colour of a part 0..1 of the ramp. */
export function ramp(part) {
  const at = Math.max(0, Math.min(1, part)) * (RAMP.length - 1);
  const low = Math.min(RAMP.length - 2, Math.floor(at));
  return RAMP[low].map((one, i) => Math.round(one + (RAMP[low + 1][i] - one) * (at - low)));
}

/** States of a point, the worst first; `alarm` of a row, and its age, say which. */
export const STATES = ["alarm", "watch", "stale", "missing", "ok"];

export const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
