// Structured report of TID 1500 as Comprehensive SR (PS3.3 A.35.3): who measured what on which images, so that it can be computed again.

import { checkMasks, checkSeries, imageOf } from '../content/checks';
import { contentDigest, drawnFrames, lookedAt, type DrawnFrame } from '../content/drawn-frames';
import { termsOf } from '../content/terms';
import { ResultError } from '../errors';
import { sizesOf } from '../measure/measure';
import { resultObject } from '../shared/object';
import { frameItem, instanceItem } from '../shared/references';
import type {
  Classification,
  DrawnMasks,
  FrameReference,
  ReferencedObject,
  ResultContext,
  ResultObject,
  SourceImage,
} from '../types';
import { codeItem, type Elements } from '../write/elements';
import { uidOf } from '../write/uids';
import { classGroup } from './class-groups';
import * as concepts from './concepts';
import { codedItem, container, imageItem } from './items';
import { observer } from './observer';
import { segmentGroups } from './segment-groups';

export const REPORT_STORAGE = '1.2.840.10008.5.1.4.1.1.88.33';
const SERIES_NUMBER = 9002;

export interface Findings {
  masks?: DrawnMasks | undefined;
  /** The object that shows `masks`, where it is sent, too. */
  segmentation?: ReferencedObject | undefined;
  classifications?: readonly Classification[] | undefined;
}

interface Part {
  groups: Elements[];
  digest: string;
  looked: readonly FrameReference[];
}

/** Number of the frame that shows what was drawn: a label map has one for all segments of an image. */
function frameNumbering(
  drawn: readonly DrawnFrame[],
  segmentation: ReferencedObject | undefined,
): (frame: DrawnFrame, place: number) => number {
  if (segmentation?.kind !== 'labelmap') return (_, place) => place + 1;
  const places = [...new Set(drawn.map(({ at }) => at))].toSorted((a, b) => a - b);
  return ({ at }) => places.indexOf(at) + 1;
}

/** @throws ResultError (TERMS, CONTENT) */
function segmentPart(context: ResultContext, masks: DrawnMasks, segmentation: ReferencedObject | undefined): Part {
  const { model, series } = context;
  checkMasks(series, masks);
  const names = masks.structures.map(({ name }) => name);
  const terms = termsOf(model, names);
  const sources = lookedAt(series, masks);
  const drawn = drawnFrames(sources, masks);
  const source = { context, seriesUid: series[0]?.seriesUid ?? '', segmentation };
  const numberOf = frameNumbering(drawn, segmentation);
  const groups = sizesOf(sources, masks).flatMap((size, at) => {
    const frameNumbers = drawn.flatMap((frame, place) => (frame.segment === at + 1 ? [numberOf(frame, place)] : []));
    const term = terms[at];
    return term ? segmentGroups(source, { term, segment: at + 1, size, frameNumbers }) : [];
  });
  const probabilities = masks.structures.map(({ probability = '' }) => probability);
  const digest = uidOf(contentDigest(sources, drawn, names), JSON.stringify(probabilities));
  return { groups, digest, looked: sources.map(({ reference }) => reference) };
}

/** @throws ResultError (TERMS, CONTENT) */
function classPart(context: ResultContext, classifications: readonly Classification[]): Part {
  return {
    groups: classifications.map((classification) => classGroup(context, classification)),
    digest: JSON.stringify(
      classifications.map(({ of, classes }) => [
        of.sopInstanceUid,
        of.frame,
        classes.map(({ name, probability }) => [name, probability]),
      ]),
    ),
    looked: classifications.map(({ of }) => of),
  };
}

/** Every object that the report names, by study and series. */
function evidence(images: readonly SourceImage[], segmentation: ReferencedObject | undefined): Elements {
  const [first] = images;
  const unique = [...new Set(images)].toSorted((a, b) => (a.sopInstanceUid < b.sopInstanceUid ? -1 : 1));
  const series: Elements[] = [
    { '0020000e': ['UI', first?.seriesUid ?? ''], '00081199': ['SQ', unique.map(instanceItem)] },
    ...(segmentation
      ? [{ '0020000e': ['UI', segmentation.seriesUid], '00081199': ['SQ', [instanceItem(segmentation)]] } as const]
      : []),
  ];
  return { '0040a375': ['SQ', [{ '0020000d': ['UI', first?.studyUid ?? ''], '00081115': ['SQ', series] }]] };
}

function library(series: readonly SourceImage[], looked: readonly FrameReference[]): Elements {
  const entries = looked.map((reference) => imageItem(undefined, frameItem(imageOf(series, reference), reference)));
  return container(concepts.LIBRARY, [container(concepts.LIBRARY_GROUP, entries)], '1600');
}

/** Frames once each, in the order in which they were first named. */
function unique(looked: readonly FrameReference[]): FrameReference[] {
  return [
    ...new Map(looked.map((reference) => [`${reference.sopInstanceUid} ${reference.frame}`, reference])).values(),
  ];
}

/**
 * Measurements of what was drawn, and classes with their probabilities. Of structures that were looked for and not drawn it says so.
 * @throws ResultError (TERMS, CONTENT, SOURCE)
 */
export function reportObject(context: ResultContext, findings: Findings): ResultObject {
  const { model, series } = context;
  const { masks, segmentation, classifications = [] } = findings;
  const [first] = checkSeries(series);
  const parts = [
    ...(masks ? [segmentPart(context, masks, segmentation)] : []),
    ...(classifications.length > 0 ? [classPart(context, classifications)] : []),
  ];
  if (parts.length === 0) throw new ResultError('CONTENT', 'A report needs masks or a classification.');
  const looked = unique(parts.flatMap((part) => part.looked));
  return resultObject(context, first, {
    kind: 'report',
    sopClassUid: REPORT_STORAGE,
    modality: 'SR',
    seriesNumber: SERIES_NUMBER,
    title: 'Measurements',
    digest: uidOf(
      ...parts.map(({ digest }) => digest),
      segmentation?.sopInstanceUid ?? '',
      context.inputs?.picturesSha256 ?? '',
    ),
    elements: {
      ...evidence(
        looked.map((reference) => imageOf(series, reference)),
        segmentation,
      ),
      '00081111': ['SQ', []],
      '0040a040': ['CS', 'CONTAINER'],
      '0040a043': ['SQ', [codeItem(concepts.REPORT)]],
      '0040a050': ['CS', 'SEPARATE'],
      '0040a372': ['SQ', []],
      '0040a491': ['CS', 'COMPLETE'],
      '0040a493': ['CS', 'UNVERIFIED'],
      '0040a496': ['CS', 'PRELIMINARY'],
      '0040a504': ['SQ', [{ '00080105': ['CS', 'DCMR'], '0040db00': ['CS', '1500'] }]],
      '0040a730': [
        'SQ',
        [
          codedItem('HAS CONCEPT MOD', concepts.LANGUAGE, concepts.ENGLISH),
          ...observer(model),
          codedItem('HAS CONCEPT MOD', concepts.PROCEDURE, concepts.IMAGING),
          library(series, looked),
          container(
            concepts.MEASUREMENTS,
            parts.flatMap(({ groups }) => groups),
          ),
        ],
      ],
    },
  });
}
