// What becomes of an object that arrives, whichever way it comes: kept and journalled, or refused with a reason.

import type { Kept, Source } from '../../dicom-net/reception';
import type { InstanceHeader } from './instance-header';

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

/** Journals arrivals. When it returns, what it says survives a power cut. */
export interface ArrivalJournal {
  record(arrival: Arrival): Kept;
}

/** Whether there is room for more. */
export interface RoomGauge {
  /** False above the watermark: nothing new is accepted. */
  hasRoom(): boolean;
}
