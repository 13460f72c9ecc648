// What a model is measured on, settled before the first image is opened: the same whether a worker measures its weights or the
// command line asks a gateway for answers.

import { automedError } from '../common/errors';
import { labelOf } from '../datasets/layouts/class-names';
import { matchStructures, type LocatedSource, type Unmatched } from '../datasets/layouts/model-structures';
import { resolveSource, type DataSource } from '../datasets/layouts/read-data';
import type { DataFolder } from '../datasets/samples/sample';
import { selectSamples, type SelectSpec, type Selection } from '../datasets/split/select-samples';
import type { LookUp, Task } from '../store';
import type { Recorded } from './recorded';

/** A model as far as measuring it is concerned. */
export interface MeasuredModel {
  /** `name@version` */
  name: string;
  task: Task;
  /** Of a classification model, in the order of its probabilities. */
  classes: readonly string[];
  /** What a segmentation model draws. */
  structures: readonly string[];
  recorded: Recorded;
  /** What it has seen. */
  lookUp: LookUp;
}

/** What the caller says; the parts of the data are those that the model's training made, where nothing else is said. */
export type EvaluationRequest = Omit<DataSource, 'task'> &
  Pick<SelectSpec, 'part' | 'limit'> & { [Share in keyof Split]?: Split[Share] | undefined };

interface Split {
  seed: number;
  validationFraction: number;
  testFraction: number;
}

export interface EvaluationPlan<Request = EvaluationRequest> extends Selection {
  /** The request with everything told that it left open: the layout, the split, where the masks are. */
  request: Request & Split;
  /** What the masks of a sample show, in their order; absent: the only structure of the model. */
  structures: string[] | undefined;
  /** Of each of the data's classes its index among the model's. */
  classIndices: number[];
}

/** How a caller is told what the data lacks: a program's flags are not an API's fields. */
export interface Wording {
  unmatched(model: MeasuredModel, unmatched: Unmatched): string;
  /** @param classes of the data, which the model does not know */
  foreign(model: MeasuredModel, classes: readonly string[]): string;
}

/** @throws InvalidInputError for data that the model cannot be measured on */
export async function planEvaluation<Request extends EvaluationRequest>(
  model: MeasuredModel,
  asked: Request,
  signal: AbortSignal,
  words: Wording = WORDING,
): Promise<EvaluationPlan<Request>> {
  const { name, task, recorded, lookUp } = model;
  const request = { ...asked, ...splitOf(asked, recorded) };
  const { source, masks } = await locate({ ...request, task }, model, words);
  const spec = { ...source, recordedMaskValues: recorded.maskValues };
  const selection = await selectSamples(spec, { name, lookUp }, signal);
  const { task: _, ...located } = source;
  return {
    ...selection,
    request: located as Request & Split,
    structures: masks?.map((mask) => mask.name),
    classIndices: task === 'classification' ? classIndices(model, selection.folder, words) : [],
  };
}

/** Where the caller says nothing the parts are those that the model's training made. */
function splitOf(asked: EvaluationRequest, { split }: Recorded): Split {
  return {
    seed: asked.seed ?? split.seed ?? 0,
    validationFraction: asked.validationFraction ?? split.validationFraction ?? 0.2,
    testFraction: asked.testFraction ?? split.testFraction ?? 0,
  };
}

/** The source with its layout told, and with the masks that the model's structures are compared with. */
async function locate<T extends DataSource>(
  source: T,
  model: MeasuredModel,
  words: Wording,
): Promise<LocatedSource<T>> {
  if (source.task === 'classification') {
    const { structures: _, ...found } = await resolveSource(source);
    return { source: found, masks: undefined };
  }
  const matched = await matchStructures(source, model.structures);
  if ('unmatched' in matched) {
    const text = words.unmatched(model, matched.unmatched);
    throw automedError('INVALID_ARGUMENT', text, { field: 'structures' });
  }
  // Scores come in the order in which the caller named the structures.
  const masks = source.structures ? [...source.structures] : matched.masks;
  return masks ? { source: { ...matched.source, structures: masks }, masks } : matched;
}

function classIndices(model: MeasuredModel, folder: DataFolder, words: Wording): number[] {
  const foreign = folder.classes.filter((each) => labelOf(each, model.classes) < 0);
  if (foreign.length === 0) return folder.classes.map((each) => labelOf(each, model.classes));
  throw automedError('INVALID_ARGUMENT', words.foreign(model, foreign), { field: 'data' });
}

const WORDING: Wording = {
  unmatched: ({ name, structures }, unmatched) => {
    const draws = `${name} draws ${structures.join(', ')}`;
    if ('unknown' in unmatched) return `${draws}, and no ${unmatched.unknown}.`;
    const missing = unmatched.all && structures.length > 1 ? 'each' : unmatched.missing.join(', ');
    return `${draws}: say where the masks of ${missing} are.`;
  },
  foreign: ({ name, classes }, foreign) =>
    `The data has the classes ${foreign.join(', ')}, but ${name} knows ${classes.join(', ')}.`,
};
