// Labelled pictures that look like dermoscopy, drawn from a seed: the demonstration ships no data and needs none. They
// are made so that brightness alone does not find the lesion: it may be darker or brighter than the skin, the light falls
// off by more than the lesion stands out, and hairs, reflections, scales and instrument edges are stronger than both. What
// tells the lesion is its edge and texture; what tells the classes apart is shape and texture, never colour.

import { Random } from '../common/random';
import { drawDistractors, drawSpot, light, smoothStep, texture, type Canvas } from './synthetic-canvas';

const { abs, atan2, cos, floor, min, sin, sqrt } = Math;

/** Class names, in the order of their labels. */
export const LESION_CLASSES = ['lobulated', 'round', 'spiculated'] as const;
export type LesionClass = (typeof LESION_CLASSES)[number];

export interface SyntheticLesion {
  /** 8-bit RGB. */
  image: Uint8Array;
  /** 0 or 1. */
  mask: Uint8Array;
  width: number;
  height: number;
  lesionClass: LesionClass;
}

/** `overview` has the lesion somewhere in the picture, as for outlining; `closeUp` fills the picture, as for naming. */
export type View = 'overview' | 'closeUp';

/** Radius of the lesion in shorter sides of the picture, and how far its centre may be off the middle. */
const VIEWS: Record<View, { radius: [number, number]; offset: number }> = {
  overview: { radius: [0.19, 0.29], offset: 0.17 },
  closeUp: { radius: [0.3, 0.37], offset: 0.06 },
};

interface Lesion {
  lesionClass: LesionClass;
  centre: [number, number];
  radius: number;
  /** Distance of the edge from the centre, in radii, by direction. */
  edge: (angle: number) => number;
  /** Change of colour inside, RGB. */
  shift: number[];
  softness: number;
}

/** `count` bulges around the circle, each of its own size: 0 between two of them, up to 1 at the tip of one. */
function bulges(random: Random, count: number, shape: (distance: number) => number): (angle: number) => number {
  const sizes = Array.from({ length: count }, () => random.range(0.65, 1));
  const phase = random.next();
  return (angle) => {
    const position = (((angle / (2 * Math.PI) + phase) % 1) + 1) * count;
    const within = position - floor(position); // 0 to 1 across one bulge
    return (sizes[floor(position) % count] ?? 1) * shape(abs(2 * within - 1));
  };
}

/** The outline of a class: an ellipse, a few round lobes, or many points. */
function outline(random: Random, lesionClass: LesionClass): (angle: number) => number {
  const tilt = random.range(0, Math.PI);
  const stretch = random.range(0.02, 0.14);
  const wobble = [2, 3, 5].map((order) => ({ order, size: random.range(0.005, 0.035), phase: random.range(0, 7) }));
  const lobes = bulges(random, random.integer(4, 6), (distance) => cos((distance * Math.PI) / 2));
  const points = bulges(random, random.integer(9, 13), (distance) => (1 - distance) ** 1.2);
  return (angle) => {
    let radius = 1 + stretch * cos(2 * (angle - tilt));
    for (const { order, size, phase } of wobble) radius += size * cos(order * angle + phase);
    if (lesionClass === 'lobulated') return radius * (0.74 + 0.42 * lobes(angle));
    if (lesionClass === 'spiculated') return radius * (0.72 + 0.55 * points(angle));
    return radius;
  };
}

function drawLesion(random: Random, lesionClass: LesionClass, width: number, height: number, view: View): Lesion {
  const { radius, offset } = VIEWS[view];
  const sign = random.chance(0.55) ? -1 : 1;
  const strength = sign * random.range(44, 74);
  return {
    lesionClass,
    centre: [width * random.range(0.5 - offset, 0.5 + offset), height * random.range(0.5 - offset, 0.5 + offset)],
    radius: min(width, height) * random.range(...radius),
    edge: outline(random, lesionClass),
    shift: [0, 1, 2].map(() => strength * random.range(0.7, 1.25)),
    softness: random.range(1.2, 3.5),
  };
}

