// DICOM files beside the pictures of a data set: objects without pictures, pictures that show no tissue, and one picture at
// several sizes. They are left out, and counted.

import type { DicomHeader, SidePicture } from '../../imaging/dicom';
import { counted, finding, type Finding } from '../samples/finding';

/** Paths of what is left out, by the reason. */
export interface Aside {
  /** Reports, presentation states, structure sets, segmentations and the like. */
  objects: string[];
  sides: Map<SidePicture, string[]>;
  /** Levels of slides of which a larger one is there. */
  levels: string[];
}

export const emptyAside = (): Aside => ({ objects: [], sides: new Map(), levels: [] });

export const asidePaths = ({ objects, sides, levels }: Aside): string[] => [
  ...objects,
  ...[...sides.values()].flat(),
  ...levels,
];

/** A level of a slide's pyramid. */
export interface Level {
  slide: string;
  /** It shows in fewer pixels what a larger level of the same slide shows. */
  reduced: boolean;
}

/** The levels of slides among pictures, by their paths. */
export function levelsOf(headers: Iterable<readonly [path: string, header: DicomHeader]>): Map<string, Level> {
  const levels = [...headers].flatMap(([path, { slideLevel, sidePicture }]) =>
    slideLevel && !sidePicture ? [{ path, ...slideLevel }] : [],
  );
  const largest = new Map<string, number>();
  for (const { slide, pixels } of levels) largest.set(slide, Math.max(pixels, largest.get(slide) ?? 0));
  return new Map(
    levels.map(({ path, slide, pixels }) => [path, { slide, reduced: pixels < (largest.get(slide) ?? 0) }]),
  );
}

/** What the check says of it. */
export function asideFindings({ objects, sides, levels }: Aside): Finding[] {
  const findings: Finding[] = [];
  const add = (message: string, names: readonly string[]): void => {
    if (names.length > 0) findings.push(finding('left-out', 'warning', message, names));
  };
  const kinds = [...sides].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, paths]) => `${paths.length} ${kind}`);
  const pictures = [...sides.values()].flat();
  add(
    `${counted(objects.length, 'DICOM object', ' that is no image is', ' that are no images are')} left out (reports, ` +
      'presentation states, structure sets, segmentations and the like)',
    objects,
  );
  add(
    `${counted(pictures.length, 'DICOM picture', ' is', ' are')} left out by Image Type: ${kinds.join(', ')}`,
    pictures,
  );
  // Frames of one file may have come one by one.
  const files = [...new Set(levels)];
  add(
    `${counted(files.length, 'DICOM picture', ' is', ' are')} left out: another level of the same slide is there`,
    files,
  );
  return findings;
}
