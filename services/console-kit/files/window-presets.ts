// Windows of a DICOM file: its own ones, what its modality is usually read with, and everything.

import type { DataSet } from 'dicom-parser';
import type { GrayPicture, WindowPreset } from '../viewer/picture';
import { t } from '../texts/en';

/** In Hounsfield units. */
const CT: readonly WindowPreset[] = [
  { name: t.windows.softTissue, center: 50, width: 400 },
  { name: t.windows.lung, center: -600, width: 1500 },
  { name: t.windows.bone, center: 480, width: 2500 },
  { name: t.windows.brain, center: 40, width: 80 },
  { name: t.windows.liver, center: 80, width: 150 },
];

export function windowPresets(header: DataSet, full: WindowPreset): WindowPreset[] {
  const own = ownWindows(header);
  const usual = header.string('x00080060') === 'CT' ? CT : [];
  return own.length + usual.length === 0 ? [full] : [...own, ...usual, full];
}

function ownWindows(header: DataSet): WindowPreset[] {
  const windows: WindowPreset[] = [];
  for (let at = 0; at < (header.numStringValues('x00281050') ?? 0); at += 1) {
    const [center, width] = [header.floatString('x00281050', at), header.floatString('x00281051', at)];
    if (center === undefined || width === undefined || !Number.isFinite(center) || !(width >= 1)) continue;
    const name = header.string('x00281055', at) ?? (at === 0 ? t.windows.ofFile : `${t.windows.ofFile} ${at + 1}`);
    windows.push({ name, center, width });
  }
  return windows;
}

/** From the smallest to the largest value that the picture has. */
export function fullRange({ values, offset, slope, intercept }: GrayPicture): WindowPreset {
  let [low, high] = [65_535, 0];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const [a, b] = [(low - offset) * slope + intercept, (high - offset) * slope + intercept];
  return { name: t.viewer.fullRange, center: (a + b + 1) / 2, width: Math.max(1, Math.abs(b - a) + 1) };
}
