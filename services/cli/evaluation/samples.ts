import type { DataFolder, Part, Problem, Sample } from '../../training/domain/data-folder';
import { readData, resolveSource, type DataSource } from '../../training/domain/read-data';
import { splitSamples } from '../../training/domain/split';
import { CliError } from '../errors';

export const PARTS = ['train', 'validation', 'test', 'all'] as const;
export type PartName = (typeof PARTS)[number];

type Structures = NonNullable<DataSource['structures']>;

export interface SelectOptions {
  /** Default: test where the data has one, else all. */
  part?: PartName | undefined;
  /** How training split data that does not separate its parts. */
  seed: number;
  validationFraction: number;
}

/** What the samples are for. */
export interface Labels {
  /** `name@version` */
  model: string;
  /** What a segmentation model draws. */
  structures: readonly string[];
}

export interface Selection {
  part: PartName;
  samples: Sample[];
  classes: string[];
  problems: Problem[];
  /** What a person must know about how the data was read. */
  notes: string[];
  /** What the masks of a sample show, in their order; absent: the only structure of the model. */
  structures: string[] | undefined;
}

/** Lists the labelled images that a model is to be measured on, in any layout that training reads. */
export async function selectSamples(
  source: DataSource,
  { model, structures }: Labels,
  options: SelectOptions,
): Promise<Selection> {
  const found = await resolveSource({ ...source, ...(structures.length === 1 ? { structure: structures[0] } : {}) });
  const masks =
    source.task === 'segmentation' ? structuresFor(source.structures, found.structures, model, structures) : undefined;
  const data = await readData({ ...source, layout: found.layout, structures: masks });
  const part = options.part ?? (data.parts.test.length > 0 ? 'test' : 'all');
  const samples = part === 'all' ? Object.values(data.parts).flat() : partOf(data, part, source.data, options);
  if (samples.length === 0) throw new CliError(`${source.data} has no labelled images in its part ${part}`);
  const { classes, problems, notes } = data;
  return { part, samples, classes, problems, notes, structures: masks?.map(({ name }) => name) };
}

/**
 * Where the masks of the model's structures are: what the caller says, else what the layout knows. Undefined for a model of
 * one structure on data with one kind of mask.
 */
function structuresFor(
  given: Structures | undefined,
  ofLayout: Structures | undefined,
  model: string,
  drawn: readonly string[],
): Structures | undefined {
  const draws = `${model} draws ${drawn.join(', ')}`;
  const unknown = given?.find(({ name }) => !drawn.includes(name));
  if (unknown) throw new CliError(`${draws}, and no ${unknown.name}`);
  if (given) return given;
  const [only] = drawn;
  // Of one structure it does not matter what the layout calls it.
  if (drawn.length === 1 && only !== undefined && ofLayout?.length === 1) {
    return ofLayout.map(({ masks }) => ({ name: only, masks }));
  }
  const known = drawn.flatMap((name) => ofLayout?.find((each) => each.name === name) ?? []);
  if (known.length === drawn.length) return known;
  if (drawn.length === 1 && ofLayout === undefined) return undefined;
  const example = drawn.map((structure) => `${structure}=FOLDER`).join(',');
  throw new CliError(`${draws}: say where their masks are, --structures ${example}`);
}

function partOf(data: DataFolder, part: Part, name: string, options: SelectOptions): Sample[] {
  const given = data.parts[part];
  if (part === 'test') {
    if (given.length === 0) throw new CliError(`${name} has no test part; choose --split validation or --split all`);
    return given;
  }
  if (data.parts.validation.length > 0) return given;
  // As training does it: the same seed and share give the same parts.
  return splitSamples(data.parts.train, { fraction: options.validationFraction, seed: options.seed })[part];
}
