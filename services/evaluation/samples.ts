import type { DataFolder, Sample } from '../datasets/samples/sample';
import { matchStructures, type LocatedSource } from '../datasets/layouts/model-structures';
import { resolveSource, type DataSource } from '../datasets/layouts/read-data';
import type { LookUp } from '../store';
import { selectSamples as choose, type MeasuredPart, type SelectSpec } from '../datasets/split/select-samples';
import { automedError } from '../common/errors';

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
  const matched = await locate(source, model, structures);
  const spec = { ...matched.source, ...options, recordedMaskValues: maskValues };
  const { folder, part, samples, seen, notes } = await choose(
    spec,
    { name: model, lookUp },
    new AbortController().signal,
  );
  return {
    ...{ part, samples, seen, folder, notes },
    structures: matched.masks?.map(({ name }) => name),
  };
}

/** The source with the masks that the model's structures are compared with. */
async function locate(source: DataSource, model: string, drawn: readonly string[]): Promise<LocatedSource> {
  if (source.task === 'classification') {
    const { structures: _, ...found } = await resolveSource(source);
    return { source: found, masks: undefined };
  }
  const matched = await matchStructures(source, drawn);
  if (!('unmatched' in matched)) {
    // Scores are printed in the order in which the caller named the structures.
    const masks = source.structures ? [...source.structures] : matched.masks;
    return masks ? { source: { ...matched.source, structures: masks }, masks } : matched;
  }
  const { unmatched } = matched;
  const draws = `${model} draws ${drawn.join(', ')}`;
  if ('unknown' in unmatched) throw wrong(`${draws}, and no ${unmatched.unknown}`);
  const example = drawn.map((structure) => `${structure}=FOLDER`).join(',');
  throw wrong(`${draws}: say where their masks are, --structures ${example}`);
}

const wrong = (message: string): Error => automedError('INVALID_ARGUMENT', message, { field: 'structures' });
