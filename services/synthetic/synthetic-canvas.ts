// Drawing for the synthetic pictures: smooth noise, light, and the things that lie in the way.

import type { Random } from '../common/random';

// Taken out of the object once: the loops below call them millions of times.
const { ceil, cos, floor, max, min, sin, sqrt } = Math;

/** Float RGB on the 0-255 scale, rows from the top. */
export interface Canvas {
  data: Float32Array;
  width: number;
  height: number;
}

const smooth = (t: number): number => t * t * (3 - 2 * t);

export function smoothStep(low: number, high: number, value: number): number {
  const t = (value - low) / (high - low);
  return t <= 0 ? 0 : t >= 1 ? 1 : smooth(t);
}

/** Smoothly interpolated lattice noise in [-1, 1] with features about `cell` pixels wide. */
export function noiseField(random: Random, width: number, height: number, cell: number): Float32Array {
  const columns = ceil(width / cell) + 2;
  const lattice = Float32Array.from({ length: columns * (ceil(height / cell) + 2) }, () => random.range(-1, 1));
  const field = new Float32Array(width * height);
  // Weights along a row are the same for every row.
  const weights = Float32Array.from({ length: width }, (_, x) => smooth(x / cell - floor(x / cell)));
  for (let y = 0; y < height; y += 1) {
    const row = floor(y / cell);
    const ty = smooth(y / cell - row);
    for (let x = 0; x < width; x += 1) {
      const at = row * columns + floor(x / cell);
      const tx = weights[x] as number;
      const top = (lattice[at] as number) * (1 - tx) + (lattice[at + 1] as number) * tx;
      const bottom = (lattice[at + columns] as number) * (1 - tx) + (lattice[at + columns + 1] as number) * tx;
      field[y * width + x] = top * (1 - ty) + bottom * ty;
    }
  }
  return field;
}

/** Sum of noise fields; `octaves` lists [cell, amplitude]. */
export function texture(random: Random, width: number, height: number, octaves: [number, number][]): Float32Array {
  const sum = new Float32Array(width * height);
  for (const [cell, amplitude] of octaves) {
    const field = noiseField(random, width, height, cell);
    for (let at = 0; at < sum.length; at += 1) sum[at] = (sum[at] as number) + (field[at] as number) * amplitude;
  }
  return sum;
}

export function blend(canvas: Canvas, at: number, colour: readonly number[], opacity: number): void {
  const { data } = canvas;
  for (let band = 0; band < 3; band += 1) {
    const index = at * 3 + band;
    data[index] = (data[index] ?? 0) * (1 - opacity) + (colour[band] ?? 0) * opacity;
  }
}

/** A soft-edged disc. */
export function drawSpot(
  canvas: Canvas,
  centre: readonly [number, number],
  radius: number,
  colour: readonly number[],
  opacity: number,
): void {
  const { width, height } = canvas;
  const [cx, cy] = centre;
  for (let y = max(0, floor(cy - radius)); y <= min(height - 1, cy + radius); y += 1) {
    for (let x = max(0, floor(cx - radius)); x <= min(width - 1, cx + radius); x += 1) {
      const distance = sqrt((x - cx) ** 2 + (y - cy) ** 2);
      if (distance < radius) blend(canvas, y * width + x, colour, opacity * smoothStep(radius, radius * 0.4, distance));
    }
  }
}

