// What all objects have in common: patient and study of the source, a series of their own, equipment, UIDs that follow from what they hold.

import { studyElements } from '../source/carried';
import type { ResultContext, ResultKind, ResultObject, SourceImage } from '../types';
import type { Elements } from '../write/elements';
import { part10 } from '../write/part10';
import { uidOf } from '../write/uids';
import { ascii, LONG_STRING } from './ascii';
import { equipment, identityText, RESEARCH } from './identity';
import { dateAndTime } from './times';

const CONTENT_TIME = ['00080023', '00080033'] as const;

export interface ObjectParts {
  kind: ResultKind;
  sopClassUid: string;
  modality: string;
  /** Series numbers of results, apart from those of scanners. */
  seriesNumber: number;
  instanceNumber?: number;
  /** What the series is, before the model's name. */
  title: string;
  /** Tags of date and time of the content; absent: Content Date and Content Time. */
  contentTime?: readonly [date: string, time: string];
  /** Tells contents apart. */
  digest: string;
  elements: Elements;
}

/** SOP Instance UIDs of all images that the result is of, in an order of their own. */
const imagesOf = (series: readonly SourceImage[]): string =>
  series
    .map(({ sopInstanceUid }) => sopInstanceUid)
    .toSorted()
    .join(' ');

/** The series of results of one kind of one model on the same images. */
export function seriesUidOf({ series, model }: ResultContext, kind: ResultKind, seriesUid: string): string {
  return uidOf('series', kind, seriesUid, imagesOf(series), identityText(model));
}

export function resultObject(context: ResultContext, first: SourceImage, parts: ObjectParts): ResultObject {
  const { kind, sopClassUid, digest, elements, modality } = parts;
  const [dateTag, timeTag] = parts.contentTime ?? CONTENT_TIME;
  const { model, created, series, inputs } = context;
  const seriesUid = seriesUidOf(context, kind, first.seriesUid);
  const seen = inputs === undefined ? [] : [JSON.stringify(inputs)];
  const sopInstanceUid = uidOf('instance', kind, seriesUid, imagesOf(series), identityText(model), digest, ...seen);
  const { date, time } = dateAndTime(created, first.carried);
  const bytes = part10(sopClassUid, sopInstanceUid, {
    ...studyElements(first.carried),
    ...equipment(model),
    '00080012': ['DA', date],
    '00080013': ['TM', time],
    '00080016': ['UI', sopClassUid],
    '00080018': ['UI', sopInstanceUid],
    '00080021': ['DA', date],
    '00080031': ['TM', time],
    '00080060': ['CS', modality],
    '0008103e': ['LO', ascii(`${parts.title} ${model.name} v${model.version}, ${RESEARCH}`, LONG_STRING)],
    '0020000e': ['UI', seriesUid],
    '00200011': ['IS', String(parts.seriesNumber)],
    '00200013': ['IS', String(parts.instanceNumber ?? 1)],
    [dateTag]: ['DA', date],
    [timeTag]: ['TM', time],
    ...elements,
  });
  return { kind, sopClassUid, sopInstanceUid, studyUid: first.studyUid, seriesUid, bytes };
}
