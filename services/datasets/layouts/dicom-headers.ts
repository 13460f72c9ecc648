// What the headers of DICOM files add to a listing: which patient a picture is of, and how many frames a file has.

import { join } from 'node:path';
import { AutomedError } from '../../common/errors';
import { DicomError, readDicomHeader, type DicomHeader } from '../../imaging/dicom';
import type { MaskSource, Problem } from '../samples/sample';
import type { Found } from './collect';
import type { Finding } from '../samples/finding';
import { emptyAside, levelsOf, type Aside, type Level } from './dicom-aside';
import { groupsOf, pseudonym, type HeaderGroup } from './dicom-groups';
import { isImage } from '../files/file-tree';

/** True for a file that says by its name that it is DICOM. */
export const isNamedDicom = (path: string): boolean => /\.(dcm|dicom|ima)$/i.test(path);

/** True also for a file that is not named as another kind of image: many archives write no extension. */
export const mayBeDicom = (path: string): boolean => isNamedDicom(path) || !isImage(path);

/** What is wrong with a mask that any of several frames might be meant by. */
export const MASK_OF_FRAMES =
  'is one of several frames, and its mask one picture: only a DICOM segmentation can say whose';

/** Files whose headers are read at a time. */
const PARALLEL = 8;

export interface WithHeaders {
  found: Found[];
  problems: Problem[];
  /** Absent where no file is DICOM. */
  groupColumn: HeaderGroup | undefined;
  notes: string[];
  /** What headers say of patients, where groups are made of them. */
  findings: Finding[];
  /** What is left out. */
  aside: Aside;
  /** Levels of slides by their paths: of a segmentation the mask may be of any of them. */
  slides: ReadonlyMap<string, Level>;
}

function describe(error: unknown): string {
  if (error instanceof AutomedError) return error.message;
  const code = (error as { code?: unknown }).code;
  return `the file cannot be read${typeof code === 'string' ? ` (${code})` : ''}`;
}

/** What the header of a file says: `no-image` of an object without pictures, else why it cannot be read. */
type Read = DicomHeader | 'no-image' | { problem: string };

/** The headers of files below `root`; nothing of a file that neither is DICOM nor is named so. */
async function readHeaders(root: string, paths: readonly string[]): Promise<Map<string, Read>> {
  const headers = new Map<string, Read>();
  const failed = (error: unknown, path: string): Read | undefined => {
    const defect = error instanceof DicomError ? error.defect : undefined;
    if (defect === 'NOT_IMAGE') return 'no-image';
    return defect === 'NOT_DICOM' && !isNamedDicom(path) ? undefined : { problem: describe(error) };
  };
  let next = 0;
  const reader = async (): Promise<void> => {
    for (let path = paths[next++]; path !== undefined; path = paths[next++]) {
      const header = await readDicomHeader(join(root, path)).catch((error: unknown) => failed(error, path));
      if (header !== undefined) headers.set(path, header);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, reader));
  return headers;
}

const isImageHeader = (read: Read | undefined): read is DicomHeader =>
  typeof read === 'object' && !('problem' in read) && read.modality !== 'SEG';

/** True for what is left out; it is noted in `aside`. */
function leftOut({ path, masks }: Found, read: Read, slides: WithHeaders['slides'], aside: Aside): boolean {
  if (typeof read === 'object' && 'problem' in read) return false;
  if (!isImageHeader(read)) aside.objects.push(path);
  else if (read.sidePicture) {
    aside.sides.set(read.sidePicture, [...(aside.sides.get(read.sidePicture) ?? []), path]);
  } else if (masks === undefined && slides.get(path)?.reduced) aside.levels.push(path);
  else return false;
  return true;
}

/** The samples of one file: itself, or one for each of its frames. */
function framesOf(
  found: Found,
  { frames, width, height, sopInstanceUid, planes, tiles, frameOfReference }: DicomHeader,
): Found[] {
  const masksOf = (frame: number): MaskSource[] | undefined =>
    found.masks?.map((mask) => {
      if (sopInstanceUid === undefined) return mask;
      const place = {
        ...(planes[frame] && { plane: planes[frame] }),
        ...(tiles?.[frame] && { tile: tiles[frame] }),
        ...(frameOfReference && { frameOfReference }),
      };
      return { ...mask, segmentationOf: { sopInstanceUid, frame, frames, size: { width, height }, ...place } };
    });
  const instanceOf = (frame: number): Pick<Found, 'instance'> =>
    sopInstanceUid === undefined ? {} : { instance: pseudonym(`${sopInstanceUid}#${frame}`) };
  if (frames === 1) return [{ ...found, ...instanceOf(0), masks: masksOf(0) }];
  const digits = String(frames).length;
  return Array.from({ length: frames }, (_, frame) => ({
    ...found,
    suffix: `#${String(frame + 1).padStart(digits, '0')}`,
    frame,
    ...instanceOf(frame),
    masks: masksOf(frame),
  }));
}

/** True where all files of masks are DICOM segmentations, which say what they are drawn on. */
async function areSegmentations(masks: readonly MaskSource[]): Promise<boolean> {
  for (const path of masks.flatMap(({ paths }) => paths)) {
    const header = await readDicomHeader(path).catch(() => undefined);
    if (header?.modality !== 'SEG') return false;
  }
  return true;
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
  const images = new Map([...headers].filter((each): each is [string, DicomHeader] => isImageHeader(each[1])));
  const { column, groups, notes, findings } = groupsOf(images, by);
  const slides = levelsOf(images);
  const aside = emptyAside();
  const problems: Problem[] = [];
  const samples: Found[] = [];
  for (const one of found) {
    const header = headers.get(one.path);
    if (header === undefined) samples.push(one);
    else if (leftOut(one, header, slides, aside)) continue;
    else if (!isImageHeader(header)) problems.push({ name: one.path, ...(header as { problem: string }) });
    else {
      const group = one.group ?? groups.get(one.path);
      const frames = framesOf({ ...one, group }, header);
      const clear = header.frames === 1 || (await areSegmentations(one.masks ?? []));
      if (clear) samples.push(...frames);
      else
        problems.push(...frames.map(({ suffix = '' }) => ({ name: `${one.path}${suffix}`, problem: MASK_OF_FRAMES })));
    }
  }
  return { found: samples, problems, groupColumn: column, notes, findings, aside, slides };
}
