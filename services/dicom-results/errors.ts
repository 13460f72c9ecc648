import { InvalidInputError } from '../common/errors';

/** Why no DICOM object can be made of a result, for programs; the message is for people and holds no value of a header. */
export type ResultDefect =
  /** The model's manifest has no coded term for one of its structures or classes. */
  | 'TERMS'
  /** Masks of another size than their frames, values beside 0 and 1, NaN, a name twice, frames that the series does not have. */
  | 'CONTENT'
  /** Images that are not of one series, or lack what a result must repeat. */
  | 'SOURCE'
  /** Slices that are no stack: missing, twice in one place, of several orientations. */
  | 'STACK'
  /** What the object shows lies elsewhere than the masks that it was made of. */
  | 'GEOMETRY'
  /** An object that cannot hold the result: structures that overlap in a label map. */
  | 'ENCODING';

export class ResultError extends InvalidInputError {
  constructor(
    readonly defect: ResultDefect,
    message: string,
  ) {
    super('INVALID_ARGUMENT', message, { field: defect === 'TERMS' ? 'model' : 'result' });
  }
}
