// What a STOW-RS request is answered: an outcome for each object (PS3.18, 10.5.3; PS3.3, C.12.1 of the Store Instances Response).

import type { Outcome, Refusal } from '../../../dicom-net/reception';

/** Failure reasons: statuses of C-STORE, and 0xC122 for transfer syntaxes (PS3.18, table I.2-2). */
const REASON: Readonly<Record<Refusal, number>> = {
  'disk-full': 0xa700,
  bomb: 0xa700,
  'other-instance': 0xa900,
  'not-supported': 0xc122,
  unreadable: 0xc000,
  'no-uids': 0xc000,
  failed: 0x0110,
};
/** Warning: the object is kept, and differs from one that was there under its UID. */
const COERCION_WARNING = 0xb000;

interface Element {
  vr: string;
  Value: unknown[];
}
type Item = Record<string, Element>;

export interface StoreAnswer {
  /** HTTP. */
  status: 200 | 202 | 400 | 409 | 503;
  body: Record<string, { vr: 'SQ'; Value: Item[] }>;
}

const value = (vr: string, each: unknown): Element => ({ vr, Value: [each] });

function itemOf(outcome: Outcome): Item {
  const { uids } = outcome;
  return {
    ...(uids?.sopClass ? { '00081150': value('UI', uids.sopClass) } : {}),
    ...(uids ? { '00081155': value('UI', uids.sopInstance) } : {}),
    ...('refused' in outcome ? { '00081197': value('US', REASON[outcome.refused]) } : {}),
    ...('kept' in outcome && outcome.kept === 'conflict' ? { '00081196': value('US', COERCION_WARNING) } : {}),
  };
}

/** @param isWhole whether the body could be read up to its end */
export function storeAnswer(outcomes: readonly Outcome[], isWhole: boolean): StoreAnswer {
  const refused = outcomes.filter((outcome) => 'refused' in outcome);
  const kept = outcomes.filter((outcome) => 'kept' in outcome);
  const nameless = refused.filter(({ uids }) => uids === undefined);
  const sequences: [string, readonly Outcome[]][] = [
    ['00081199', kept],
    ['00081198', refused],
    // Objects that have no UID to be failed under.
    ['0008119A', nameless],
  ];
  const body = Object.fromEntries(
    sequences
      .filter(([, members]) => members.length > 0)
      .map(([tag, members]) => [tag, { vr: 'SQ' as const, Value: members.map(itemOf) }]),
  );
  const isClean = refused.length === 0 && kept.every((outcome) => outcome.kept !== 'conflict');
  const isFull = refused.length > 0 && refused.every((outcome) => outcome.refused === 'disk-full');
  if (!isWhole || outcomes.length === 0) return { status: 400, body };
  if (kept.length === 0) return { status: isFull ? 503 : 409, body };
  return { status: isClean ? 200 : 202, body };
}
