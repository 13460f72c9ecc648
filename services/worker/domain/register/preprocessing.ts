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

/** @param head null: the base itself is trained */
export function preprocessingOf(
  spec: { intensity?: string | undefined },
  head: HeadArchitecture | null,
  base: StoredBase,
): Preprocessing {
  const { architecture } = base.manifest;
  return head === null
    ? standardPreprocessing(trainedArchitecture(spec, architecture))
    : headPreprocessing(head, architecture, askedIntensity(spec));
}

/** The architecture of a base that is trained itself: it knows the values of this data from now on. */
export function trainedArchitecture(
  spec: { intensity?: string | undefined },
  architecture: BaseArchitecture,
): BaseArchitecture {
  const intensity = askedIntensity(spec);
  return intensity === undefined ? architecture : { ...architecture, intensity };
}
