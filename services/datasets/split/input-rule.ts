// How a run prepares its images: as its base and its head ask, and as the values of its data ask.

import {
  headPreprocessing,
  parseIntensity,
  standardPreprocessing,
  type BaseArchitecture,
  type HeadArchitecture,
  type Intensity,
  type Preprocessing,
  type StoredBase,
} from '../../store';

interface Asked {
  intensity?: string | undefined;
}

/** The rule that a run was given. @throws InvalidInputError (field `intensity`) */
export function askedIntensity({ intensity }: Asked): Intensity | undefined {
  return intensity === undefined ? undefined : parseIntensity(intensity);
}

/** @param head null: the base itself is trained */
export function preprocessingOf(spec: Asked, head: HeadArchitecture | null, base: StoredBase): Preprocessing {
  const { architecture } = base.manifest;
  return head === null
    ? standardPreprocessing(trainedArchitecture(spec, architecture))
    : headPreprocessing(head, architecture, askedIntensity(spec));
}

/** The architecture of a base that is trained itself: it knows the values of this data from now on. */
export function trainedArchitecture(spec: Asked, architecture: BaseArchitecture): BaseArchitecture {
  const intensity = askedIntensity(spec);
  return intensity === undefined ? architecture : { ...architecture, intensity };
}
