// Receives Part 10 files, as the web, folders and other archives give them. Their own file meta information stays before the data
// set; the data set is what two arrivals of one object are compared by, whichever way they come.

import type { Announced } from '../domain/instance-header';
import type { ObjectUids, Outcome, Source } from '../../dicom-net/reception';
import { readMeta } from '../../dicom-net/part10';
import type { Receiver } from './receiver';
import type { SpoolFile } from './spool';

/** Longest file meta information that is accepted, bytes. */
const MAX_META = 256 * 1024;
const NO_PART10: Outcome = { refused: 'unreadable', message: 'This is no DICOM file (PS3.10).' };

/** One file that comes in chunks. */
export class FileIntake {
  private early = Buffer.alloc(0);
  private file: SpoolFile | undefined;
  private uids: ObjectUids | undefined;
  private isNone = false;
  /** Why it could not be begun: the rest of it is passed over. */
  private refused: Outcome | undefined;

  constructor(
    private readonly receiver: Receiver,
    private readonly source: Source,
    private readonly announced: Announced = {},
  ) {}

  /** Resolves when more may come. */
  async write(chunk: Buffer): Promise<void> {
    if (this.isNone || this.refused) return;
    const rest = this.file ? chunk : await this.begin(chunk);
    const { file } = this;
    if (file && rest.length > 0 && !file.write(rest)) await new Promise<void>((resolve) => file.onceDrained(resolve));
  }

  /** Gathers the beginning until the data set begins; what of it is the data set's. */
  private async begin(chunk: Buffer): Promise<Buffer> {
    this.early = Buffer.concat([this.early, chunk]);
    const meta = readMeta(this.early);
    if (meta === 'none' || (meta === 'more' && this.early.length > MAX_META)) this.isNone = true;
    if (typeof meta === 'string') return Buffer.alloc(0);
    const { sopClass, sopInstance, end } = meta;
    if (sopInstance !== '') this.uids = { sopClass, sopInstance };
    const whole = this.early;
    this.early = Buffer.alloc(0);
    try {
      this.file = await this.receiver.begin(whole.subarray(0, end));
    } catch (error) {
      this.refused = this.receiver.refuse(error, this.source, this.uids);
    }
    return whole.subarray(end);
  }

  /** All has come. What this answers is final. */
  async finish(): Promise<Outcome> {
    if (this.refused) return this.refused;
    if (!this.file) return NO_PART10;
    const outcome = await this.receiver.finish(this.file, this.source, this.announced);
    return 'refused' in outcome ? { ...outcome, uids: outcome.uids ?? this.uids } : outcome;
  }

  async discard(): Promise<void> {
    await this.file?.discard();
  }
}
