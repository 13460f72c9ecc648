// Choices that are the same for the same key, in every gateway.

import { createHash } from 'node:crypto';

interface Weighted {
  weight: number;
}

/** A number in `[0, 1)` that follows from the texts. */
export function uniformOf(...texts: readonly string[]): number {
  const digest = createHash('sha256').update(texts.join('\n')).digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}

/**
 * The part of a split in which a key lies. Parts keep their order on the line from 0 to 1, so that a later one that grows takes
 * keys from those before it and gives none back.
 */
export function partOf<P extends Weighted>(parts: readonly P[], at: number): P | undefined {
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  let passed = 0;
  for (const part of parts) {
    passed += part.weight;
    if (at * total < passed) return part;
  }
  return parts.at(-1);
}

/** Rendezvous hashing: each key has its own order of all, and only the keys of one that leaves go elsewhere. */
export function ownerOf<B extends Weighted>(all: readonly B[], name: (each: B) => string, key: string): B | undefined {
  const distance = (each: B): number => -Math.log(1 - uniformOf(key, name(each))) / each.weight;
  return all.reduce<B | undefined>(
    (nearest, each) => (nearest === undefined || distance(each) < distance(nearest) ? each : nearest),
    undefined,
  );
}
