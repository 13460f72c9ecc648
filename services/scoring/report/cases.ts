// The images that came out best and worst, with the true and the predicted outline on each. They show the data itself, so
// they are made only where the report may.

import sharp from 'sharp';
import { escapeXml } from '../../common/xml';
import { galleryPng, outlineLegend, type GalleryOptions, type Tile } from '../../imaging/gallery';
import { encodePicturePng, hexOf, PREDICTION_COLOUR, TRUTH_COLOUR } from '../../imaging/overlay';
import { toDisplayRgb8 } from '../../imaging/display';
import type { Pixels } from '../../imaging/pixels/pixels';
import type { ScoredSample } from '../results/assessment';
import { mostProbable } from '../metrics/metrics';

/** Longest side of a picture in the report, in pixels. */
const SIDE = 288;
const PER_ROW = 4;

export type Rank = 'worst' | 'middle' | 'best';

export interface Case {
  rank: Rank;
  name: string;
  /** What it shows, and how it came out. */
  caption: string;
  /** An SVG with the picture inside, for the report. */
  svg: string;
  /** Whether outlines are drawn on it, which a legend explains. */
  outlined: boolean;
}

/** What a picture needs besides the sample's scores; masks are structure by structure one byte per pixel. */
export interface CaseImage {
  pixels: Pixels;
  truth: Uint8Array | undefined;
  predicted: Uint8Array | undefined;
}

export interface CaseOptions {
  classes: readonly string[];
  structures: readonly string[];
  /** Pictures of each rank; worst ones may be more. */
  each?: number;
  worst?: number;
}

/** How well a sample came out: the mean Dice, or the probability of its true class. */
export function worthOf({ structures, probabilities, label }: ScoredSample): number {
  if (structures !== null) return structures.reduce((sum, { dice }) => sum + dice, 0) / Math.max(1, structures.length);
  return probabilities?.[label ?? 0] ?? 0;
}

/** Indices from the worst sample to the best. */
export function worstFirst(samples: readonly ScoredSample[]): number[] {
  return samples.map((_, index) => index).sort((a, b) => worthOf(samples[a]!) - worthOf(samples[b]!) || a - b);
}

/** Worst, middle and best samples without repeats; of few samples each belongs to the nearest rank. */
export function chooseCases(
  samples: readonly ScoredSample[],
  { each = PER_ROW, worst = each }: Pick<CaseOptions, 'each' | 'worst'> = {},
): { index: number; rank: Rank }[] {
  const order = worstFirst(samples);
  const last = Math.max(worst, order.length - each);
  const begin = Math.max(worst, Math.floor((order.length - each) / 2));
  return order.flatMap((index, place): { index: number; rank: Rank }[] => {
    if (place < worst) return [{ index, rank: 'worst' }];
    if (place >= last) return [{ index, rank: 'best' }];
    return place >= begin && place < begin + each ? [{ index, rank: 'middle' }] : [];
  });
}

/** A mask at another size, by the nearest pixel. */
function resized(mask: Uint8Array, from: { width: number; height: number }, width: number, height: number): Uint8Array {
  const result = new Uint8Array(width * height);
  for (let y = 0, at = 0; y < height; y += 1) {
    const row = Math.floor(((y + 0.5) * from.height) / height) * from.width;
    for (let x = 0; x < width; x += 1, at += 1) {
      result[at] = mask[row + Math.floor(((x + 0.5) * from.width) / width)] ?? 0;
    }
  }
  return result;
}

/** Steps along the edges of pixels: right, down, left, up. */
const STEPS = [
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
] as const;

/** Edges with foreground on their right, as bits of the corner they begin at: 1 goes right, 2 down, 4 left, 8 up. */
function directedEdges(mask: Uint8Array, width: number, height: number): Uint8Array {
  const edges = new Uint8Array((width + 1) * (height + 1));
  const filled = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] !== 0;
  const add = (x: number, y: number, bit: number): void => {
    const corner = y * (width + 1) + x;
    edges[corner] = (edges[corner] ?? 0) | bit;
  };
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (!filled(x, y)) continue;
      if (!filled(x, y - 1)) add(x, y, 1);
      if (!filled(x + 1, y)) add(x + 1, y, 2);
      if (!filled(x, y + 1)) add(x + 1, y + 1, 4);
      if (!filled(x - 1, y)) add(x, y + 1, 8);
    }
  }
  return edges;
}

/** The borders between foreground and background as the data of an SVG path: closed lines along the edges of pixels. */
export function outlinePath(mask: Uint8Array, width: number, height: number): string {
  const edges = directedEdges(mask, width, height);
  const parts: string[] = [];
  for (let corner = 0; corner < edges.length; corner += 1) {
    while (edges[corner]) {
      let [x, y] = [corner % (width + 1), Math.floor(corner / (width + 1))];
      parts.push(`M${x} ${y}`);
      for (let [turn, run] = [-1, 0]; ; run += 1) {
        const at = y * (width + 1) + x;
        const out = edges[at] ?? 0;
        const next = out === 0 ? -1 : Math.log2(out & -out);
        if (next !== turn) {
          if (turn >= 0) parts.push(`${turn % 2 === 0 ? 'h' : 'v'}${turn < 2 ? run : -run}`);
          [turn, run] = [next, 0];
        }
        if (next < 0) break;
        edges[at] = out & (out - 1);
        x += STEPS[next]![0];
        y += STEPS[next]![1];
      }
    }
  }
  return parts.join('');
}

/** Colours of Okabe and Ito; the truth is dashed, too. */
const TRUTH = { colour: hexOf(TRUTH_COLOUR), dash: 5 };
const PREDICTION = { colour: hexOf(PREDICTION_COLOUR), dash: 0 };

