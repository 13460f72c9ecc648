// Measurement groups of what was drawn: of a stack as a volume (TID 1411), of other images each by itself (TID 1410).

import type { NamedTerm } from '../content/terms';
import type { FrameSize, StructureSize } from '../measure/measure';
import { labelOf, trackingId, trackingUid } from '../segmentation/segments';
import { frameItem, instanceItem } from '../shared/references';
import type { ResultContext, ReferencedObject } from '../types';
import type { Elements } from '../write/elements';
import { uidOf } from '../write/uids';
import * as concepts from './concepts';
import { codedItem, container, imageItem, numberItem, textItem, uidItem } from './items';
import { algorithm } from './observer';

export interface SegmentSource {
  context: ResultContext;
  seriesUid: string;
  /** Absent where no segmentation is sent: measurements then name the images alone. */
  segmentation: ReferencedObject | undefined;
}

/** One structure as it was drawn. */
export interface SegmentFindings {
  term: NamedTerm;
  /** Segment number in the segmentation. */
  segment: number;
  size: StructureSize;
  /** Frame numbers in the segmentation, for each frame of `size`. */
  frameNumbers: readonly number[];
}

const maximum = (): Elements => codedItem('HAS CONCEPT MOD', concepts.DERIVATION, concepts.MAXIMUM);

function planar(
  { area, diameter, inMm }: Pick<FrameSize, 'area' | 'diameter' | 'inMm'>,
  content: readonly Elements[],
): Elements[] {
  return [
    numberItem(concepts.AREA, area, inMm ? concepts.MM2 : concepts.PIXELS, content),
    numberItem(concepts.DIAMETER, diameter, inMm ? concepts.MM : concepts.PIXELS, content),
  ];
}

/** Who was found where: what every group begins with. */
function heading({ context, seriesUid }: SegmentSource, { term }: SegmentFindings, part?: string): Elements[] {
  const { model } = context;
  const uid = trackingUid(model, seriesUid, term.name);
  return [
    textItem(
      'HAS OBS CONTEXT',
      concepts.TRACKING_ID,
      `${trackingId(model, term.name)}${part === undefined ? '' : ` ${part}`}`,
    ),
    uidItem('HAS OBS CONTEXT', concepts.TRACKING_UID, part === undefined ? uid : uidOf('tracking', uid, part)),
    codedItem('CONTAINS', concepts.CATEGORY, term.category),
    codedItem('CONTAINS', concepts.FINDING, term.type),
    ...(term.anatomy ? [codedItem('HAS CONCEPT MOD', concepts.FINDING_SITE, term.anatomy)] : []),
    ...algorithm(context),
  ];
}

const certainty = ({ size }: SegmentFindings): Elements[] =>
  size.probability === undefined ? [] : [numberItem(concepts.CERTAINTY, size.probability, concepts.SHARE)];

/** Of a whole segment, or of one frame of the segmentation, which is of one segment unless it is a label map. */
const segmentReference = (
  { kind, sopClassUid, sopInstanceUid }: ReferencedObject,
  { segment, frame }: { segment: number; frame?: number | undefined },
): Elements => ({
  ...instanceItem({ sopClassUid, sopInstanceUid }),
  ...(frame === undefined ? {} : { '00081160': ['IS', String(frame)] as const }),
  ...(frame === undefined || kind === 'labelmap' ? { '0062000b': ['US', [segment]] as const } : {}),
});

/** A stack: its volume, and the largest area and diameter on any slice. */
function volumeGroup(source: SegmentSource, findings: SegmentFindings): Elements {
  const { segmentation, seriesUid } = source;
  const { frames, volume = 0 } = findings.size;
  const largest = {
    area: Math.max(...frames.map(({ area }) => area)),
    diameter: Math.max(...frames.map(({ diameter }) => diameter)),
    inMm: frames.every(({ inMm }) => inMm),
  };
  return container(
    concepts.GROUP,
    [
      ...heading(source, findings),
      ...(segmentation
        ? [
            imageItem(concepts.SEGMENT, segmentReference(segmentation, findings)),
            uidItem('CONTAINS', concepts.SOURCE_SERIES, seriesUid),
          ]
        : frames.map(({ source: { image, reference } }) =>
            imageItem(concepts.SOURCE_OF_MEASUREMENT, frameItem(image, reference)),
          )),
      numberItem(concepts.VOLUME, volume, concepts.MM3),
      ...planar(largest, [maximum()]),
      ...certainty(findings),
    ],
    segmentation ? '1411' : '1501',
  );
}

/** One image or frame: area and diameter. */
function planarGroups(source: SegmentSource, findings: SegmentFindings): Elements[] {
  const { segmentation } = source;
  const { frames } = findings.size;
  return frames.map((frame, at) => {
    const { image, reference } = frame.source;
    const named = frameItem(image, reference);
    const part = frames.length > 1 ? String(at + 1) : undefined;
    const shown = segmentation
      ? [
          imageItem(
            concepts.SEGMENT_FRAME,
            segmentReference(segmentation, { ...findings, frame: findings.frameNumbers[at] }),
          ),
          imageItem(concepts.SOURCE_IMAGE, named),
        ]
      : [imageItem(concepts.SOURCE_OF_MEASUREMENT, named)];
    return container(
      concepts.GROUP,
      [...heading(source, findings, part), ...shown, ...planar(frame, []), ...certainty(findings)],
      segmentation ? '1410' : '1501',
    );
  });
}

/** What was looked for and not drawn anywhere. */
function emptyGroup(source: SegmentSource, findings: SegmentFindings): Elements {
  const text = `Nothing was segmented as ${labelOf(findings.term)}.`;
  return container(
    concepts.GROUP,
    [...heading(source, findings), textItem('CONTAINS', concepts.COMMENT, text)],
    '1501',
  );
}

export function segmentGroups(source: SegmentSource, findings: SegmentFindings): Elements[] {
  if (findings.size.frames.length === 0) return [emptyGroup(source, findings)];
  return findings.size.volume === undefined ? planarGroups(source, findings) : [volumeGroup(source, findings)];
}
