// Grayscale Softcopy Presentation State (PS3.3 A.33.1): outlines of what was drawn over the images themselves, which stay as they are.

import { checkMasks, checkSeries } from '../content/checks';
import { contentDigest, drawnFrames, lookedAt, type DrawnFrame } from '../content/drawn-frames';
import { termsOf, type NamedTerm } from '../content/terms';
import { colourOf, dicomLab } from '../segmentation/colours';
import { labelOf } from '../segmentation/segments';
import { ascii, LONG_STRING } from '../shared/ascii';
import { RESEARCH } from '../shared/identity';
import { resultObject } from '../shared/object';
import { frameItem, referencedSeries } from '../shared/references';
import { sideElements } from '../source/carried';
import type { DrawnMasks, ResultContext, ResultObject, SourceImage } from '../types';
import type { Elements } from '../write/elements';
import { outlinesOf, type Corner } from './outline';

export const PRESENTATION_STORAGE = '1.2.840.10008.5.1.4.1.1.11.1';
const SERIES_NUMBER = 9005;
/** So that the coordinates of one object fit the 16 bits of FL's length. */
const MAX_POINTS = 8000;

const layerOf = (segment: number): string => `SEGMENT ${segment}`;

/** Pieces that a viewer joins: each begins where the one before ends. */
function pieces(outline: readonly Corner[]): Corner[][] {
  const count = Math.ceil((outline.length - 1) / (MAX_POINTS - 1));
  return Array.from({ length: count }, (_, at) =>
    outline.slice(at * (MAX_POINTS - 1), (at + 1) * (MAX_POINTS - 1) + 1),
  );
}

const graphic = (points: readonly Corner[]): Elements => ({
  '00700005': ['CS', 'PIXEL'],
  '00700020': ['US', [2]],
  '00700021': ['US', [points.length]],
  '00700022': ['FL', points.flat()],
  '00700023': ['CS', 'POLYLINE'],
  '00700024': ['CS', 'N'],
});

const annotation = ({ source, segment, mask }: DrawnFrame): Elements => ({
  '00081140': ['SQ', [frameItem(source.image, source.reference)]],
  '00700002': ['CS', layerOf(segment)],
  '00700009': ['SQ', outlinesOf(mask, source.image.columns).flatMap(pieces).map(graphic)],
});

const layer = (term: NamedTerm, at: number): Elements => ({
  '00700002': ['CS', layerOf(at + 1)],
  '00700062': ['IS', String(at + 1)],
  '00700068': ['LO', labelOf(term)],
  '00700401': ['US', dicomLab(colourOf(term.colour, at))],
});

/** The whole of each image. */
const displayedArea = ({ columns, rows }: SourceImage): Elements => ({
  '0070005a': [
    'SQ',
    [
      {
        '00700052': ['SL', [1, 1]],
        '00700053': ['SL', [columns, rows]],
        '00700100': ['CS', 'SCALE TO FIT'],
        '00700101': ['DS', '1\\1'],
      },
    ],
  ],
});

/**
 * For grey images: of colour images there are no grayscale presentation states, and receivers refuse them.
 * @returns nothing where nothing was drawn at all
 * @throws ResultError (TERMS, CONTENT, SOURCE)
 */
export function presentationObject(context: ResultContext, masks: DrawnMasks): ResultObject | undefined {
  const { model, series } = context;
  const [first] = checkSeries(series);
  checkMasks(series, masks);
  const names = masks.structures.map(({ name }) => name);
  const terms = termsOf(model, names);
  const sources = lookedAt(series, masks);
  const drawn = drawnFrames(sources, masks);
  const image = sources[0]?.image;
  if (drawn.length === 0 || !image) return undefined;
  const images = drawn.map(({ source }) => source.image);
  return resultObject(context, first, {
    kind: 'presentation',
    sopClassUid: PRESENTATION_STORAGE,
    modality: 'PR',
    seriesNumber: SERIES_NUMBER,
    title: 'Outlines',
    contentTime: ['00700082', '00700083'],
    digest: contentDigest(sources, drawn, names),
    elements: {
      ...referencedSeries(images, '00081140'),
      ...displayedArea(image),
      ...sideElements(first.carried),
      '00700001': ['SQ', drawn.map(annotation)],
      '00700060': ['SQ', terms.map(layer)],
      '00700080': ['CS', 'OUTLINES'],
      '00700081': ['LO', ascii(`Drawn by ${model.name} v${model.version}, ${RESEARCH}`, LONG_STRING)],
      '00700084': ['PN', ''],
      '20500020': ['CS', 'IDENTITY'],
    },
  });
}
