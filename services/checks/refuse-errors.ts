// Data on which a score would be wrong are refused by every command that trains or measures, in the same words.

import { automedError } from '../common/errors';
import type { Finding } from '../datasets/samples/finding';

/** Findings in the error of a refused run. */
const NAMED_FINDINGS = 10;

/**
 * Refuses data on which a score would be wrong.
 * @throws InvalidInputError (field `data`)
 */
export function refuseErrors(findings: readonly Finding[], use: 'train' | 'measure'): void {
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return;
  const named = errors.slice(0, NAMED_FINDINGS).map(({ message }) => message);
  const more = errors.length - named.length;
  throw automedError(
    'INVALID_ARGUMENT',
    `The data would make scores wrong: ${named.join('; ')}${more > 0 ? `; and ${more} more findings` : ''}. ` +
      `Mend it, or allow data problems to ${use} on it as it is.`,
    { field: 'data' },
  );
}
