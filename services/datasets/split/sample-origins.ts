// Which samples of a data set a version has seen, found by the content of their files and, where that is unknown, of their
// pictures.

import { isSeen, type LookedUp, type LookUp, type SampleOrigin } from '../../store';
import type { Sample } from '../samples/sample';
import { decodeInOrder, DECODE_PARALLEL, imageDigestOf } from '../load/load-samples';
import { pictureHash } from '../files/picture-hash';
import { SharedFiles } from '../load/shared-files';

/** Of the samples that a version knows what it knows. */
export interface Origins {
  of: ReadonlyMap<Sample, SampleOrigin>;
  unrecorded: readonly string[];
}

/** A file that cannot be read has no digest; who uses it will say why. */
async function fileDigests(samples: readonly Sample[], signal: AbortSignal): Promise<(string | undefined)[]> {
  const digests: (string | undefined)[] = [];
  const files = new SharedFiles();
  for (let from = 0; from < samples.length; from += DECODE_PARALLEL) {
    signal.throwIfAborted();
    const some = samples.slice(from, from + DECODE_PARALLEL);
    digests.push(...(await Promise.all(some.map((sample) => imageDigestOf(sample, files).catch(() => undefined)))));
  }
  return digests;
}

async function pictureDigests(samples: readonly Sample[], signal: AbortSignal): Promise<(string | undefined)[]> {
  const digests: (string | undefined)[] = [];
  const images = samples.map(({ masks: _, ...image }) => image);
  for await (const result of decodeInOrder(images)) {
    signal.throwIfAborted();
    digests.push('problem' in result ? undefined : pictureHash(result.pixels));
  }
  return digests;
}

/** The more is said by the part in which a sample was seen. */
function merge(one: SampleOrigin | undefined, other: SampleOrigin | undefined): SampleOrigin | undefined {
  if (!one || !other) return one ?? other;
  const part = [one.part, other.part].find(isSeen) ?? one.part ?? other.part;
  return { ...(part === undefined ? {} : { part }), seen: one.seen || other.seen };
}

/**
 * Looks every sample up. Only those whose file is not known as seen are decoded: another file may hold the same picture.
 * @returns undefined when the version has no record
 */
export async function originsOf(
  samples: readonly Sample[],
  lookUp: LookUp,
  signal: AbortSignal,
): Promise<Origins | undefined> {
  const files = await fileDigests(samples, signal);
  const found = await lookUp(files.filter((digest) => digest !== undefined));
  if (!found) return undefined;
  const of = new Map<Sample, SampleOrigin>();
  const note = (list: readonly Sample[], digests: readonly (string | undefined)[], by: LookedUp): void => {
    for (const [index, sample] of list.entries()) {
      const origin = merge(of.get(sample), by.origins.get(digests[index] ?? ''));
      if (origin) of.set(sample, origin);
    }
  };
  note(samples, files, found);
  const rest = samples.filter((sample) => !of.get(sample)?.seen);
  const pictures = await pictureDigests(rest, signal);
  const more = await lookUp(pictures.filter((digest) => digest !== undefined));
  if (more) note(rest, pictures, more);
  return { of, unrecorded: found.unrecorded };
}
