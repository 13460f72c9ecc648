// Where the attributes of a frame are (PS3.3 C.7.6.16): images of several frames keep them in functional groups.

import type { DataSet } from 'dicom-parser';

const SHARED_GROUPS = 'x52009229';
const PER_FRAME_GROUPS = 'x52009230';

/**
 * Where attributes of a frame may be: its own functional group, the shared one, and the data set itself.
 * @param frame from 0
 * @param group tag of the sequence that the group is in
 */
export function placesOf(dataSet: DataSet, frame: number, group: string): DataSet[] {
  const own = dataSet.elements[PER_FRAME_GROUPS]?.items?.[frame]?.dataSet;
  const shared = dataSet.elements[SHARED_GROUPS]?.items?.[0]?.dataSet;
  const inside = [own, shared].flatMap((groups) => groups?.elements[group]?.items?.[0]?.dataSet ?? []);
  return [...inside, dataSet];
}
