// What goes to a destination that does not take what was sent: the same in its next encoding.

import {
  choices,
  encodingOf,
  pack,
  reopen,
  type EncodingName,
  type Images,
  type PackDeps,
  type Refusal,
  type Target,
} from '../../analysis';
import { failed, type Sent } from './delivery';
import type { Destination } from '../../pacs-site/schema';
import type { DoneJob, Failure, JobOutcome, LeasedDelivery } from './work';

export interface ParcelBoard {
  refuse(destination: string, encoding: EncodingName, message: string): void;
  refusals(destination: string): Refusal[];
  done(job: number): DoneJob;
  replace(
    delivery: LeasedDelivery,
    destination: string,
    why: Failure,
    parcel: Pick<JobOutcome, 'results' | 'deliveries'>,
  ): void;
}

export interface SubstituteDeps extends PackDeps {
  parcels: ParcelBoard;
  images: Images;
  /** Bytes of a file of the outbox. */
  read: (file: string) => Promise<Uint8Array>;
  inFlight: number;
}

/** @param destination undefined: the site has none of this name any more, which the delivery will say */
export function targetOf(
  name: string,
  destination: Destination | undefined,
  parcels: Pick<ParcelBoard, 'refusals'>,
): Target {
  const { encodings = ['BINARY' as const], also = [] } = destination ?? {};
  const refusals = parcels.refusals(name);
  if (!destination?.deidentify || destination.deidentify.captures) {
    return { destination: name, encodings, also, refusals };
  }
  // Names may be burned into the pictures.
  return {
    destination: name,
    encodings: encodings.filter((encoding) => encoding !== 'CAPTURE'),
    also: also.filter((extra) => extra !== 'CAPTURE'),
    refusals,
  };
}

/** Remembers what destinations refuse, and makes what they get instead. */
export class Substitutes {
  constructor(private readonly deps: SubstituteDeps) {}

  /**
   * @param sent the refusal
   * @returns the same, where nothing goes instead: with all that was refused; undefined where something does
   * @throws what reading the study and writing its results again rejects with
   */
  async replace(
    delivery: LeasedDelivery,
    name: string,
    destination: Destination,
    sent: Failure,
  ): Promise<Sent | undefined> {
    const { parcels } = this.deps;
    const encoding = encodingOf(delivery.kind);
    if (encoding === undefined) return failed('permanent', sent.code, sent.message);
    parcels.refuse(name, encoding, sent.message);
    const target = targetOf(name, destination, parcels);
    const [next] = choices(target.encodings, target.refusals);
    const packed = next && (await this.packed(parcels.done(delivery.job), target));
    const goes = packed?.deliveries.find(({ kind }) => encodingOf(kind) !== undefined);
    if (!packed || !goes) {
      const message = `The receiver takes none of ${destination.encodings.join(', ')}: the objects or their encoding.`;
      return failed('permanent', sent.code, message);
    }
    const why = { code: sent.code, message: `${sent.message} It goes as ${goes.kind} instead.` };
    parcels.replace(delivery, name, why, packed);
    return undefined;
  }

  private async packed(done: DoneJob, target: Target) {
    const segmentation = done.results.find(({ kind }) => kind === 'SEG');
    if (!segmentation || done.context === '') return undefined;
    const { images, read, inFlight } = this.deps;
    const kept = { ...done, segmentation: await read(segmentation.file) };
    return pack(await reopen(kept, images, inFlight), done.rule, [target], this.deps, done.results);
  }
}
