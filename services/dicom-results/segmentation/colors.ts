// Colours of segments as viewers are told them: CIELab, scaled to 16 bits (PS3.3 C.10.7.1.1).

/** Distinct on grey images, also for most colour-blind people (Okabe and Ito 2008). */
const PALETTE: readonly (readonly [number, number, number])[] = [
  [230, 159, 0],
  [86, 180, 233],
  [0, 158, 115],
  [240, 228, 66],
  [0, 114, 178],
  [213, 94, 0],
  [204, 121, 167],
];

/** sRGB of the segment at a place, from 0. */
export function colorOf(color: readonly number[] | undefined, at: number): readonly [number, number, number] {
  if (color) return [color[0] ?? 0, color[1] ?? 0, color[2] ?? 0];
  return PALETTE[at % PALETTE.length] ?? [255, 255, 255];
}

const linear = (value: number): number => {
  const share = value / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
};
const compressed = (value: number): number =>
  value > (6 / 29) ** 3 ? Math.cbrt(value) : value / (3 * (6 / 29) ** 2) + 4 / 29;

/** sRGB (D65) to CIELab with DICOM's white point D50, by Bradford's adaptation. */
export function dicomLab(color: readonly [number, number, number]): [number, number, number] {
  const [r, g, b] = [linear(color[0]), linear(color[1]), linear(color[2])];
  const x = compressed((0.4360747 * r + 0.3850649 * g + 0.1430804 * b) / 0.9642);
  const y = compressed(0.2225045 * r + 0.7168786 * g + 0.0606169 * b);
  const z = compressed((0.0139322 * r + 0.0971045 * g + 0.7141733 * b) / 0.8249);
  const scaled = (value: number, low: number, span: number): number =>
    Math.min(65535, Math.max(0, Math.round(((value - low) / span) * 65535)));
  return [scaled(116 * y - 16, 0, 100), scaled(500 * (x - y), -128, 255), scaled(200 * (y - z), -128, 255)];
}
