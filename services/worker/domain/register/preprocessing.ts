// How a run prepares its images: as its base and its head ask, and as the values of its data ask.

import {
  askedIntensity,
  headPreprocessing,
  standardPreprocessing,
  type BaseArchitecture,
  type HeadArchitecture,
  type Preprocessing,
  type StoredBase,
} from '../../../store';

/** What is known of the data that a run learns from. */
export interface DataDepth {
  /** Whether any picture has levels of more than 8 bits through a window of its own, as DICOM's have. */
  windowed: boolean;
}

/** Before the data are read: a trainer rounds no levels, and where there are none to round that says nothing. */
export const ANY_DEPTH: DataDepth = { windowed: true };

/** @param head null: the base itself is trained */
export function preprocessingOf(
  spec: { intensity?: string | undefined },
  head: HeadArchitecture | null,
  base: StoredBase,
  data: DataDepth,
): Preprocessing {
  const { architecture } = base.manifest;
  if (head === null) return standardPreprocessing(trainedArchitecture(spec, architecture, data));
  const { windowed } = data;
  return { ...headPreprocessing(head, architecture, askedIntensity(spec)), ...(windowed ? { levels: 'exact' } : {}) };
}

/** The architecture of a base that is trained itself: it knows the values of this data from now on. */
export function trainedArchitecture(
  spec: { intensity?: string | undefined },
  architecture: BaseArchitecture,
  { windowed }: DataDepth,
): BaseArchitecture {
  const intensity = askedIntensity(spec);
  return {
    ...architecture,
    ...(intensity === undefined ? {} : { intensity }),
    ...(windowed ? { levels: 'exact' as const } : {}),
  };
}
