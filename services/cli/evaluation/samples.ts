import type { DataFolder, Sample } from '../../datasets/samples/sample';
import { resolveSource, type DataSource } from '../../datasets/layouts/read-data';
import type { LookUp } from '../../datasets/split/sample-origins';
import { selectSamples as choose, type MeasuredPart, type SelectSpec } from '../../datasets/split/select-samples';
import { CliError } from '../program/errors';

type Structures = NonNullable<DataSource['structures']>;

/** What of the data is measured, and how a version that recorded nothing would have split it. */
export type SelectOptions = Pick<SelectSpec, 'part' | 'limit' | 'seed' | 'validationFraction' | 'testFraction'>;

/** What the samples are for. */
export interface Labels {
  /** `name@version` */
  model: string;
  /** What a segmentation model draws. */
  structures: readonly string[];
  lookUp: LookUp;
  /** Stored values of masks that the model recorded as foreground. */
  maskValues: string | undefined;
}

export interface Selection {
  part: MeasuredPart;
  samples: Sample[];
  folder: DataFolder;
  /** What a person must know about what is measured. */
  notes: string[];
  /** Samples that the model has seen; null: it has not recorded that. */
  seen: number | null;
  /** What the masks of a sample show, in their order; absent: the only structure of the model. */
  structures: string[] | undefined;
}

/** Lists the labelled images that a model is to be measured on, in any layout that training reads. */
export async function selectSamples(
  source: DataSource,
  { model, structures, lookUp, maskValues }: Labels,
  options: SelectOptions,
): Promise<Selection> {
  const only = structures.length === 1 ? { structure: structures[0] } : {};
  const found = await resolveSource({ ...source, ...only });
  const masks =
    source.task === 'segmentation' ? structuresFor(source.structures, found.structures, model, structures) : undefined;
  const { structures: _, ...rest } = source;
  const spec = {
    ...{ ...rest, ...options, ...only },
    layout: found.layout,
    recordedMaskValues: maskValues,
    ...(masks ? { structures: [...masks] } : {}),
  };
  const { folder, part, samples, seen, notes } = await choose(
    spec,
    { name: model, lookUp },
    new AbortController().signal,
  );
  return {
    ...{ part, samples, seen, folder, notes },
    structures: masks?.map(({ name }) => name),
  };
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
