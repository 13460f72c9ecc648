import {
  readClassificationFolder,
  readSegmentationFolder,
  type DataFolder,
  type Part,
  type Problem,
  type ReadOptions,
  type Sample,
} from '../../training/domain/data-folder';
import { splitSamples } from '../../training/domain/split';
import { CliError } from '../errors';

export const PARTS = ['train', 'validation', 'test', 'all'] as const;
export type PartName = (typeof PARTS)[number];

export interface SelectOptions extends ReadOptions {
  /** Default: test where the folder has one, else all. */
  part?: PartName | undefined;
  /** How training split a folder that does not separate its parts. */
  seed: number;
  validationFraction: number;
}

export interface Selection {
  part: PartName;
  samples: Sample[];
  classes: string[];
  problems: Problem[];
}

/** Lists the labelled images of a data folder that a model is to be measured on. */
export async function selectSamples(
  task: 'segmentation' | 'classification',
  folder: string,
  options: SelectOptions,
): Promise<Selection> {
  const read = task === 'segmentation' ? readSegmentationFolder : readClassificationFolder;
  const data = await read(folder, options);
  const part = options.part ?? (data.parts.test.length > 0 ? 'test' : 'all');
  const samples = part === 'all' ? Object.values(data.parts).flat() : partOf(data, part, folder, options);
  if (samples.length === 0) throw new CliError(`${folder} has no labelled images in its part ${part}`);
  return { part, samples, classes: data.classes, problems: data.problems };
}

function partOf(data: DataFolder, part: Part, folder: string, options: SelectOptions): Sample[] {
  const given = data.parts[part];
  if (part === 'test') {
    if (given.length === 0) throw new CliError(`${folder} has no test/; choose --split validation or --split all`);
    return given;
  }
  if (data.parts.validation.length > 0) return given;
  // As training does it: the same seed and share give the same parts.
  return splitSamples(data.parts.train, { fraction: options.validationFraction, seed: options.seed })[part];
}
