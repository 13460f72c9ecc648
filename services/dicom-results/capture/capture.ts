// Secondary Capture (PS3.3 A.8.1): the picture of an image with what was drawn on it burned in, for receivers that take no segmentation.

import { drawMasks } from '../../imaging/overlay';
import type { Pixels } from '../../imaging/pixels/pixels';
import { checkMasks, checkSeries } from '../content/checks';
import { contentDigest, drawnFrames, lookedAt, type DrawnFrame, type LookedAt } from '../content/drawn-frames';
import { termsOf, type NamedTerm } from '../content/terms';
import { ResultError } from '../errors';
import { colourOf } from '../segmentation/colours';
import { lossyElements } from '../segmentation/image-elements';
import { labelOf } from '../segmentation/segments';
import { ascii, LONG_STRING } from '../shared/ascii';
import { RESEARCH } from '../shared/identity';
import { resultObject } from '../shared/object';
import { frameItem } from '../shared/references';
import { dateAndTime } from '../shared/times';
import { chosen, sideElements } from '../source/carried';
import type { DrawnMasks, FrameReference, ResultContext, ResultObject } from '../types';
import { decimals } from '../write/decimal';
import { codeItem, type Elements } from '../write/elements';

export const CAPTURE_STORAGE = '1.2.840.10008.5.1.4.1.1.7';
const SERIES_NUMBER = 9004;
/** CID 7202 and 7203. */
const PURPOSE = { value: '121322', scheme: 'DCM', meaning: 'Source image for image processing operation' };

/** Longest value of ST. */
const SHORT_TEXT = 1024;

function sourceElements({ image, reference, plane }: LookedAt): Elements {
  const source = { ...frameItem(image, reference), '0040a170': ['SQ', [codeItem(PURPOSE)]] as const };
  const spacing = plane?.spacing ?? image.spacing;
  return {
    '00082112': ['SQ', [source]],
    '00200020': ['CS', ''],
    ...chosen(image.carried, '00200020'),
    ...sideElements(image.carried),
    ...lossyElements(image),
    ...(spacing ? { '00280030': ['DS', decimals(spacing)] as const } : {}),
  };
}

function pictureElements(
  pixels: Pixels,
  { image }: LookedAt,
  drawn: readonly DrawnFrame[],
  terms: readonly NamedTerm[],
): Elements {
  const { rows, columns } = image;
  if (pixels.width !== columns || pixels.height !== rows) {
    throw new ResultError(
      'CONTENT',
      `The picture is ${pixels.width} x ${pixels.height}, its image ${columns} x ${rows}.`,
    );
  }
  const { data } = drawMasks(
    pixels,
    drawn.map(({ mask, segment }) => ({ mask, colour: colourOf(terms[segment - 1]?.colour, segment - 1) })),
  );
  return {
    '00280002': ['US', [3]],
    '00280004': ['CS', 'RGB'],
    '00280006': ['US', [0]],
    '00280010': ['US', [rows]],
    '00280011': ['US', [columns]],
    '00280100': ['US', [8]],
    '00280101': ['US', [8]],
    '00280102': ['US', [7]],
    '00280103': ['US', [0]],
    '00280301': ['CS', 'YES'],
    '7fe00010': ['OB', new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
  };
}

/**
 * One picture for each image or frame on which anything was drawn, in colours of the structures: one after the other, for all of a
 * study are hundreds of megabytes.
 * @param display what a display shows of a frame, in the pixels of its image
 * @throws ResultError (TERMS, CONTENT, SOURCE); what `display` rejects with
 */
export async function* captureObjects(
  context: ResultContext,
  masks: DrawnMasks,
  display: (frame: FrameReference) => Promise<Pixels>,
): AsyncGenerator<ResultObject> {
  const { model, series, created } = context;
  const [first] = checkSeries(series);
  checkMasks(series, masks);
  const names = masks.structures.map(({ name }) => name);
  const terms = termsOf(model, names);
  const sources = lookedAt(series, masks);
  const drawn = drawnFrames(sources, masks);
  const { date, time } = dateAndTime(created, first.carried);
  for (const [at, source] of sources.entries()) {
    const own = drawn.filter((frame) => frame.at === at);
    if (own.length === 0) continue;
    const shown = own.flatMap(({ segment }) => terms[segment - 1] ?? []).map(labelOf);
    yield resultObject(context, first, {
      kind: 'capture',
      sopClassUid: CAPTURE_STORAGE,
      modality: 'OT',
      seriesNumber: SERIES_NUMBER,
      instanceNumber: at + 1,
      title: 'Overlay',
      digest: contentDigest([source], own, names),
      elements: {
        '00080008': ['CS', 'DERIVED\\SECONDARY'],
        '00080064': ['CS', 'WSD'],
        '00082111': ['ST', ascii(`${shown.join(', ')} as drawn by ${model.name} v${model.version}`, SHORT_TEXT)],
        '00181012': ['DA', date],
        '00181014': ['TM', time],
        '00181016': ['LO', ascii(`Automed, ${RESEARCH}`, LONG_STRING)],
        '00204000': ['LT', `For ${RESEARCH}.`],
        ...sourceElements(source),
        ...pictureElements(await display(source.reference), source, own, terms),
      },
    });
  }
}