/** A path in a colour on a dark edge, in units of the picture's own pixels. */
function strokes(path: string, { colour, dash }: { colour: string; dash: number }, scale: number): string {
  if (path === '') return '';
  const width = (pixels: number): string => `stroke-width="${(pixels / scale).toFixed(3)}"`;
  const dashes = dash > 0 ? ` stroke-dasharray="${(dash / scale).toFixed(3)} ${(dash / 2 / scale).toFixed(3)}"` : '';
  return (
    `<g fill="none" stroke-linejoin="round" transform="scale(${scale})">` +
    `<path d="${path}" stroke="#000" stroke-opacity="0.5" ${width(3.2)}/>` +
    `<path d="${path}" stroke="${colour}" ${width(1.8)}${dashes}/></g>`
  );
}

async function caseSvg(
  { pixels }: CaseImage,
  masks: { truth: Uint8Array | undefined; predicted: Uint8Array | undefined },
  description: string,
): Promise<string> {
  const shrink = Math.min(1, SIDE / Math.max(pixels.width, pixels.height));
  const [width, height] = [pixels.width, pixels.height].map((side) => Math.max(1, Math.round(side * shrink)));
  const raw = { width: pixels.width, height: pixels.height, channels: 3 } as const;
  const png = await sharp(toDisplayRgb8(pixels), { raw }).resize(width, height, { fit: 'fill' }).png().toBuffer();
  const scale = SIDE / Math.max(width!, height!);
  const [shownWidth, shownHeight] = [Math.round(width! * scale), Math.round(height! * scale)];
  const path = (mask: Uint8Array | undefined): string =>
    mask ? outlinePath(resized(mask, pixels, width!, height!), width!, height!) : '';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${shownWidth} ${shownHeight}" width="${shownWidth}" height="${shownHeight}" role="img" aria-label="${escapeXml(description)}">`,
    `<image width="${shownWidth}" height="${shownHeight}" href="data:image/png;base64,${png.toString('base64')}"/>`,
    strokes(path(masks.truth), TRUTH, scale),
    strokes(path(masks.predicted), PREDICTION, scale),
    '</svg>',
  ].join('');
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function classCaption({ probabilities, label }: ScoredSample, classes: readonly string[]): string {
  const predicted = mostProbable(probabilities ?? []);
  const truth = classes[label ?? 0] ?? '';
  const own = percent(probabilities?.[label ?? 0] ?? 0);
  const answer = `${classes[predicted] ?? ''} (${percent(probabilities?.[predicted] ?? 0)})`;
  return predicted === label ? `${truth}, recognised (${own})` : `${truth} (${own}), taken for ${answer}`;
}

/** The best and the worst samples, drawn. */
export async function drawCases(
  samples: readonly ScoredSample[],
  read: (index: number) => Promise<CaseImage>,
  options: CaseOptions,
): Promise<Case[]> {
  return drawSamples(chooseCases(samples, options), samples, read, options);
}

/** One picture for each structure of a chosen sample; `read` gives a sample's image when its turn comes. */
export async function drawSamples(
  chosen: readonly { index: number; rank: Rank }[],
  samples: readonly ScoredSample[],
  read: (index: number) => Promise<CaseImage>,
  options: Pick<CaseOptions, 'classes' | 'structures'>,
): Promise<Case[]> {
  const found: Case[] = [];
  for (const { index, rank } of chosen) {
    const sample = samples[index]!;
    const image = await read(index);
    const size = image.pixels.width * image.pixels.height;
    const drawn = sample.structures ?? [null];
    for (const [at, scores] of drawn.entries()) {
      const part = (mask: Uint8Array | undefined): Uint8Array | undefined => mask?.subarray(at * size, (at + 1) * size);
      const structure = drawn.length > 1 ? `${options.structures[at] ?? ''}: ` : '';
      const caption =
        scores === null
          ? classCaption(sample, options.classes)
          : `${structure}Dice ${scores.dice.toFixed(3)}, IoU ${scores.iou.toFixed(3)}`;
      const outlines = scores === null ? {} : { truth: part(image.truth), predicted: part(image.predicted) };
      const description =
        scores === null
          ? `${sample.name}: ${caption}`
          : `${sample.name} with the true and the predicted outline: ${caption}`;
      const masks = { truth: undefined, predicted: undefined, ...outlines };
      const svg = await caseSvg(image, masks, description);
      found.push({ rank, name: sample.name, caption, svg, outlined: scores !== null });
    }
  }
  return found;
}

/** All cases in one PNG with their names and captions, by default a row for each rank. */
export async function casesPng(
  cases: readonly Case[],
  { columns, cell = SIDE, ranked = true }: Pick<GalleryOptions, 'columns' | 'cell'> & { ranked?: boolean } = {},
): Promise<Buffer> {
  const tiles = await Promise.all(
    cases.map(async ({ svg, name, caption, rank }): Promise<Tile> => {
      const { data, info } = await sharp(Buffer.from(svg)).removeAlpha().raw().toBuffer({ resolveWithObject: true });
      const picture = { data: new Uint8ClampedArray(data), width: info.width, height: info.height };
      return { picture, name, caption: ranked ? `${rank}: ${caption}` : caption };
    }),
  );
  if (tiles.length === 0) return encodePicturePng({ data: new Uint8ClampedArray(3), width: 1, height: 1 });
  const longest = Math.max(...(['worst', 'middle', 'best'] as const).map((rank) => count(cases, rank)));
  const legend = cases.some(({ outlined }) => outlined) ? outlineLegend(true) : [];
  return galleryPng(tiles, { columns: columns ?? Math.max(1, longest), cell, legend });
}

const count = (cases: readonly Case[], rank: Rank): number => cases.filter((each) => each.rank === rank).length;
