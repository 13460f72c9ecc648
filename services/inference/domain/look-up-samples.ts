// What a version knows of samples, for callers who cannot read the store.

import { automedError } from '../../common/errors';
import { originOf, type SampleOrigin, type StoredModel } from '../../store';
import type { SampleRecords } from './sample-records';

const DIGEST_BYTES = 32;
/** Digests of one request: 1 MiB. */
const MAX_DIGESTS = 32_768;

export interface SampleKnowledge {
  /** `name@version` */
  model: string;
  recorded: boolean;
  /** One for each digest; undefined: the record does not have it. Empty when nothing is recorded. */
  origins: (SampleOrigin | undefined)[];
  unrecorded: readonly string[];
}

/** @param digests SHA-256, 32 bytes each, one after another */
export async function lookUpSamples(
  model: StoredModel,
  digests: Uint8Array,
  records: SampleRecords,
): Promise<SampleKnowledge> {
  const count = digests.length / DIGEST_BYTES;
  if (!Number.isInteger(count) || count > MAX_DIGESTS) {
    const text = `The digests have ${digests.length} bytes; ${DIGEST_BYTES} each and at most ${MAX_DIGESTS} are accepted.`;
    throw automedError('INVALID_ARGUMENT', text, { field: 'digests' });
  }
  const name = `${model.manifest.name}@${model.manifest.version}`;
  const record = await records.of(model);
  if (!record) return { model: name, recorded: false, origins: [], unrecorded: [] };
  const hex = Buffer.from(digests).toString('hex');
  const origins = Array.from({ length: count }, (_, index) =>
    originOf(record, hex.slice(2 * DIGEST_BYTES * index, 2 * DIGEST_BYTES * (index + 1))),
  );
  return { model: name, recorded: true, origins, unrecorded: record.unrecorded };
}
