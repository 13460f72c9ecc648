// In which encoding a destination gets what was drawn: the first of its list that it takes, as its own answers say.

import type { EncodingName } from '../types';

/** What a destination said of an encoding, by its association or its STOW answer. */
export interface Refusal {
  encoding: EncodingName;
  /** Milliseconds since 1970. */
  time: number;
  /** Sentence for a person. */
  message: string;
}

/** An encoding that may be tried, and why none before it. */
export interface Choice {
  encoding: EncodingName;
  reason: string;
}

/** How long an answer of a receiver holds: it may learn, milliseconds. */
export const REFUSAL_HOLDS_MS = 24 * 3600 * 1000;

/** Name of the objects of an encoding, as results are listed. */
export const KIND_OF = { BINARY: 'SEG', LABELMAP: 'LABELMAP', CAPTURE: 'SC' } as const satisfies Record<
  EncodingName,
  string
>;

export function encodingOf(kind: string): EncodingName | undefined {
  return (Object.keys(KIND_OF) as EncodingName[]).find((encoding) => KIND_OF[encoding] === kind);
}

/**
 * The encodings that are worth a try, best first; none where the destination has refused all.
 * @param wanted by the destination, best first
 */
export function choices(wanted: readonly EncodingName[], refusals: readonly Refusal[]): Choice[] {
  const passed: string[] = [];
  return wanted.flatMap((encoding): Choice[] => {
    const refusal = refusals.find((each) => each.encoding === encoding);
    if (refusal) {
      passed.push(`${encoding} was refused on ${new Date(refusal.time).toISOString()}: ${refusal.message}`);
      return [];
    }
    return [{ encoding, reason: passed.join(' ') || `${encoding} is the first encoding that the destination names.` }];
  });
}

/** What a destination would get now, for people; `encoding` is empty where it takes none. */
export function explainEncoding(
  wanted: readonly EncodingName[],
  refusals: readonly Refusal[],
): { encoding: EncodingName | ''; reason: string } {
  const [best] = choices(wanted, refusals);
  if (!best)
    return { encoding: '', reason: refusals.map(({ encoding, message }) => `${encoding}: ${message}`).join(' ') };
  const unless = best.encoding === 'LABELMAP' ? ' Structures that overlap go in the next one.' : '';
  return { ...best, reason: `${best.reason}${unless}` };
}
