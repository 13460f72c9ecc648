// Which frame of which object a picture is, and where it lies in the patient.

import type { ParsedFile } from './data-set';
import type { Plane } from './geometry';
import { text, type DicomHeader } from './header';
import { pixelSizeOf, type PixelSize } from './pixel-spacing';

/** UIDs name a study of a patient: never to be shown or logged. */
export interface FrameSource {
  /** From 0. */
  frame: number;
  /** That the object has. */
  frames: number;
  sopClassUid: string | undefined;
  sopInstanceUid: string | undefined;
  seriesUid: string | undefined;
  studyUid: string | undefined;
  /** UID of the coordinates of `plane`. */
  frameOfReference: string | undefined;
  pixelSize: PixelSize | undefined;
  /** Where the frame lies in the patient, as far as the header says it. */
  plane: Plane | undefined;
  /** Which way rows and columns run, e.g. L and F, as images without a plane say it. */
  patientOrientation: string[];
}

/** @param frame from 0 */
export function frameSourceOf({ dataSet }: ParsedFile, header: DicomHeader, frame: number): FrameSource {
  const { frames, sopInstanceUid, studyUid, frameOfReference, planes } = header;
  return {
    frame,
    frames,
    sopClassUid: text(dataSet, 'x00080016'),
    sopInstanceUid,
    seriesUid: text(dataSet, 'x0020000e'),
    studyUid,
    frameOfReference,
    pixelSize: pixelSizeOf(dataSet, frame),
    plane: planes[frame],
    patientOrientation: (text(dataSet, 'x00200020')?.split('\\') ?? []).map((direction) => direction.trim()),
  };
}