function addSpeckles(random: Random, lesion: Lesion, field: Float32Array, width: number, height: number): Float32Array {
  const canvas: Canvas = { data: new Float32Array(width * height * 3), width, height };
  const reach = lesion.radius * 1.2;
  const spacing = lesion.radius * random.range(0.12, 0.16);
  const level = lesion.shift[0]! > 0 ? 60 : -60; // the other sign would make the lesion vanish
  for (let y = -reach; y < reach; y += spacing) {
    for (let x = -reach; x < reach; x += spacing) {
      const jitter = (): number => random.range(-0.35, 0.35) * spacing;
      const centre = [lesion.centre[0] + x + jitter(), lesion.centre[1] + y + jitter()] as const;
      drawSpot(canvas, centre, spacing * random.range(0.42, 0.62), [level], 1);
    }
  }
  return field.map((value, at) => value + (canvas.data[at * 3] ?? 0) - level / 5);
}

/** Texture inside the lesion: faint clouds, round speckles, or streaks that run outwards. */
function lesionTexture(random: Random, lesion: Lesion, width: number, height: number): Float32Array {
  const clouds = texture(random, width, height, [[18, 5]]);
  if (lesion.lesionClass === 'round') return clouds;
  if (lesion.lesionClass === 'lobulated') return addSpeckles(random, lesion, clouds, width, height);
  const streaks = random.integer(8, 11);
  const phase = random.range(0, 7);
  return clouds.map((value, at) => {
    const angle = atan2(floor(at / width) - lesion.centre[1], (at % width) - lesion.centre[0]);
    return value + 34 * sin(streaks * angle + phase);
  });
}

function skin(random: Random, width: number, height: number): Canvas {
  const tone = random.next();
  const fair = [225, 178, 152];
  const dark = [128, 90, 70];
  const base = fair.map((level, band) => level + ((dark[band] as number) - level) * tone + random.range(-9, 9));
  const relief = texture(random, width, height, [
    [width / 3, 16],
    [28, 9],
    [9, 5],
    [3, 3],
  ]);
  const hue = texture(random, width, height, [[40, 7]]);
  const data = new Float32Array(width * height * 3);
  for (let at = 0; at < relief.length; at += 1) {
    const tint = hue[at] as number;
    for (let band = 0; band < 3; band += 1) {
      const shade = (relief[at] as number) + (band === 0 ? tint : -tint / 2) + random.range(-4, 4);
      data[at * 3 + band] = (base[band] as number) + shade;
    }
  }
  return { data, width, height };
}

function paintLesion(canvas: Canvas, lesion: Lesion, pattern: Float32Array): Uint8Array {
  const { data, width, height } = canvas;
  const mask = new Uint8Array(width * height);
  for (let at = 0; at < mask.length; at += 1) {
    const dx = (at % width) - lesion.centre[0];
    const dy = floor(at / width) - lesion.centre[1];
    const distance = sqrt(dx * dx + dy * dy);
    if (distance > lesion.radius * 1.8) continue; // no outline reaches further
    const inside = lesion.edge(atan2(dy, dx)) * lesion.radius - distance;
    const coverage = smoothStep(-lesion.softness, lesion.softness, inside);
    if (coverage === 0) continue;
    if (inside > 0) mask[at] = 1;
    for (let band = 0; band < 3; band += 1) {
      const index = at * 3 + band;
      data[index] = (data[index] ?? 0) + coverage * ((lesion.shift[band] ?? 0) + (pattern[at] ?? 0));
    }
  }
  return mask;
}

/** Draws picture number `index` of the set `seed`: the same arguments give the same picture. */
export function syntheticLesion(
  seed: number,
  index: number,
  lesionClass: LesionClass,
  view: View = 'overview',
): SyntheticLesion {
  const random = Random.of(seed, index);
  const width = random.integer(200, 320);
  const height = random.integer(200, 320);
  const canvas = skin(random, width, height);
  const lesion = drawLesion(random, lesionClass, width, height, view);
  const mask = paintLesion(canvas, lesion, lesionTexture(random, lesion, width, height));
  light(canvas, random);
  drawDistractors(canvas, random);
  const image = new Uint8ClampedArray(canvas.data); // rounds and clamps
  return { image: new Uint8Array(image.buffer), mask, width, height, lesionClass };
}
