// Small DICOM images of patients and studies.

import { greyDicom, type GreyImage } from './dicom';

export const SIDE = 8;
export const SIZE = SIDE * SIDE;

export interface Slice extends Partial<GreyImage> {
  patient?: string;
  study?: string;
  uid?: string;
}

let written = 0;

/** A picture that no other one equals, and whose UID no other one has; each patient has a study. */
export function slice({ patient = 'P1', study, uid, frames = 1, ...image }: Slice = {}): Buffer {
  const seed = (written += 1);
  return greyDicom({
    width: SIDE,
    height: SIDE,
    frames,
    values: Array.from({ length: SIZE * frames }, (_, at) => (at * (7 + seed) + ((at * seed) % 5) * 31) % 997),
    ...image,
    more: {
      '00080018': ['UI', uid ?? `1.2.3.4.${seed}`],
      '00100010': ['PN', 'Doe^Jane'],
      '00100020': ['LO', patient],
      '0020000d': ['UI', study ?? `1.2.3${patient.replace(/\D/g, '')}`],
      ...image.more,
    },
  });
}
