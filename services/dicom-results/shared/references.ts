// References to the images of the source.

import type { FrameReference, SourceImage } from '../types';
import type { Elements } from '../write/elements';

export const instanceItem = ({
  sopClassUid,
  sopInstanceUid,
}: Pick<SourceImage, 'sopClassUid' | 'sopInstanceUid'>): Elements => ({
  '00081150': ['UI', sopClassUid],
  '00081155': ['UI', sopInstanceUid],
});

/** Reference to a frame; of an image of one frame to the image. */
export function frameItem(image: SourceImage, { frame }: FrameReference): Elements {
  return { ...instanceItem(image), ...(image.planes.length > 1 ? { '00081160': ['IS', String(frame)] as const } : {}) };
}

/**
 * Referenced Series Sequence: every image that was looked at.
 * @param tag of the sequence of images: Referenced Instance Sequence (PS3.3 C.12.2), or Referenced Image Sequence (C.11.11)
 */
export function referencedSeries(images: readonly SourceImage[], tag = '0008114a'): Elements {
  const seriesUid = images[0]?.seriesUid ?? '';
  const unique = [...new Set(images)].toSorted((a, b) => (a.sopInstanceUid < b.sopInstanceUid ? -1 : 1));
  return { '00081115': ['SQ', [{ '0020000e': ['UI', seriesUid], [tag]: ['SQ', unique.map(instanceItem)] }]] };
}
