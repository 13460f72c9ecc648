export type OrientationName = 'axial' | 'coronal' | 'sagittal' | 'oblique' | 'none';

/** Cosine of the largest tilt that still has the name of its axis: 22.5 degrees. */
const LEAST_COSINE = Math.cos(Math.PI / 8);
/** Axes of the normal, in the coordinates of the patient. */
const NAMES = ['sagittal', 'coronal', 'axial'] as const;

/** The name of a plane, from its direction cosines along a row and down a column. */
export function orientationName(cosines: readonly number[] | undefined): OrientationName {
  if (!cosines) return 'none';
  const [ax = 0, ay = 0, az = 0, bx = 0, by = 0, bz = 0] = cosines;
  const normal = [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
  const axis = normal.findIndex((part) => Math.abs(part) >= LEAST_COSINE);
  return NAMES[axis] ?? 'oblique';
}
