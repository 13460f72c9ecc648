// A figure is drawn once and shown three ways: inside the report, which gives it the colours of the reader's theme, as an
// SVG file of its own, and as a PNG.

import sharp from 'sharp';
import { escapeXml } from '../../common/xml';

export interface Figure {
  /** File name without extension. */
  name: string;
  title: string;
  /** What the figure shows, for those who cannot see it. */
  description: string;
  width: number;
  height: number;
  /** SVG elements; their colours come from the classes of themeCss(). */
  body: string;
}

export interface Theme {
  paper: string;
  ink: string;
  /** Less important text. */
  soft: string;
  grid: string;
  /** Text on a filled surface. */
  on: string;
  series: readonly string[];
}

/** Okabe and Ito's colours, which people with any colour vision tell apart; in the dark their brighter relatives. */
export const LIGHT: Theme = {
  paper: '#ffffff',
  ink: '#1b1f24',
  soft: '#59636e',
  grid: '#d9dee3',
  on: '#ffffff',
  series: ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#b07d00', '#56b4e9', '#59636e', '#7b4fa3'],
};
export const DARK: Theme = {
  paper: '#15191e',
  ink: '#e8ebee',
  soft: '#a3adb8',
  grid: '#39414a',
  on: '#10151a',
  series: ['#56b4e9', '#f0894a', '#35c9a0', '#e3a0c6', '#e8bf4d', '#9fd3f5', '#b6bec7', '#b99be0'],
};
/** Lines differ in their dashes, too. */
const DASHES = ['none', '7 3', '2 3', '9 3 2 3', '4 2', '1 2', '12 4', '6 2 1 2'];
export const SERIES = LIGHT.series.length;

/** Rules for figures; `within` limits them, e.g. `.report `. */
export function themeCss({ ink, soft, grid, on, series }: Theme, within = ''): string {
  const each = series.map(
    (colour, index) =>
      `${within}.line.s${index}{stroke:${colour};stroke-dasharray:${DASHES[index] ?? 'none'}}` +
      `${within}.mark.s${index},${within}text.s${index}{fill:${colour}}`,
  );
  return [
    `${within}text{fill:${ink};font-family:system-ui,sans-serif;font-size:12px}`,
    `${within}text.soft{fill:${soft}}${within}text.on{fill:${on}}${within}text.title{font-weight:600;font-size:13px}`,
    `${within}.grid{stroke:${grid};fill:none}${within}.axis{stroke:${soft};fill:none}`,
    `${within}.line{fill:none;stroke-width:2}`,
    ...each,
  ].join('');
}

/** A name that fits beside a figure. */
export function shorten(text: string, length = 22): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}\u2026`;
}

/** A text element; `extra` are attributes. */
export function label(x: number, y: number, content: string, extra = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${extra}>${escapeXml(content)}</text>`;
}

/** For the report, whose style sheet has the theme's rules. */
export function inlineSvg({ title, description, width, height, body }: Figure): string {
  return (
    `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" ` +
    `aria-label="${escapeXml(`${title}. ${description}`)}">${body}</svg>`
  );
}

/** A file of its own, on white. */
export function standaloneSvg({ title, description, width, height, body }: Figure): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<title>${escapeXml(title)}</title><desc>${escapeXml(description)}</desc>`,
    `<style>${themeCss(LIGHT)}</style><rect width="100%" height="100%" fill="${LIGHT.paper}"/>`,
    body,
    '</svg>\n',
  ].join('\n');
}

/** Twice as large as the SVG, for slides and papers. */
export async function figurePng(figure: Figure): Promise<Buffer> {
  return sharp(Buffer.from(standaloneSvg(figure)), { density: 144 })
    .png()
    .toBuffer();
}
