// What the headers of DICOM files add to a listing: which patient a picture is of, and how many frames a file has.

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { AutomedError } from '../../../common/errors';
import { readDicomHeader, type DicomHeader } from '../../../imaging/dicom';
import type { MaskSource, Problem } from '../data-folder';
import type { Found } from './collect';

/** Attributes that pictures may be grouped by, as --group-column names them. */
export const HEADER_GROUPS = ['PatientID', 'StudyInstanceUID'] as const;
export type HeaderGroup = (typeof HEADER_GROUPS)[number];

/** True for a file that says by its name that it is DICOM. */
export const isNamedDicom = (path: string): boolean => /\.(dcm|dicom|ima)$/i.test(path);

/** Files whose headers are read at a time. */
const PARALLEL = 8;
/** Hexadecimal digits of a pseudonym. */
const PSEUDONYM = 16;

export interface WithHeaders {
  found: Found[];
  problems: Problem[];
  groupColumn: HeaderGroup;
  notes: string[];
}

/** Stands for an identifier in splits, findings and reports: the same for the same, and not the identifier itself. */
function pseudonym(identifier: string): string {
  return createHash('sha256').update(identifier).digest('hex').slice(0, PSEUDONYM);
}

function describe(error: unknown): string {
  if (error instanceof AutomedError) return error.message;
  const code = (error as { code?: unknown }).code;
  return `the file cannot be read${typeof code === 'string' ? ` (${code})` : ''}`;
}

/** The headers of files below `root`, or why one cannot be read. */
async function readHeaders(root: string, paths: readonly string[]): Promise<Map<string, DicomHeader | string>> {
  const headers = new Map<string, DicomHeader | string>();
  let next = 0;
  const reader = async (): Promise<void> => {
    for (let path = paths[next++]; path !== undefined; path = paths[next++]) {
      headers.set(path, await readDicomHeader(join(root, path)).catch(describe));
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, reader));
  return headers;
}

/**
 * What pictures are grouped by: patients, unless all bear one id (as some anonymisers write), where only studies can be told
 * apart.
 */
function chooseGroup(headers: readonly DicomHeader[], notes: string[]): HeaderGroup {
  const patients = new Set(headers.flatMap(({ patientId }) => patientId ?? []));
  if (headers.length < 2 || patients.size > 1) return 'PatientID';
  notes.push(
    `${patients.size === 1 ? 'every DICOM file bears the same patient id' : 'no DICOM file bears a patient id'}, ` +
      'so studies are kept together, and a split may separate one patient',
  );
  return 'StudyInstanceUID';
}

function groupOf({ patientId, studyUid, frames }: DicomHeader, by: HeaderGroup, path: string): string | undefined {
  const identifier = by === 'PatientID' ? (patientId ?? studyUid) : studyUid;
  if (identifier !== undefined) return pseudonym(identifier);
  // Frames of one file are of one patient, whoever that is.
  return frames > 1 ? pseudonym(path) : undefined;
}

/** The samples of one file: itself, or one for each of its frames. */
function framesOf(found: Found, { frames, sopInstanceUid }: DicomHeader): Found[] {
  const masksOf = (frame: number): MaskSource[] | undefined =>
    found.masks?.map((mask) =>
      sopInstanceUid === undefined ? mask : { ...mask, segmentationOf: { sopInstanceUid, frame } },
    );
  if (frames === 1) return [{ ...found, masks: masksOf(0) }];
  const digits = String(frames).length;
  return Array.from({ length: frames }, (_, frame) => ({
    ...found,
    suffix: `#${String(frame + 1).padStart(digits, '0')}`,
    frame,
    masks: masksOf(frame),
  }));
}

/**
 * Reads the headers of those files that are DICOM, and makes one sample for each frame. A group that is known already stays.
 * @param by attribute that groups are made of; absent: patients where they can be told apart
 */
export async function withHeaders(
  root: string,
  found: readonly Found[],
  isDicomFile: (path: string) => boolean,
  by?: HeaderGroup,
): Promise<WithHeaders> {
  const paths = found.map(({ path }) => path).filter(isDicomFile);
  const headers = await readHeaders(root, paths);
  const notes: string[] = [];
  const readable = [...headers.values()].filter((header) => typeof header !== 'string');
  const groupColumn = by ?? chooseGroup(readable, notes);
  const problems: Problem[] = [];
  const samples = found.flatMap((one): Found[] => {
    const header = headers.get(one.path);
    if (header === undefined) return [one];
    if (typeof header === 'string') {
      problems.push({ name: one.path, problem: header });
      return [];
    }
    return framesOf({ ...one, group: one.group ?? groupOf(header, groupColumn, one.path) }, header);
  });
  return { found: samples, problems, groupColumn, notes };
}
