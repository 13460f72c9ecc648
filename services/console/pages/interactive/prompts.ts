// What a person pointed at, and how the service is asked for it. Coordinates are pixels of the image: 0 is its left or upper
// edge, so that the centre of the first pixel is 0.5; in the API it is 0.

import type { PointPrompt, Prompts, Tensor } from '../../../console-kit/api/types';
import type { Point, Size } from '../../../console-kit/viewer/view';

export type Prompt =
  | { kind: 'point'; positive: boolean; at: Point }
  | { kind: 'box'; from: Point; to: Point }
  | { kind: 'scribble'; positive: boolean; path: readonly Point[] }
  | { kind: 'mask'; logits: Tensor };

/** Points that one scribble becomes, evenly along it. */
const SCRIBBLE_POINTS = 12;

/** Adds a prompt; a box or an earlier mask takes the place of the one before, for they describe one object. */
export function withPrompt(prompts: readonly Prompt[], added: Prompt): Prompt[] {
  const alone = added.kind === 'box' || added.kind === 'mask';
  return [...prompts.filter(({ kind }) => !alone || kind !== added.kind), added];
}

/** The request of all prompts together. */
export function requestOf(prompts: readonly Prompt[], image: Size): Prompts {
  const points: PointPrompt[] = [];
  const request: Prompts = { points, boxes: [] };
  for (const prompt of prompts) {
    if (prompt.kind === 'point') points.push(pointOf(prompt.at, prompt.positive, image));
    if (prompt.kind === 'scribble')
      points.push(...alongPath(prompt.path, SCRIBBLE_POINTS).map((at) => pointOf(at, prompt.positive, image)));
    if (prompt.kind === 'box') request.boxes.push(boxOf(prompt.from, prompt.to, image));
    if (prompt.kind === 'mask') request.maskLogits = prompt.logits;
  }
  return request;
}

function pointOf({ x, y }: Point, positive: boolean, { width, height }: Size): PointPrompt {
  const label = positive ? 'POINT_LABEL_FOREGROUND' : 'POINT_LABEL_BACKGROUND';
  return { xPx: within(x - 0.5, width - 1), yPx: within(y - 0.5, height - 1), label };
}

function boxOf(a: Point, b: Point, { width, height }: Size): Prompts['boxes'][number] {
  const [x0Px, x1Px] = side(a.x, b.x, width);
  const [y0Px, y1Px] = side(a.y, b.y, height);
  return { x0Px, y0Px, x1Px, y1Px };
}

/** Both ends of a side, the second one beyond the first. */
function side(a: number, b: number, length: number): [number, number] {
  const from = within(Math.min(a, b) - 0.5, length - 1);
  return [from, Math.max(from + 0.5, within(Math.max(a, b) - 0.5, length))];
}

const within = (value: number, most: number): number => Math.min(Math.max(value, 0), Math.max(0, most));

/** At most `count` points at equal distances along a path, its ends among them. */
export function alongPath(path: readonly Point[], count: number): Point[] {
  const lengths = [0];
  for (let at = 1; at < path.length; at += 1) {
    const [a, b] = [path[at - 1] as Point, path[at] as Point];
    lengths.push((lengths[at - 1] as number) + Math.hypot(b.x - a.x, b.y - a.y));
  }
  const total = lengths.at(-1) ?? 0;
  const [first] = path;
  if (!first || total === 0) return first ? [first] : [];
  return Array.from({ length: count }, (_, index) => {
    const wanted = (total * index) / (count - 1);
    const after = Math.max(
      1,
      lengths.findIndex((length) => length >= wanted),
    );
    const [a, b] = [path[after - 1] as Point, path[after] as Point];
    const [from, to] = [lengths[after - 1] as number, lengths[after] as number];
    const share = to === from ? 0 : (wanted - from) / (to - from);
    return { x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share };
  });
}
