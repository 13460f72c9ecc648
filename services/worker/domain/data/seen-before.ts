// What a run's base and starting model were trained on already: pictures of the test among it measure nothing new.

import type { Emit } from '../../protocol/protocol';
import {
  inheritedFrom,
  isSeen,
  partOf,
  partsByDigest,
  type RecordedVersion,
  type SampleRecord,
  type StoredBackbone,
} from '../../../store';
import type { Part } from '../../../datasets/files/part-names';
import type { PreparedData } from './load-data';

export interface SeenBefore {
  /** For the version that the run registers. */
  record: SampleRecord;
  /** Samples of the parts that are measured which the run's beginnings have seen; parts without any are left out. */
  counts: Partial<Record<Part, number>>;
}

const MEASURED = ['validation', 'test'] as const;

/** Backbones are published weights of other pictures and have no record. */
const isRecorded = (version: RecordedVersion | StoredBackbone | undefined): version is RecordedVersion =>
  version !== undefined && 'training' in version.manifest;

/** Puts together what a version will have seen: the run's own samples, and what its base and starting model had. */
export async function seenBefore(
  { digests }: PreparedData,
  beginnings: readonly (RecordedVersion | StoredBackbone | undefined)[],
): Promise<SeenBefore> {
  const inheritance = await inheritedFrom(beginnings.filter(isRecorded));
  const before = { ...inheritance, own: new Map() };
  const counts: SeenBefore['counts'] = {};
  for (const part of MEASURED) {
    const count = digests[part].filter((sample) => isSeen(partOf(before, sample))).length;
    if (count > 0) counts[part] = count;
  }
  const own = partsByDigest({
    // A patient of whom some pictures were learnt from is not new to the model by the others.
    train: [...digests.train, ...digests.cut].flat(),
    validation: digests.validation.flat(),
    test: digests.test.flat(),
    unused: digests.unused.flat(),
  });
  return { record: { ...inheritance, own }, counts };
}

/** Names what makes the run's scores better than they are. */
export function tellSeenBefore({ record, counts }: SeenBefore, { digests }: PreparedData, emit: Emit): void {
  for (const part of MEASURED) {
    const count = counts[part];
    if (count === undefined) continue;
    const of = digests[part].length;
    const message = `${count} of ${of} ${part} samples were seen in the training of the base or of the model to start from: their scores flatter`;
    emit({ type: 'log', level: 'warn', message });
  }
  if (record.unrecorded.length === 0) return;
  const names = record.unrecorded.join(', ');
  emit({ type: 'log', level: 'info', message: `${names} did not record what it was trained on` });
}