/** A dark hair: a quadratic curve from edge to edge that tapers. */
function drawHair(canvas: Canvas, random: Random): void {
  const { width, height } = canvas;
  const reach = max(width, height);
  const start = [random.range(0, width), random.range(0, height)] as const;
  const angle = random.range(0, 2 * Math.PI);
  const length = random.range(0.25, 0.9) * reach;
  const bend = random.range(-0.35, 0.35) * length;
  const end = [start[0] + cos(angle) * length, start[1] + sin(angle) * length] as const;
  const middle = [(start[0] + end[0]) / 2 - sin(angle) * bend, (start[1] + end[1]) / 2 + cos(angle) * bend] as const;
  const thickness = random.range(1, 2.1);
  const colour = [random.range(15, 70), random.range(10, 50), random.range(8, 40)];
  const steps = ceil(length * 1.2);
  for (let step = 0; step <= steps; step += 1) {
    const t = step / steps;
    const [a, b, c] = [(1 - t) ** 2, 2 * t * (1 - t), t * t];
    const x = a * start[0] + b * middle[0] + c * end[0];
    const y = a * start[1] + b * middle[1] + c * end[1];
    drawSpot(canvas, [x, y], thickness * (1.25 - 0.6 * t), colour, 0.75);
  }
}

/** Tick marks along one edge, as on a dermoscope's scale. */
function drawRuler(canvas: Canvas, random: Random): void {
  const { width, height } = canvas;
  const horizontal = random.chance(0.5);
  const far = random.chance(0.5);
  const spacing = random.range(7, 13);
  const colour = [30, 30, 40];
  const extent = horizontal ? width : height;
  for (let index = 0; index * spacing < extent; index += 1) {
    const length = index % 5 === 0 ? 14 : 7;
    const along = Math.round(index * spacing);
    for (let depth = 0; depth < length; depth += 1) {
      const across = far ? (horizontal ? height : width) - 1 - depth : depth;
      const [x, y] = horizontal ? [along, across] : [across, along];
      if (x < width && y < height) blend(canvas, y * width + x, colour, 0.8);
    }
  }
}

/** Small blown-out reflections. */
function drawHighlights(canvas: Canvas, random: Random): void {
  const count = random.integer(1, 9);
  for (let index = 0; index < count; index += 1) {
    const centre = [random.range(0, canvas.width), random.range(0, canvas.height)] as const;
    drawSpot(canvas, centre, random.range(1.5, 6), [252, 252, 250], random.range(0.6, 0.95));
  }
}

/** The round field of view of an instrument, black outside. */
function drawFieldOfView(canvas: Canvas, random: Random): void {
  const { width, height } = canvas;
  const radius = random.range(0.54, 0.66) * min(width, height) + 0.08 * max(width, height);
  const [cx, cy] = [width * random.range(0.46, 0.54), height * random.range(0.46, 0.54)];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const opacity = smoothStep(radius - 3, radius + 3, sqrt((x - cx) ** 2 + (y - cy) ** 2));
      if (opacity > 0) blend(canvas, y * width + x, [6, 5, 7], opacity);
    }
  }
}

/** Hairs, reflections, scales and instrument edges over the finished picture. */
export function drawDistractors(canvas: Canvas, random: Random): void {
  if (random.chance(0.65)) {
    const hairs = random.integer(1, 11);
    for (let hair = 0; hair < hairs; hair += 1) drawHair(canvas, random);
  }
  if (random.chance(0.6)) drawHighlights(canvas, random);
  if (random.chance(0.3)) drawRuler(canvas, random);
  if (random.chance(0.35)) drawFieldOfView(canvas, random);
}

/** Multiplies by uneven light: a slope in a random direction and a fall-off towards the corners. */
export function light(canvas: Canvas, random: Random): void {
  const { data, width, height } = canvas;
  const angle = random.range(0, 2 * Math.PI);
  const slope = random.range(0.28, 0.55);
  const [alongX, alongY] = [slope * cos(angle), slope * sin(angle)];
  const falloff = random.range(0.05, 0.4);
  const gain = random.range(0.85, 1.1);
  for (let y = 0; y < height; y += 1) {
    const v = (2 * y) / height - 1;
    for (let x = 0; x < width; x += 1) {
      const u = (2 * x) / width - 1;
      const factor = gain * (1 + alongX * u + alongY * v - (falloff * (u * u + v * v)) / 2);
      const at = (y * width + x) * 3;
      for (let band = 0; band < 3; band += 1) data[at + band] = (data[at + band] ?? 0) * factor;
    }
  }
}
