// Colours of segments as viewers are told them: CIELab, scaled to 16 bits (PS3.3 C.10.7.1.1).

import { maskColour, type Colour } from '../../imaging/overlay';

/** Of the segment at a place, from 0: its own, or that of every picture and report. */
export function colourOf(own: readonly number[] | undefined, at: number): Colour {
  return own ? [own[0] ?? 0, own[1] ?? 0, own[2] ?? 0] : maskColour(at);
}

const linear = (value: number): number => {
  const share = value / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
};
const compressed = (value: number): number =>
  value > (6 / 29) ** 3 ? Math.cbrt(value) : value / (3 * (6 / 29) ** 2) + 4 / 29;

/** sRGB (D65) to CIELab with DICOM's white point D50, by Bradford's adaptation. */
export function dicomLab(colour: Colour): [number, number, number] {
  const [r, g, b] = [linear(colour[0]), linear(colour[1]), linear(colour[2])];
  const x = compressed((0.4360747 * r + 0.3850649 * g + 0.1430804 * b) / 0.9642);
  const y = compressed(0.2225045 * r + 0.7168786 * g + 0.0606169 * b);
  const z = compressed((0.0139322 * r + 0.0971045 * g + 0.7141733 * b) / 0.8249);
  const scaled = (value: number, low: number, span: number): number =>
    Math.min(65535, Math.max(0, Math.round(((value - low) / span) * 65535)));
  return [scaled(116 * y - 16, 0, 100), scaled(500 * (x - y), -128, 255), scaled(200 * (y - z), -128, 255)];
}
