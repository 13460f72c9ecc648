// What becomes of an object that arrives, whichever way it comes: kept and journalled, or refused with a reason.

import type { InstanceHeader } from './instance-header';

/** How an object came. */
export interface Source {
  /** `dicom`, `stow`, `folder` or `pull`. */
  way: 'dicom' | 'stow' | 'folder' | 'pull';
  /** AE title of the sender, user or folder; empty where there is none. */
  calling: string;
  /** AE title that the sender called; empty where there is none. */
  called: string;
}

/** An object that is on the disk and about to be journalled. */
export interface Arrival {
  header: InstanceHeader;
  source: Source;
  /** Path below the spool. */
  file: string;
  /** Of the data set. */
  sha256: string;
  bytes: number;
}

/** `kept`: new. `known`: the same bytes were there. `conflict`: the same UID with other bytes; both are kept. */
export type Kept = 'kept' | 'known' | 'conflict';

/** Why an object was not kept. */
export type Refusal = 'unreadable' | 'no-uids' | 'other-instance' | 'not-supported' | 'bomb' | 'disk-full' | 'failed';

/** What an object says of itself. */
export interface ObjectUids {
  sopClass: string;
  sopInstance: string;
}

/** `uids` are there when the object could be read so far. */
export type Outcome =
  { kept: Kept; uids: ObjectUids } | { refused: Refusal; message: string; uids?: ObjectUids | undefined };

/** Journals arrivals. When it returns, what it says survives a power cut. */
export interface ArrivalJournal {
  record(arrival: Arrival): Kept;
}

/** Whether there is room for more. */
export interface RoomGauge {
  /** False above the watermark: nothing new is accepted. */
  hasRoom(): boolean;
}
