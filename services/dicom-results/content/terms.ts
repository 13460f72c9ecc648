import type { Code, Term } from '../../store/terms';
import { ResultError } from '../errors';
import type { ModelIdentity } from '../types';

/** Category of what has none in the manifest (CID 7150). */
const MORPHOLOGY: Code = { value: '49755003', scheme: 'SCT', meaning: 'Morphologically Abnormal Structure' };

export interface NamedTerm extends Term {
  name: string;
  category: Code;
}

/**
 * The coded terms of structures or classes, in their order.
 * @throws ResultError (TERMS) that names the model and all that its manifest has no term for
 */
export function termsOf(
  model: Pick<ModelIdentity, 'name' | 'version' | 'terms'>,
  names: readonly string[],
): NamedTerm[] {
  const missing = names.filter((name) => !Object.hasOwn(model.terms ?? {}, name));
  if (missing.length > 0) {
    throw new ResultError(
      'TERMS',
      `Model ${model.name}@${model.version} has no coded term for ${missing.map((name) => `"${name}"`).join(', ')}: ` +
        'its manifest needs one under "terms" before DICOM objects can be made of its answers.',
    );
  }
  return names.flatMap((name) => {
    const term = model.terms?.[name];
    return term ? [{ ...term, name, category: term.category ?? MORPHOLOGY }] : [];
  });
}
