// Pictures of data with what they are beneath them, and what their colours mean above: one PNG that explains itself.

import sharp from 'sharp';
import { escapeXml } from '../common/xml';
import {
  hexOf,
  PREDICTION_COLOUR,
  PREDICTION_WORDS,
  TRUTH_COLOUR,
  TRUTH_WORDS,
  type Colour,
  type Picture,
} from './overlay';

export interface Tile {
  picture: Picture;
  /** Which image it is; of a long name the end is shown. */
  name: string;
  /** How it came out; broken into at most three lines. */
  caption: string;
}

/** What one colour of the pictures means. */
export interface LegendEntry {
  colour: Colour;
  text: string;
  /** Whether its lines are dashed. */
  dashed?: boolean;
}

export interface GalleryOptions {
  /** Side of a cell in pixels; pictures are fitted into it, aspect kept. */
  cell?: number;
  columns?: number;
  gap?: number;
  /** Above the pictures; default: none. */
  legend?: readonly LegendEntry[];
}

/** Of pictures with the two outlines; reports dash the true one. */
export const outlineLegend = (dashed: boolean): readonly LegendEntry[] => [
  { colour: TRUTH_COLOUR, text: TRUTH_WORDS, dashed },
  { colour: PREDICTION_COLOUR, text: PREDICTION_WORDS },
];

const BACKGROUND = { r: 24, g: 24, b: 28 };
const FONT_PX = 12;
const LINE_PX = 16;
/** Mean width of a character of the sans-serif fonts that systems have, pixels; of wide ones twice that. */
const CHARACTER_PX = 7;
const SWATCH_PX = 22;
const CAPTION_LINES = 3;

const isWide = (character: string): boolean =>
  /[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]/.test(character);
const widthOf = (text: string): number => [...text].reduce((sum, each) => sum + (isWide(each) ? 2 : 1), 0);

/** The end of a text that has room in so many characters. */
function endOf(text: string, room: number): string {
  const kept = [...text];
  while (kept.length > 1 && widthOf(kept.join('')) > room - 1) kept.shift();
  return widthOf(text) <= room ? text : `…${kept.join('')}`;
}

/** The beginning of a text that has room in so many characters. */
function beginOf(text: string, room: number): string {
  const kept = [...text];
  while (kept.length > 1 && widthOf(kept.join('')) > room - 1) kept.pop();
  return widthOf(text) <= room ? text : `${kept.join('')}…`;
}

/** A text broken at its blanks into lines of so many characters, at most `lines`. */
export function brokenLines(text: string, room: number, lines = CAPTION_LINES): string[] {
  const broken: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = broken.at(-1);
    if (last !== undefined && widthOf(`${last} ${word}`) <= room) broken[broken.length - 1] = `${last} ${word}`;
    else broken.push(word);
  }
  const shown = broken.slice(0, lines - 1);
  const rest = broken.slice(lines - 1).join(' ');
  return [...shown, ...(rest === '' ? [] : [rest])].map((line) => beginOf(line, room));
}

interface Layout {
  columns: number;
  cell: number;
  gap: number;
  /** Height of a picture with its text. */
  rowPx: number;
  legendPx: number;
  width: number;
  height: number;
}

const legendWidth = ({ text }: LegendEntry): number => SWATCH_PX + 6 + widthOf(text) * CHARACTER_PX + 14;

/** Where each entry of the legend begins, row by row. */
function placeLegend(legend: readonly LegendEntry[], width: number, gap: number): { x: number; row: number }[] {
  let [x, row] = [gap, 0];
  return legend.map((entry, index) => {
    if (index > 0 && x + legendWidth(entry) > width) [x, row] = [gap, row + 1];
    const place = { x, row };
    x += legendWidth(entry);
    return place;
  });
}

function text(x: number, y: number, content: string, fill: string): string {
  return `<text x="${x}" y="${y}" fill="${fill}">${escapeXml(content)}</text>`;
}

function legendSvg(legend: readonly LegendEntry[], { width, gap }: Layout): string {
  const places = placeLegend(legend, width, gap);
  return legend
    .map(({ colour, text: meaning, dashed }, index) => {
      const { x, row } = places[index]!;
      const y = gap + row * LINE_PX + LINE_PX / 2;
      const dash = dashed ? ' stroke-dasharray="5 2.5"' : '';
      return (
        `<path d="M${x} ${y}h${SWATCH_PX}" stroke="${hexOf(colour)}" stroke-width="3"${dash}/>` +
        text(x + SWATCH_PX + 6, y + 4, meaning, '#e8ebee')
      );
    })
    .join('');
}

function captionsSvg(tiles: readonly Tile[], layout: Layout): string {
  const room = Math.floor(layout.cell / CHARACTER_PX);
  return tiles
    .map(({ name, caption }, index) => {
      const { left, top } = place(index, layout);
      const lines = [endOf(name, room), ...brokenLines(caption, room)];
      const base = top + layout.cell + FONT_PX + 3;
      return lines.map((line, at) => text(left, base + at * LINE_PX, line, at === 0 ? '#a3adb8' : '#e8ebee')).join('');
    })
    .join('');
}

function place(index: number, { columns, cell, gap, rowPx, legendPx }: Layout): { left: number; top: number } {
  return {
    left: gap + (index % columns) * (cell + gap),
    top: legendPx + gap + Math.floor(index / columns) * (rowPx + gap),
  };
}

function layoutOf(
  tiles: readonly Tile[],
  { cell = 192, gap = 8, columns: wanted, legend = [] }: GalleryOptions,
): Layout {
  const columns = wanted ?? Math.max(1, Math.ceil(Math.sqrt(tiles.length)));
  const rows = Math.max(1, Math.ceil(tiles.length / columns));
  const room = Math.floor(cell / CHARACTER_PX);
  const lines = Math.max(0, ...tiles.map(({ caption }) => 1 + brokenLines(caption, room).length));
  const rowPx = cell + (lines === 0 ? 0 : lines * LINE_PX + 4);
  const width = gap + columns * (cell + gap);
  const legendRows = Math.max(-1, ...placeLegend(legend, width, gap).map(({ row }) => row)) + 1;
  const legendPx = legendRows === 0 ? 0 : legendRows * LINE_PX + gap;
  return { columns, cell, gap, rowPx, legendPx, width, height: legendPx + gap + rows * (rowPx + gap) };
}

/** Arranges pictures in a grid, row by row, on a dark ground, each with its name and caption, as one PNG. */
export async function galleryPng(tiles: readonly Tile[], options: GalleryOptions = {}): Promise<Buffer> {
  const layout = layoutOf(tiles, options);
  const { cell, width, height } = layout;
  const pictures = await Promise.all(
    tiles.map(async ({ picture }, index) => ({
      input: await sharp(picture.data, { raw: { width: picture.width, height: picture.height, channels: 3 } })
        .resize(cell, cell, { fit: 'contain', background: BACKGROUND })
        .png({ compressionLevel: 1 })
        .toBuffer(),
      ...place(index, layout),
    })),
  );
  const words =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="system-ui,sans-serif" ` +
    `font-size="${FONT_PX}">${legendSvg(options.legend ?? [], layout)}${captionsSvg(tiles, layout)}</svg>`;
  return sharp({ create: { width, height, channels: 3, background: BACKGROUND } })
    .composite([...pictures, { input: Buffer.from(words), left: 0, top: 0 }])
    .removeAlpha()
    .png()
    .toBuffer();
}
