import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { automedError } from '../common/errors';

const digestsSchema = z.object({
  fingerprint: z.string(),
  /** Of each sample that could be used, by its name. */
  samples: z.record(z.string(), z.string()),
});

/** What a check keeps of the content of a data set. */
export type Digests = z.infer<typeof digestsSchema>;

/** Changed files that an error names. */
const NAMED = 10;

/** Where the digests of a data set are kept. */
export function digestsPath(home: string, name: string, version: number): string {
  return join(home, 'datasets', name, `${version}.json`);
}

/** Compares samples, as they are decoded, with what the check of their data set saw. */
export class SampleGuard {
  private readonly changes: string[] = [];
  private readonly missing: Set<string>;

  private constructor(
    private readonly reference: string,
    private readonly digests: Digests,
  ) {
    this.missing = new Set(Object.keys(digests.samples));
  }

  /** @throws IllegalStateError (field `dataset`) when the data set was forgotten */
  static async open({ reference, digests }: { reference: string; digests: string }): Promise<SampleGuard> {
    const text = await readFile(digests, 'utf8').catch((cause: unknown) => {
      throw automedError('ILLEGAL_STATE', `The data set ${reference} is registered no more, or not checked.`, {
        field: 'dataset',
        cause,
      });
    });
    return new SampleGuard(reference, digestsSchema.parse(JSON.parse(text)));
  }

  /** @param digest absent for a sample that cannot be used */
  see(name: string, digest: string | undefined): void {
    const known = this.digests.samples[name];
    this.missing.delete(name);
    if (known === digest) return;
    this.changes.push(
      known === undefined
        ? `${name} is new`
        : digest === undefined
          ? `${name} can no longer be used`
          : `${name} changed`,
    );
  }

  /**
   * @param whole whether every sample was seen, so that what was not seen is gone
   * @throws IllegalStateError (field `dataset`) that names what changed
   */
  finish(whole: boolean): void {
    const gone = whole ? [...this.missing].sort().map((name) => `${name} is gone`) : [];
    const changes = [...this.changes, ...gone];
    if (changes.length === 0) return;
    const more = changes.length - NAMED;
    const named = changes.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
    throw automedError(
      'ILLEGAL_STATE',
      `The data set ${this.reference} changed since it was checked: ${named}. Validate it again.`,
      { field: 'dataset' },
    );
  }
}
