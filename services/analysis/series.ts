// The images of a series, in the order in which models look at their frames.

import { ResultError, stackOf, type FrameReference, type SourceImage } from '../dicom-results';
import type { Display, Images, OpenImage } from './ports';

export interface Frame {
  reference: FrameReference;
  image: OpenImage;
}

export interface OpenSeries {
  images: OpenImage[];
  series: SourceImage[];
  frames: Frame[];
  /** Of the masks that are drawn on the frames; see DrawnMasks. */
  affine: readonly number[] | undefined;
  display: Display;
}

/** Images without any place in the patient are looked at as they came; others must be a stack, or parts would be missing unseen. */
function placesOf(series: readonly SourceImage[]): {
  frames: readonly FrameReference[];
  affine: readonly number[] | undefined;
} {
  if (series.some(({ planes }) => planes.some((plane) => plane !== undefined))) return stackOf(series);
  const frames = series.flatMap(({ sopInstanceUid, planes }) =>
    planes.map((_, at) => ({ sopInstanceUid, frame: at + 1 })),
  );
  return { frames, affine: undefined };
}

/** Runs `work` on all items, a few at a time; the first failure stops what has not begun. */
export async function eachOf<T, R>(items: readonly T[], inFlight: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let stopped = false;
  const worker = async (): Promise<void> => {
    while (next < items.length && !stopped) {
      const at = next;
      next += 1;
      try {
        results[at] = await work(items[at] as T);
      } catch (error) {
        stopped = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return results;
}

/** @throws ResultError, DicomError */
export async function openSeries(files: readonly string[], images: Images, inFlight: number): Promise<OpenSeries> {
  const opened = await eachOf(files, inFlight, (file) => images.open(file));
  const series = opened.map(({ source }) => source);
  const { frames, affine } = placesOf(series);
  const byUid = new Map(opened.map((image) => [image.source.sopInstanceUid, image]));
  const imageOf = (sopInstanceUid: string): OpenImage => {
    const image = byUid.get(sopInstanceUid);
    if (!image) throw new ResultError('SOURCE', 'A slice of the stack is no image of the series.');
    return image;
  };
  return {
    images: opened,
    series,
    frames: frames.map((reference) => ({ reference, image: imageOf(reference.sopInstanceUid) })),
    affine,
    display: ({ sopInstanceUid, frame }) => imageOf(sopInstanceUid).picture(frame),
  };
}
