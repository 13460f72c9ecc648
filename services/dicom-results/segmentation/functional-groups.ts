// What is said of all frames and of each (PS3.3 C.7.6.16): where it lies, what it was drawn on, which segment it shows.

import type { LookedAt, PlacedPlane } from '../content/drawn-frames';
import { frameItem } from '../shared/references';
import { cross, dot, minus } from '../source/vectors';
import { codeItem, type Elements } from '../write/elements';
import { decimals } from '../write/decimal';
import type { FrameDimensions } from './dimensions';

/** CID 7203 and CID 7202. */
const DERIVATION = { value: '113076', scheme: 'DCM', meaning: 'Segmentation' };
const PURPOSE = { value: '121322', scheme: 'DCM', meaning: 'Source image for image processing operation' };

const position = ({ position: mm }: PlacedPlane): Elements => ({
  '00209113': ['SQ', [{ '00200032': ['DS', decimals(mm)] }]],
});

const orientation = ({ across, down }: PlacedPlane): Elements => ({
  '00209116': ['SQ', [{ '00200037': ['DS', decimals([...across, ...down])] }]],
});

/** Mean distance of neighbours along their normal; of a single plane there is none. */
function stepBetween(planes: readonly PlacedPlane[]): number | undefined {
  const [first, last] = [planes[0], planes.at(-1)];
  if (!first || !last || planes.length < 2) return undefined;
  const distance = dot(minus(last.position, first.position), cross(first.across, first.down)) / (planes.length - 1);
  return distance > 0 ? distance : undefined;
}

function measures(source: LookedAt, plane: PlacedPlane, step: number | undefined): Elements {
  // Required: of a slice without a thickness the distance to its neighbours, else voxels are taken to be cubes.
  const thickness = source.image.sliceThickness ?? step ?? Math.max(...plane.spacing);
  return {
    '00289110': [
      'SQ',
      [
        {
          '00180050': ['DS', decimals([thickness])],
          ...(step === undefined ? {} : { '00180088': ['DS', decimals([step])] as const }),
          '00280030': ['DS', decimals(plane.spacing)],
        },
      ],
    ],
  };
}

export interface FunctionalGroups {
  shared: Elements;
  /** Of a frame, from its source. */
  placeOf: (source: LookedAt) => Elements;
}

/** Orientation and spacing once where they are the same everywhere, otherwise with each frame. */
export function functionalGroups(sources: readonly LookedAt[]): FunctionalGroups {
  const planes = sources.flatMap(({ plane }) => plane ?? []);
  const [first] = sources;
  if (!first?.plane || planes.length < sources.length) return { shared: {}, placeOf: () => ({}) };
  const alike = (item: (source: LookedAt, plane: PlacedPlane) => Elements): boolean =>
    new Set(sources.map((source) => (source.plane ? JSON.stringify(item(source, source.plane)) : ''))).size === 1;
  const oneOrientation = alike((_, plane) => orientation(plane));
  const step = oneOrientation ? stepBetween(planes) : undefined;
  const oneMeasure = alike((source, plane) => measures(source, plane, step));
  return {
    shared: {
      ...(oneOrientation ? orientation(first.plane) : {}),
      ...(oneMeasure ? measures(first, first.plane, step) : {}),
    },
    placeOf: (source) =>
      source.plane
        ? {
            ...position(source.plane),
            ...(oneOrientation ? {} : orientation(source.plane)),
            ...(oneMeasure ? {} : measures(source, source.plane, step)),
          }
        : {},
  };
}

/** Derivation Image Sequence: the frame of the source, by its UID, and that pixels lie on pixels. */
export function derivation({ image, reference }: LookedAt): Elements {
  const source: Elements = {
    ...frameItem(image, reference),
    '0028135a': ['CS', 'YES'],
    '0040a170': ['SQ', [codeItem(PURPOSE)]],
  };
  return { '00089124': ['SQ', [{ '00082112': ['SQ', [source]], '00089215': ['SQ', [codeItem(DERIVATION)]] }]] };
}

export const segmentGroup = (segment: number): Elements => ({
  '0062000a': ['SQ', [{ '0062000b': ['US', [segment]] }]],
});

export const frameContent = (dimensions: FrameDimensions, frame: { segment: number; at: number }): Elements => ({
  '00209111': ['SQ', [dimensions.contentOf(frame)]],
});
